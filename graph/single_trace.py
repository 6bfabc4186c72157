"""One trace as a run of its own: survey, prepare, the nodes of a trace, ensemble, select.

All checkpoints of its steps are the thread's own, so that it can be forked at any of them; those of a trace within a run
belong to a sub-graph, which LangGraph 1.2 does not fork.
"""

from typing import cast

from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime

from gome.graph.node_call import Work, add_node
from gome.graph.registry import ServiceRegistry
from gome.graph.run_nodes import ensembling, preparing, selecting, surveying
from gome.graph.trace import add_steps
from gome.state.config import RunConfig
from gome.state.schema import RunInput, RunOutput, SingleTraceState

ALONE = {"traces": 1, "sync_every": None}
"""What every configuration of such a run says."""


def build_single_trace(
    registry: ServiceRegistry, config: RunConfig | None = None
) -> "StateGraph[SingleTraceState, RunConfig, RunInput, RunOutput]":
    """The graph, uncompiled; input, output and context are those of `build_graph`, but `traces` is 1.

    A fork that changes `work.hypothesis` behind the researcher goes on as another trace of the same run.
    """
    graph = StateGraph(
        SingleTraceState, context_schema=RunConfig, input_schema=RunInput, output_schema=RunOutput
    )
    add_node(graph, "survey", surveying(registry, config, **ALONE), registry)
    add_node(graph, "prepare", _preparing(registry), registry)
    add_steps(graph, registry, {}, end="ensemble")
    add_node(graph, "ensemble", ensembling(registry), registry)
    add_node(graph, "select", _selecting(registry), registry)
    graph.add_edge(START, "survey")
    graph.add_edge("survey", "prepare")
    graph.add_conditional_edges("prepare", _begin, ["researcher", "ensemble"])
    graph.add_edge("ensemble", "select")
    graph.add_conditional_edges("select", _after_selection, ["researcher", END])
    return graph


def _begin(state: SingleTraceState) -> str:
    return "ensemble" if state["traces"]["0"]["ended"] else "researcher"


def _after_selection(state: SingleTraceState) -> str:
    return END if state.get("result") else "researcher"


def _selecting(registry: ServiceRegistry) -> Work:
    choose = selecting(registry)

    def select(state: SingleTraceState, runtime: Runtime[RunConfig]) -> SingleTraceState:
        return {**cast(SingleTraceState, choose(state, runtime)), "work": {}}

    select.__doc__ = choose.__doc__
    return select


def _preparing(registry: ServiceRegistry) -> Work:
    lay_out = preparing(registry)

    def prepare(state: SingleTraceState, runtime: Runtime[RunConfig]) -> SingleTraceState:
        return {**cast(SingleTraceState, lay_out(state, runtime)), "trace": 0, "step": 0, "work": {}}

    prepare.__doc__ = lay_out.__doc__
    return prepare
