"""Writes: one function per thing that a person does."""
