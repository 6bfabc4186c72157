"""Which steps a trace may know of, and which of them are best."""

from collections.abc import Iterator

from gome.state.schema import TraceState
from gome.state.step import StepRecord
from gome.tools.records.best_first import one_each
from gome.tools.services import RunServices


def known_records(state: TraceState, services: RunServices) -> list[StepRecord]:
    """The run's finished steps, as far as this trace may know of them, by (trace, step).

    Where traces meet at joins, siblings' steps of the running epoch are left out: whether they are done yet is chance.
    """
    return _known(services.history.records(), state, services)


def accepted_by_score(services: RunServices) -> Iterator[StepRecord]:
    """Accepted steps of all traces, best search score first, one for each program."""
    return one_each(services.history.best_first(services.task.direction))


def known_by_score(state: TraceState, services: RunServices) -> Iterator[StepRecord]:
    """Those of them that this trace may know of."""
    return one_each(_known(services.history.best_first(services.task.direction), state, services))


def leader(state: TraceState, services: RunServices) -> StepRecord | None:
    """The first of these, None if none was accepted."""
    return next(known_by_score(state, services), None)


def _known(records: list[StepRecord], state: TraceState, services: RunServices) -> list[StepRecord]:
    if not services.config.sync_every:
        return records
    begun = state["until"] - services.config.sync_every
    return [r for r in records if r.trace == state["trace"] or r.step < begun]
