"""Which steps a trace may know of, and which of them are best."""

from collections.abc import Callable, Iterable

from gome.state.parts import sign_of
from gome.state.schema import TraceState
from gome.state.step import StepRecord
from gome.state.task import Direction
from gome.tools.services import RunServices


def known_records(state: TraceState, services: RunServices) -> list[StepRecord]:
    """The run's finished steps, as far as this trace may know of them, by (trace, step).

    Where traces meet at joins, siblings' steps of the running epoch are left out: whether they are done yet is chance.
    """
    return _known(services.history.records(), state, services)


def known_accepted(state: TraceState, services: RunServices) -> list[StepRecord]:
    """Those of the known records that were accepted."""
    return _known(services.history.accepted(), state, services)


def _known(records: list[StepRecord], state: TraceState, services: RunServices) -> list[StepRecord]:
    if not services.config.sync_every:
        return records
    begun = state["until"] - services.config.sync_every
    return [r for r in records if r.trace == state["trace"] or r.step < begun]


def ranked(records: Iterable[StepRecord], direction: Direction) -> list[StepRecord]:
    """Accepted steps, best search score first, one for each program."""
    first: dict[str, StepRecord] = {}
    for record in sorted((r for r in records if r.accepted), key=by_score(direction)):
        first.setdefault(str(record.code), record)
    return list(first.values())


def leader(records: Iterable[StepRecord], direction: Direction) -> StepRecord | None:
    """The first of the ranked steps, None if none was accepted."""
    return min((r for r in records if r.accepted), key=by_score(direction), default=None)


def by_score(direction: Direction) -> Callable[[StepRecord], tuple[float, int, int]]:
    """The key by which steps with a score are ranked, the best one smallest; earlier steps and traces first in ties."""
    sign = sign_of(direction)

    def key(record: StepRecord) -> tuple[float, int, int]:
        assert record.value is not None
        return (-sign * record.value, record.step, record.trace)

    return key
