"""Checkpoints and store of one run, in one SQLite file of its folder."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.store.sqlite import SqliteStore

BUSY_S = 60.0


@contextmanager
def open_persistence(run_dir: Path) -> Iterator[tuple[SqliteSaver, SqliteStore]]:
    """The saver and the store over `checkpoints.sqlite`, each with a connection of its own (write-ahead log)."""
    path = str(run_dir / "checkpoints.sqlite")
    with (
        closing(sqlite3.connect(path, check_same_thread=False, timeout=BUSY_S)) as checkpoints,
        closing(sqlite3.connect(path, check_same_thread=False, timeout=BUSY_S, isolation_level=None)) as rows,
    ):
        checkpoints.execute("PRAGMA journal_mode=WAL")
        saver, store = SqliteSaver(checkpoints), SqliteStore(rows)
        saver.setup()
        store.setup()
        yield saver, store
