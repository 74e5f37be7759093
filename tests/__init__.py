"""The suite: real databases on both engines, real files, a real browser; no mocks of our own code."""
