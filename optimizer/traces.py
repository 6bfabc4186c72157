"""A trace that no longer gains: it restarts from another accepted program, or folds into a better trace."""

import math

from gome.optimizer.ranking import known_by_score, known_records, leader
from gome.optimizer.stages import binding_cap
from gome.state.in_flight import Incumbent
from gome.state.schema import TraceState
from gome.state.step import StepRecord
from gome.tools.services import RunServices


def has_stalled(state: TraceState, services: RunServices) -> bool:
    """Whether the trace took `patience` steps in a row without an accepted one."""
    summary = state.get("traces", {}).get(str(state["trace"]), {})
    return summary.get("stalled", 0) >= services.config.patience


def other_parent(state: TraceState, services: RunServices) -> StepRecord | None:
    """The best accepted program that this trace neither stands at nor restarted from before; None if there is none."""
    records, incumbent = known_records(state, services), state.get("incumbent")
    left = {incumbent["code"] if incumbent else None}
    left |= {r.parent for r in records if r.trace == state["trace"] and r.kind == "restart"}
    return next((r for r in known_by_score(state, services) if r.code not in left), None)


def fold(state: TraceState, services: RunServices, incumbent: Incumbent | None, stalled: int) -> str | None:
    """Why the trace folds after the step just decided, or None: it has stalled after a restart, and another is ahead.

    The steps that it leaves over go to the trace that holds the best program. The best trace never folds. Nor does any
    where the time ends first: nobody could use what it leaves but its slot, which would be idle.
    """
    trace, config = state["trace"], services.config
    if not incumbent or stalled < config.patience or config.optimizer == "tree" or not config.has("restarts"):
        return None
    if services.config.steps is None and binding_cap(services, trace, state["step"])[0] == "time_limit_s":
        return None
    records = known_records(state, services)
    if not any(r.trace == trace and r.kind == "restart" for r in records):
        return None
    best = leader(state, services)
    left = services.allowance(trace) - state["step"] - 1
    if best is None or best.trace == trace or left < 1:
        return None
    if math.isinf(left):
        return f"folded: no gain in {stalled} steps; what is left of the budget is trace {best.trace}'s"
    services.momentum.grant(trace, best.trace, int(left))
    return f"folded: no gain in {stalled} steps; trace {best.trace} has its {left:g} steps"
