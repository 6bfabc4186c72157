"""Checkpoints and store of a run, in SQLite or Postgres."""
