"""Checkpoints and store of one run, in one SQLite file of its folder."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from uuid import UUID

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.base import id as checkpoint_ids
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


def go_on_after_the_last(saver: BaseCheckpointSaver[Any], thread: RunnableConfig) -> None:
    """Let the checkpoints of this process follow those that the thread has, in all of its namespaces.

    LangGraph goes on from the checkpoint with the greatest id, and ids begin with the machine's time: once the clock is
    set back, new checkpoints would hide behind old ones, and the next resume would begin at a step long done. Its
    generator only remembers the last id of its own process.
    """
    thread_id = thread["configurable"]["thread_id"]
    newest = next(saver.list({"configurable": {"thread_id": thread_id}}, limit=1), None)
    if newest:
        stamp = _stamp(newest.checkpoint["id"])
        last = checkpoint_ids._last_v6_timestamp or 0
        checkpoint_ids._last_v6_timestamp = max(stamp, last)  # type: ignore[assignment]


def _stamp(checkpoint_id: str) -> int:
    """The time in a version 6 UUID: 60 bits, in 100 ns."""
    number = UUID(checkpoint_id).int
    return (number >> 80) << 12 | (number >> 64) & 0xFFF
