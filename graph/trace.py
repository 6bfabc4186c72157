"""The trace graph: researcher -> coder -> runner -> critic, once a step, with the debug edge from runner to coder.

Where the configuration asks for review, a person stands behind the researcher or the coder.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from gome.agents.coder import coder
from gome.agents.critic import critic
from gome.agents.researcher import researcher
from gome.agents.reviewer import reviewer
from gome.agents.runner import runner
from gome.graph.workshop import Workshop
from gome.state.config import RunConfig
from gome.state.errors import BudgetReached, StepFailed
from gome.state.schema import TraceOutput, TraceState
from gome.tools.bench import Bench

FOLLOWING = {
    "researcher": ["reviewer", "coder", "critic"],
    "reviewer": ["coder", "runner", "critic"],
    "coder": ["reviewer", "runner", "critic"],
    "runner": ["coder", "critic"],
    "critic": ["researcher"],
}
"""Which nodes may follow each one; each may end the trace as well."""

Node = Callable[[TraceState, Bench], dict[str, Any]]


def build_trace(workshop: Workshop) -> "StateGraph[TraceState, RunConfig, TraceState, TraceOutput]":
    """One trace, uncompiled: steps up to `until`, the step limit or a used-up budget, then hands back what is shared."""
    graph = StateGraph(TraceState, context_schema=RunConfig, output_schema=TraceOutput)
    for node in (researcher, reviewer, coder, runner, critic):
        graph.add_node(node.__name__, _bound(node, workshop))
    graph.add_edge(START, "researcher")
    for name, following in FOLLOWING.items():
        graph.add_conditional_edges(name, _next, {**{n: n for n in following}, "end": END})
    return graph


def _next(state: TraceState) -> str:
    # Total on purpose: a router that raises would end the branch silently on resume.
    return state.get("next", "end")


def _bound(node: Node, workshop: Workshop) -> Callable[..., dict[str, Any]]:
    """The node as LangGraph calls it. A lost step goes to the critic, a used-up budget ends the trace."""

    def call(state: TraceState, runtime: Runtime[RunConfig]) -> dict[str, Any]:
        bench = workshop.bench(Path(state["run_dir"]), runtime.store, runtime.stream_writer)
        try:
            with bench.clock.working():
                return node(state, bench)
        except StepFailed as lost:
            work = {"started": bench.clock.elapsed(), **state.get("work", {}), "failure": str(lost)}
            return {"work": work, "next": "critic"}
        except BudgetReached as reached:
            bench.emit("ended", str(reached), state["trace"], state["step"])
            summary = {**state.get("traces", {}).get(str(state["trace"]), {}), "step": state["step"]}
            return {"traces": {str(state["trace"]): {**summary, "ended": str(reached)}}, "next": "end"}

    call.__name__, call.__doc__ = node.__name__, node.__doc__
    return call
