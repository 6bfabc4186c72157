"""One process of a run: forked with everything imported already, so that a kill every second is possible.

The `sync` driver over `sqlite` is the command line itself; the other three are what an embedding program writes.
"""

import asyncio
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

from langchain_core.runnables import RunnableConfig
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite.aio import AsyncSqliteSaver
from langgraph.store.memory import InMemoryStore
from langgraph.store.sqlite.aio import AsyncSqliteStore

import gome.cli.driving  # loaded before the fork
import gome.cli.main
from gome.graph.run import build_graph
from gome.state.config import RunConfig

Store = Literal["sqlite", "memory"]
Driver = Literal["sync", "async"]


def begin(process: Callable[[], int], log: Path) -> int:
    """The pid of a forked process that does this and ends with its exit code; what it says goes into `log`."""
    sys.stdout.flush()
    pid = os.fork()
    if pid:
        return pid
    code = 70
    try:
        os.setsid()
        said = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
        os.dup2(said, 1)
        os.dup2(said, 2)
        code = process()
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def end(pid: int, seconds: float) -> int | None:
    """Wait so long for the process, then kill -9. Its exit code if it ended before that, else None."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        done, status = os.waitpid(pid, os.WNOHANG)
        if done:
            return os.waitstatus_to_exitcode(status)
        time.sleep(0.002)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    return None


def process_of(
    store: Store, driver: Driver, task: Path, config: RunConfig, state_dir: Path
) -> Callable[[], int]:
    """What a process does to begin or to go on with the run."""
    if (store, driver) == ("sqlite", "sync"):
        return lambda: gome.cli.main.main(_command_line(task, config))
    if driver == "sync":
        return lambda: _invoked(task, config)
    return lambda: asyncio.run(_ainvoked(store, task, config, state_dir))


def _command_line(task: Path, config: RunConfig) -> list[str]:
    if (Path(config.run_dir) / "run.json").is_file():
        return ["resume", config.run_dir]
    given = config.model_dump(exclude_defaults=True)
    options = [f"--{name.replace('_', '-')}={value}" for name, value in given.items()]
    return ["run", str(task), *options]


def _thread(config: RunConfig) -> RunnableConfig:
    return {"configurable": {"thread_id": config.run_dir}, "recursion_limit": 1_000_000}


def _invoked(task: Path, config: RunConfig) -> int:
    graph = build_graph().compile(checkpointer=InMemorySaver(), store=InMemoryStore())
    graph.invoke({"task": str(task)}, _thread(config), context=config, durability="sync")
    return 0


async def _ainvoked(store: Store, task: Path, config: RunConfig, state_dir: Path) -> int:
    if store == "memory":
        graph = build_graph().compile(checkpointer=InMemorySaver(), store=InMemoryStore())
        await graph.ainvoke({"task": str(task)}, _thread(config), context=config, durability="sync")
        return 0
    async with (
        AsyncSqliteSaver.from_conn_string(str(state_dir / "checkpoints.sqlite")) as saver,
        AsyncSqliteStore.from_conn_string(str(state_dir / "store.sqlite")) as rows,
    ):
        await rows.setup()
        graph = build_graph().compile(checkpointer=saver, store=rows)
        begun = (await graph.aget_state(_thread(config))).created_at is not None
        given: Any = None if begun else {"task": str(task)}
        await graph.ainvoke(given, _thread(config), context=config, durability="sync")
    return 0
