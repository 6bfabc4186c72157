"""Checkpoints and store of a run: in one SQLite file of its folder, or in a Postgres database that runs share."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from langgraph.checkpoint.base import BaseCheckpointSaver
from langgraph.checkpoint.base import id as checkpoint_ids
from langgraph.store.base import BaseStore

from gome.graph.persistence import postgres, sqlite


@dataclass(frozen=True)
class Persistence:
    """An open database. `thin(thread)` deletes a thread's old checkpoints, also while its graph runs."""

    saver: BaseCheckpointSaver[Any]
    store: BaseStore
    thin: Callable[[str], None]


@contextmanager
def open_persistence(run_dir: Path, url: str | None = None) -> Iterator[Persistence]:
    """`checkpoints.sqlite` of the run's folder, or the Postgres database at `url`. GomeError where there is none."""
    if url:
        with postgres.connect(url) as (saver, store):
            yield Persistence(saver, store, lambda thread: saver.prune([thread]))
    else:
        with sqlite.connect(run_dir / sqlite.FILE) as (lite_saver, lite_store):
            yield Persistence(lite_saver, lite_store, lambda thread: sqlite.thin(lite_saver, thread))


def go_on_after_the_last(saver: BaseCheckpointSaver[Any], thread: str) -> None:
    """Let the checkpoints of this process follow those that the thread has, in all of its namespaces.

    LangGraph goes on from the checkpoint with the greatest id, and ids begin with the machine's time: once the clock is
    set back, new checkpoints would hide behind old ones, and the next resume would begin at a step long done. Its
    generator only remembers the last id of its own process.
    """
    newest = next(saver.list({"configurable": {"thread_id": thread}}, limit=1), None)
    if newest:
        stamp = _stamp(newest.checkpoint["id"])
        last = checkpoint_ids._last_v6_timestamp or 0
        checkpoint_ids._last_v6_timestamp = max(stamp, last)  # type: ignore[assignment]


def _stamp(checkpoint_id: str) -> int:
    """The time in a version 6 UUID: 60 bits, in 100 ns."""
    number = UUID(checkpoint_id).int
    return (number >> 80) << 12 | (number >> 64) & 0xFFF
