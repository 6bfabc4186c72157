"""Descent: the next step of the trace's own path; where that ends, a merge with another trace, or another start."""

from gome.optimizer.incumbent import incumbent_of
from gome.optimizer.merge import find_partner
from gome.optimizer.ranking import known_records, leader
from gome.optimizer.stages import NextStep, stage_of
from gome.optimizer.traces import has_stalled, other_parent
from gome.state.schema import TraceState
from gome.tools.services import RunServices


def descend(state: TraceState, services: RunServices) -> NextStep:
    """A draft until the trace has a program, then edits of it. A trace that has just stalled, or leads at the end, is
    offered a merge where there is one; one that stays stalled restarts.

    A merge that is offered competes with the hypotheses of the step, which is an edit if it is not chosen.
    """
    incumbent = state.get("incumbent")
    if not incumbent:
        return NextStep("gradient", "draft", None, None)
    stalled = has_stalled(state, services)
    if services.config.has("merge") and (
        _just_stalled(state, services) or _leads_at_the_end(state, services)
    ):
        records = known_records(state, services)
        if partner := find_partner(services, records, state["trace"], incumbent["code"]):
            return NextStep("gradient", "merge", incumbent, incumbent, partner.record.id, partner)
    if stalled and services.config.has("restarts") and (record := other_parent(state, services)):
        parent = incumbent_of(record, services)
        return NextStep("gradient", "restart", parent, parent, record.id)
    return NextStep("gradient", "edit", incumbent, incumbent)


def _just_stalled(state: TraceState, services: RunServices) -> bool:
    """Whether the last step was the one that made the trace a stalled one."""
    summary = state.get("traces", {}).get(str(state["trace"]), {})
    return summary.get("stalled", 0) == services.config.patience


def _leads_at_the_end(state: TraceState, services: RunServices) -> bool:
    """Whether the trace holds the run's best program and the last part of the budget has begun."""
    incumbent = state.get("incumbent")
    if not incumbent or stage_of(services, state) != "ensemble":
        return False
    best = leader(state, services)
    return best is not None and best.code == incumbent["code"]
