"""Checkpoints and store in an SQLite file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.store.sqlite import SqliteStore

FILE = "checkpoints.sqlite"
BUSY_S = 60.0
KEPT = 100
"""Newest checkpoints of each graph that goes on. A run's history is in history.jsonl; these are for going back."""


class WritesFromTheStart(sqlite3.Connection):
    """Takes the lock for writing as a transaction begins, so that who meets another writer waits for `BUSY_S`.

    The asynchronous store puts what several traces ask at once into one transaction, reads first. Where another
    connection writes between such a read and the write after it, SQLite refuses that write without waiting.
    """

    def execute(self, sql: str, parameters: Any = (), /) -> sqlite3.Cursor:
        return super().execute("BEGIN IMMEDIATE" if sql == "BEGIN" else sql, parameters)


@contextmanager
def connect(path: Path) -> Iterator[tuple[SqliteSaver, SqliteStore]]:
    """The saver and the store over one file, each with a connection of its own (write-ahead log)."""
    with (
        closing(sqlite3.connect(path, check_same_thread=False, timeout=BUSY_S)) as checkpoints,
        closing(sqlite3.connect(path, check_same_thread=False, timeout=BUSY_S, isolation_level=None)) as rows,
    ):
        checkpoints.execute("PRAGMA journal_mode=WAL")
        saver, store = SqliteSaver(checkpoints), SqliteStore(rows)
        saver.setup()
        store.setup()
        yield saver, store


def thin(saver: SqliteSaver, thread: str) -> None:
    """Keep the newest `KEPT` checkpoints of the run's graph and of each trace's; none of traces from before a join."""
    with saver.cursor() as cursor:
        cursor.execute(
            "SELECT checkpoint_ns, max(checkpoint_id) FROM checkpoints WHERE thread_id = ? GROUP BY checkpoint_ns",
            (thread,),
        )
        newest = dict(cursor.fetchall())
        for space, last in newest.items():
            cursor.execute(
                "SELECT checkpoint_id FROM checkpoints WHERE thread_id = ? AND checkpoint_ns = ? "
                "ORDER BY checkpoint_id DESC LIMIT 1 OFFSET ?",
                (thread, space, KEPT - 1),
            )
            goes_on = not space or last > newest.get("", "")
            first = (cursor.fetchone() or [""])[0] if goes_on else last + "~"  # greater than every id
            for table in ("checkpoints", "writes"):
                cursor.execute(
                    f"DELETE FROM {table} WHERE thread_id = ? AND checkpoint_ns = ? AND checkpoint_id < ?",
                    (thread, space, first),
                )
