"""Signed statements of closed sessions, and how they are checked."""
