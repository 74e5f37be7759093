"""Reads: one function per thing that a page, a command or a download shows."""
