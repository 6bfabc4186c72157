"""The run graph: prepare -> traces side by side -> join -> more epochs, or ensemble -> select -> END."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langgraph.graph import END, START, StateGraph
from langgraph.runtime import Runtime
from langgraph.types import Send

from gome.agents import selection
from gome.graph.trace import Node, build_trace
from gome.graph.workshop import SchedulerMaker, Workshop, prepare_run, read_run
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.schema import RunInput, RunOutput, RunState
from gome.tools.bench import Bench
from gome.tools.execution.job import Executor
from gome.tools.execution.scheduler import LocalScheduler
from gome.tools.memory.earlier import add_run


def build_graph(
    config: RunConfig | None = None,
    *,
    models: dict[str, BaseChatModel] | None = None,
    executor: Executor | None = None,
    scheduler: SchedulerMaker = LocalScheduler,
    nodes: Mapping[str, Node] | None = None,
    workshop: Workshop | None = None,
) -> "StateGraph[RunState, RunConfig, RunInput, RunOutput]":
    """The whole run as an uncompiled graph: compile it, or add it to a larger one as a node.

    Input: see `RunInput`; output {'run_dir', 'result'}; context: `RunConfig`. `config` is for parents whose context is
    something else, or none: it counts unless the context is a `RunConfig`. `models` (by role: researcher, coder, critic)
    and `executor` replace what the configuration names, `nodes` those of a trace; `scheduler` makes the scheduler out of
    executor and slots. A `workshop` brings its own parts.
    """
    shop = workshop or Workshop(models=models, executor=executor, scheduler=scheduler)
    graph = StateGraph(RunState, context_schema=RunConfig, input_schema=RunInput, output_schema=RunOutput)
    graph.add_node("prepare", _prepare(shop, config))
    graph.add_node("trace", build_trace(shop, nodes).compile(name="trace"))
    graph.add_node("join", _join(shop))
    graph.add_node("ensemble", _ensemble(shop))
    graph.add_node("select", _select(shop))
    graph.add_edge(START, "prepare")
    graph.add_conditional_edges("prepare", _fan_out, ["trace", "ensemble"])
    graph.add_edge("trace", "join")
    graph.add_conditional_edges("join", _fan_out, ["trace", "ensemble"])
    graph.add_edge("ensemble", "select")
    graph.add_edge("select", END)
    return graph


def _config(context: Any, bound: RunConfig | None) -> RunConfig:
    """The run's configuration: the caller's context if it is one, else what the graph was built with."""
    if isinstance(context, RunConfig):
        return context
    if bound:
        return bound
    if context is None or isinstance(context, dict):
        return RunConfig(**(context or {}))
    raise GomeError(f"the context is a {type(context).__name__}: give build_graph(config=RunConfig(...))")


def _prepare(shop: Workshop, bound: RunConfig | None) -> Callable[..., dict[str, Any]]:
    def prepare(state: RunState, runtime: Runtime[RunConfig]) -> dict[str, Any]:
        """Read and check the task, make the splits, lay out the run folder."""
        run_dir = prepare_run(state["task"], _config(runtime.context, bound))
        bench = shop.bench(run_dir, runtime.store, runtime.stream_writer)
        bench.emit("prepare", f"{bench.task.name}: {bench.task.metric}, {bench.evaluator.inputs.plan.reason}")
        for leak in bench.profile.get("leaks", []):
            bench.emit("leak", leak["text"])
        summary = {"step": 0, "accepted": 0, "rejected": 0, "failed": 0, "incumbent": None, "ended": None}
        return {
            "run_dir": str(run_dir),
            "traces": {str(k): summary for k in range(bench.config.traces)},
            "until": bench.config.sync_every or bench.config.steps,
        }

    return prepare


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


def _join(shop: Workshop) -> Callable[..., dict[str, Any]]:
    def join(state: RunState, runtime: Runtime[RunConfig]) -> dict[str, Any]:
        """The traces have met: momentum and histories are merged in the shared channels; the next epoch may begin.

        A trace that had used up its steps goes on with those that a trace folded since has left it.
        """
        bench = shop.bench(Path(state["run_dir"]), runtime.store, runtime.stream_writer)
        more = {
            k: {**t, "ended": None}
            for k, t in state["traces"].items()
            if t["ended"] == "steps" and t["step"] < bench.allowance(int(k))
        }
        return {"until": state["until"] + (bench.config.sync_every or bench.config.steps), "traces": more}

    return join


def _ensemble(shop: Workshop) -> Callable[..., dict[str, Any]]:
    def ensemble(state: RunState, runtime: Runtime[RunConfig]) -> dict[str, Any]:
        """Weights over the accepted programs of all traces, from their stored predictions."""
        bench = shop.bench(Path(state["run_dir"]), runtime.store, runtime.stream_writer)
        with bench.clock.working():
            return {"ensemble": selection.ensemble(bench)}

    return ensemble


def _select(shop: Workshop) -> Callable[..., dict[str, Any]]:
    def select(state: RunState, runtime: Runtime[RunConfig]) -> dict[str, Any]:
        """Finalists on the held-back part, the choice, the fit on all of the data, the submission."""
        bench = shop.bench(Path(state["run_dir"]), runtime.store, runtime.stream_writer)
        ended = {k: t["ended"] or "steps" for k, t in state["traces"].items()}
        with bench.clock.working():
            _remember(bench)
            result = selection.select(bench, state["ensemble"], ended)
        shop.close(bench.run_dir)
        return {"result": result}

    return select


def _remember(bench: Bench) -> None:
    """Add the run's steps to the memory file, if it has one."""
    if bench.config.memory:
        path, run = Path(bench.config.memory), read_run(bench.run_dir)["id"][:8]
        count = add_run(path, run, bench.task.name, bench.task.metric, bench.memory.entries())
        bench.emit("memory", f"{count} steps added to {path}")
