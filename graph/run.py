"""The run graph: survey -> prepare -> traces side by side -> join -> more epochs, or ensemble -> select -> END."""

from collections.abc import Mapping
from pathlib import Path

from langchain_core.language_models import BaseChatModel
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from gome.graph.node_call import Work, add_node
from gome.graph.registry import SchedulerMaker, ServiceRegistry
from gome.graph.run_nodes import ensembling, preparing, selecting, surveying
from gome.graph.trace import Node, build_trace
from gome.state.config import RunConfig
from gome.state.in_flight import TraceSummary
from gome.state.schema import RunInput, RunOutput, RunState
from gome.tools.execution.job import Executor
from gome.tools.execution.scheduler import LocalScheduler


def build_graph(
    config: RunConfig | None = None,
    *,
    models: Mapping[str, BaseChatModel] | None = None,
    executor: Executor | None = None,
    scheduler: SchedulerMaker = LocalScheduler,
    nodes: Mapping[str, Node] | None = None,
    registry: ServiceRegistry | None = None,
) -> "StateGraph[RunState, RunConfig, RunInput, RunOutput]":
    """The whole run as an uncompiled graph: compile it, or add it to a larger one as a node.

    Input: see `RunInput`; output {'run_dir', 'result'}; context: `RunConfig`. `config` is for parents whose context is
    something else, or none: it counts unless the context is a `RunConfig`. `models` (by role: researcher, coder, critic)
    and `executor` replace what the configuration names, `nodes` those of a trace; `scheduler` makes the scheduler out of
    executor and slots. A `registry` brings its own parts.
    """
    registry = registry or ServiceRegistry(models=models, executor=executor, scheduler=scheduler)
    graph = StateGraph(RunState, context_schema=RunConfig, input_schema=RunInput, output_schema=RunOutput)
    add_node(graph, "survey", surveying(registry, config), registry)
    add_node(graph, "prepare", preparing(registry), registry)
    graph.add_node("trace", build_trace(registry, nodes).compile(name="trace"))
    add_node(graph, "join", _joining(registry), registry)
    add_node(graph, "ensemble", ensembling(registry), registry)
    add_node(graph, "select", selecting(registry), registry)
    graph.add_edge(START, "survey")
    graph.add_edge("survey", "prepare")
    graph.add_conditional_edges("prepare", _fan_out, ["trace", "ensemble"])
    graph.add_edge("trace", "join")
    graph.add_conditional_edges("join", _fan_out, ["trace", "ensemble"])
    graph.add_edge("ensemble", "select")
    graph.add_conditional_edges("select", _after_selection, ["trace", END])
    return graph


def _fan_out(state: RunState) -> list[Send] | str:
    """One Send for each trace that goes on; the ensemble when none does."""
    going = {k: t for k, t in state.get("traces", {}).items() if not t["ended"]}
    if not going:
        return "ensemble"
    return [
        Send(
            "trace",
            {
                "run_dir": state["run_dir"],
                "trace": int(k),
                "step": summary["step"],
                "until": state["until"],
                "incumbent": summary["incumbent"],
                "work": {},
                "records": state.get("records", []),
                "momentum": state.get("momentum", []),
                "traces": state["traces"],
            },
        )
        for k, summary in going.items()
    ]


def _after_selection(state: RunState) -> list[Send] | str:
    """The end; or the traces that the time had cut off, where the selection left over enough of it."""
    going = _fan_out(state)
    return END if state.get("result") or isinstance(going, str) else going


def _joining(registry: ServiceRegistry) -> Work:
    def join(state: RunState, runtime: Runtime[RunConfig]) -> RunState:
        """The traces have met: momentum and histories are joined in the shared channels; the next epoch may begin.

        A trace that had used up its steps goes on with those that a trace folded since has left it.
        """
        services = registry.services(Path(state["run_dir"]), runtime.store, runtime.stream_writer)
        more: dict[str, TraceSummary] = {
            k: {**t, "ended": None}
            for k, t in state["traces"].items()
            if t["ended"] == "steps" and t["step"] < services.allowance(int(k))
        }
        return {
            "until": state["until"] + services.config.epoch_steps,
            "traces": more,
        }

    return join
