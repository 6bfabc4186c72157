"""The checkpoints and the store that LangGraph's server opens, by hand."""

import asyncio
from pathlib import Path

import pytest
from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.base import empty_checkpoint

from gome.graph.persistence import server

ROUNDS = 200


async def traces_search_and_put_while_checkpoints_are_written() -> int:
    here: RunnableConfig = {"configurable": {"thread_id": "run", "checkpoint_ns": ""}}
    async with server.checkpointer() as saver, server.store() as store:
        for n in range(ROUNDS):
            await asyncio.gather(
                store.asearch(("memory",)),
                store.aput(("memory",), str(n), {"step": n}),
                *(saver.aput(here, empty_checkpoint(), {}, {}) for _ in range(3)),
            )
        return len(await store.asearch(("memory",), limit=2 * ROUNDS))


def test_traces_at_once_never_meet_a_locked_store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(server.VARIABLE, str(tmp_path))
    assert asyncio.run(traces_search_and_put_while_checkpoints_are_written()) == ROUNDS
