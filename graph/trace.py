"""The trace graph: researcher -> coder -> runner -> critic -> recorder, once a step; a failed run goes back to the coder.

Where the configuration asks for review, a person stands behind the researcher or the coder.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from gome.agents.coder import coder
from gome.agents.critic import critic
from gome.agents.recorder import recorder
from gome.agents.researcher import researcher
from gome.agents.reviewer import reviewer
from gome.agents.runner import runner
from gome.graph.node_call import Work, add_node
from gome.graph.registry import ServiceRegistry
from gome.state.config import RunConfig
from gome.state.errors import BudgetReached, GomeError, StepFailed, TimeReached
from gome.state.in_flight import TraceSummary, step_in_flight
from gome.state.schema import TraceOutput, TraceState
from gome.tools.services import RunServices

FOLLOWING = {
    "researcher": ["reviewer", "coder", "runner", "critic"],
    "reviewer": ["coder", "runner", "critic"],
    "coder": ["reviewer", "runner", "critic"],
    "runner": ["coder", "critic"],
    "critic": ["recorder"],
    "recorder": ["researcher"],
}
"""Which nodes may follow each one; each may end the trace as well."""

Node = Callable[[TraceState, RunServices], TraceState]
"""What a node is: from the state and the services to an update, whose `next` names the node that follows, or 'end'."""

NODES: dict[str, Node] = {
    "researcher": researcher,
    "reviewer": reviewer,
    "coder": coder,
    "runner": runner,
    "critic": critic,
    "recorder": recorder,
}


def build_trace(
    registry: ServiceRegistry, nodes: Mapping[str, Node] | None = None
) -> "StateGraph[TraceState, RunConfig, TraceState, TraceOutput]":
    """One trace, uncompiled: steps up to `until`, the step limit or a used-up budget, then hands back what is shared.

    `nodes` take the place of Gome's own, by name. GomeError for a name that there is not.
    """
    if unknown := sorted(set(nodes or {}) - set(NODES)):
        raise GomeError(f"a trace has no node {unknown[0]!r}: its nodes are {', '.join(NODES)}")
    graph = StateGraph(TraceState, context_schema=RunConfig, output_schema=TraceOutput)
    graph.add_edge(START, "researcher")
    add_steps(graph, registry, nodes or {}, end=END)
    return graph


def add_steps(graph: Any, registry: ServiceRegistry, nodes: Mapping[str, Node], *, end: str) -> None:
    """The nodes of a step and the edges between them; from each, a trace that has ended goes on to `end`."""
    for name, node in {**NODES, **nodes}.items():
        add_node(graph, name, _bound(node, registry), registry, does=node.__doc__ or "")
    for name, following in FOLLOWING.items():
        graph.add_conditional_edges(name, _next, {**{n: n for n in following}, "end": end})


def _next(state: TraceState) -> str:
    # Total on purpose: a router that raises would end the branch silently on resume.
    return state.get("next", "end")


def _bound(node: Node, registry: ServiceRegistry) -> Work:
    """The node as LangGraph calls it. A lost step goes to the critic, a used-up budget ends the trace."""

    def call(state: TraceState, runtime: Runtime[RunConfig]) -> TraceState:
        services = registry.services(Path(state["run_dir"]), runtime.store, runtime.stream_writer)
        try:
            with services.clock.working(), registry.beside(services.run_dir):
                return node({**state, "work": step_in_flight(state.get("work", {}))}, services)
        except StepFailed as lost:
            work = step_in_flight(
                {"started": services.clock.elapsed(), **state.get("work", {}), "failure": str(lost)}
            )
            return {"work": work, "next": "critic"}
        except BudgetReached as reached:
            services.emit("ended", str(reached), state["trace"], state["step"])
            services.momentum.withdraw(state["trace"])
            summary = state.get("traces", {}).get(str(state["trace"]), TraceSummary())
            ended: TraceSummary = {
                **summary,
                "step": state["step"],
                "ended": str(reached),
                "out_of_time": isinstance(reached, TimeReached),
            }
            return {"traces": {str(state["trace"]): ended}, "next": "end"}

    return call
