"""How LangGraph calls Gome's nodes: in the calling thread, or, from an event loop, in one that ends with its run."""

import asyncio
from collections.abc import Callable, Mapping
from contextvars import copy_context
from pathlib import Path
from typing import Any, cast

from langchain_core.runnables import Runnable, RunnableConfig
from langgraph.runtime import Runtime, get_runtime

from gome.graph.registry import ServiceRegistry
from gome.state.config import RunConfig
from gome.state.errors import GomeError

Work = Callable[[Any, Runtime[RunConfig]], Mapping[str, Any]]


class UserError(GomeError, ValueError):
    """A GomeError out of an event loop. LangGraph's server hides what an error says, unless it is a built-in one."""


class NodeCall(Runnable[Any, Mapping[str, Any]]):
    """A node out of `work(state, runtime) -> update`, which may take hours and blocks.

    LangGraph's server cancels a run by cancelling its task, and a thread does not notice. So the run's services are
    closed, which ends the program and the question in flight, and the task ends when its thread has: a run that is
    resumed has no former self beside it.
    """

    def __init__(self, work: Work, registry: ServiceRegistry) -> None:
        self.work, self.registry = work, registry

    def invoke(self, input: Any, config: RunnableConfig | None = None, **kwargs: Any) -> Mapping[str, Any]:
        """Do the node's work here and now."""
        return self.work(input, _runtime())

    async def ainvoke(
        self, input: Any, config: RunnableConfig | None = None, **kwargs: Any
    ) -> Mapping[str, Any]:
        """Do the node's work in a thread."""
        context = copy_context()
        working = asyncio.get_running_loop().run_in_executor(
            self.registry.threads, context.run, self.work, input, _runtime()
        )
        try:
            return await asyncio.shield(working)
        except GomeError as error:
            raise UserError(*error.args) from error
        except asyncio.CancelledError:
            if run_dir := input.get("run_dir"):
                self.registry.close(Path(run_dir))
            await asyncio.wait([working])
            working.exception()  # it is seen here: nobody else asks for it
            raise


def add_node(graph: Any, name: str, work: Work, registry: ServiceRegistry, *, does: str = "") -> None:
    """Add `work` to a graph, with what it does for those who see the graph drawn: the first sentence of its docstring."""
    words = " ".join((does or work.__doc__ or "").split())
    graph.add_node(name, NodeCall(work, registry), metadata={"does": words.split(". ")[0].rstrip(".")})


def _runtime() -> Runtime[RunConfig]:
    return cast(Runtime[RunConfig], get_runtime(RunConfig))
