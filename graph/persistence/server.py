"""Persistence of LangGraph's server (langgraph.json): the checkpoints and the store of a run, or of those begun there.

The environment variable GOME_RUN names the folder of a run; without it, `runs/studio` keeps what the server begins.
Whatever either holds, a killed server has lost nothing that was finished.
"""

import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiosqlite
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.store.sqlite.aio import AsyncSqliteStore

from gome.graph.persistence.sqlite import BUSY_S, FILE, WritesFromTheStart

VARIABLE = "GOME_RUN"
DEFAULT = "runs/studio"


@asynccontextmanager
async def checkpointer() -> AsyncIterator[AsyncSqliteSaver]:
    """The checkpoints, in the file in which the command line looks for them."""
    async with _connection() as connection:
        await connection.execute("PRAGMA journal_mode=WAL")
        saver = AsyncSqliteSaver(connection)
        await saver.setup()
        yield saver


@asynccontextmanager
async def store() -> AsyncIterator[AsyncSqliteStore]:
    """The store, in the same file, with a connection of its own."""
    options = {"isolation_level": None, "factory": WritesFromTheStart}
    async with _connection(**options) as connection, AsyncSqliteStore(connection) as rows:
        await rows.setup()
        yield rows


@asynccontextmanager
async def _connection(**options: Any) -> AsyncIterator[aiosqlite.Connection]:
    folder = Path(os.environ.get(VARIABLE) or DEFAULT)
    folder.mkdir(parents=True, exist_ok=True)
    async with aiosqlite.connect(folder / FILE, timeout=BUSY_S, **options) as connection:
        yield connection
