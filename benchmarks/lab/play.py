"""One simulated run: by the product's graph, or by the same nodes in a plain loop, which is several times as quick."""

from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

from langgraph.graph import END, START, StateGraph
from langgraph.types import Send

from benchmarks.lab.line_search import DEFAULT_LIMITS, Limits
from benchmarks.lab.nodes import TIES_FROM, Graded, Lab
from benchmarks.lab.reasoner import Dials
from benchmarks.lab.services import LabServices, lab_services
from benchmarks.lab.simulated_time import SimulatedTime
from benchmarks.lab.world import World
from gome.graph.registry import ServiceRegistry
from gome.graph.trace import build_trace
from gome.state.config import RunConfig
from gome.state.errors import BudgetReached
from gome.state.in_flight import TraceSummary
from gome.state.reducers import latest_summaries, upsert_momentum, upsert_recent
from gome.state.schema import RunState, TraceState
from gome.state.step import StepRecord
from gome.tools.records.line_trials import LineTrial

TIME_LIMIT_S = 1500.0
SLOTS = 2
REDUCERS: Mapping[str, Any] = {
    "records": upsert_recent,
    "momentum": upsert_momentum,
    "traces": latest_summaries,
}


@dataclass(frozen=True)
class Played:
    """What came of a run: its steps, by (trace, step), its graded programs in the order of time, and the trials of its
    line search that ended."""

    records: list[StepRecord]
    graded: list[Graded]
    trials: list[LineTrial]


def play(
    world: World,
    dials: Dials,
    seed: int,
    *,
    settings: Mapping[str, Any],
    tie_from: float = TIES_FROM,
    limits: Limits = DEFAULT_LIMITS,
    by_graph: bool = False,
) -> Played:
    """One run in a world; `settings` are those of the product that are not its defaults, `limits` of its line search."""
    config = RunConfig(**{"time_limit_s": TIME_LIMIT_S, "slots": SLOTS, "seed": seed, **settings})
    time = SimulatedTime(config.traces, config.slots)
    lab = Lab(world, dials, time, tie_from, limits)
    services = lab_services(world, config, time)
    (_by_graph if by_graph else _in_a_loop)(lab, services)
    return Played(services.history.records(), lab.graded, services.line_trials.all())


def _begun(services: LabServices) -> list[TraceState]:
    summary = TraceSummary(step=0, accepted=0, rejected=0, failed=0, incumbent=None, ended=None)
    traces = {str(k): summary for k in range(services.config.traces)}
    return [
        TraceState(
            run_dir=str(services.run_dir),
            trace=k,
            step=0,
            until=services.config.epoch_steps,
            incumbent=None,
            work={},
            records=[],
            momentum=[],
            traces=traces,
        )
        for k in range(services.config.traces)
    ]


def _in_a_loop(lab: Lab, services: LabServices) -> None:
    """The nodes of whichever trace is behind the others, until all have ended: what LangGraph does, without it."""
    nodes, states = lab.nodes(), _begun(services)
    following = dict.fromkeys(range(len(states)), "researcher")
    while (trace := lab.time.next) is not None:
        try:
            update = nodes[following[trace]](states[trace], services)
        except BudgetReached:  # the trace has ended itself
            continue
        following[trace] = update.get("next", "end")
        states[trace] = _updated(states[trace], update)


def _updated(state: TraceState, update: TraceState) -> TraceState:
    merged = {
        name: REDUCERS[name](state.get(name), value) for name, value in update.items() if name in REDUCERS
    }
    return cast(TraceState, {**state, **update, **merged})


class LabRegistry(ServiceRegistry):
    """Hands out the services of one simulated run."""

    def __init__(self, services: LabServices) -> None:
        super().__init__()
        self._services = services

    def services(self, *_: Any) -> LabServices:
        """Always the same."""
        return self._services

    def beside(self, run_dir: Path) -> AbstractContextManager[None]:
        """There are no slots."""
        return nullcontext()


def _by_graph(lab: Lab, services: LabServices) -> None:
    """The product's trace graph, all traces side by side, in threads that take turns in simulated time."""
    registry = LabRegistry(services)
    graph: Any = StateGraph(RunState, context_schema=RunConfig)
    graph.add_node("trace", build_trace(registry, lab.nodes()).compile(name="trace"))
    begun = _begun(services)
    graph.add_conditional_edges(
        START, lambda state: [Send("trace", dict(trace)) for trace in begun], ["trace"]
    )
    graph.add_edge("trace", END)
    config = {"max_concurrency": len(begun), "recursion_limit": 10_000}
    graph.compile().invoke({"run_dir": str(services.run_dir)}, config, context=services.config)
