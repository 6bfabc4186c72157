"""Rows that come after a run: read, checked against the task's own test table, and laid out in its place."""
