"""Accepted steps in the order of their scores, whatever order they come in."""

from bisect import bisect_left, insort
from collections.abc import Callable, Iterable, Iterator

from gome.state.parts import sign_of
from gome.state.step import StepRecord
from gome.state.task import Direction

Rank = tuple[float, int, int]


def by_score(direction: Direction) -> Callable[[StepRecord], Rank]:
    """The key by which steps with a score are ranked, the best one smallest; earlier steps and traces first in ties."""
    sign = sign_of(direction)

    def key(record: StepRecord) -> Rank:
        assert record.value is not None
        return (-sign * record.value, record.step, record.trace)

    return key


def one_each(best_first: Iterable[StepRecord]) -> Iterator[StepRecord]:
    """The first step of each program."""
    seen = set()
    for record in best_first:
        if record.code not in seen:
            seen.add(record.code)
            yield record


class BestFirst:
    """Accepted steps by their scores. Not safe between threads. Adding one is a search by halves, no sort."""

    def __init__(self, direction: Direction, records: Iterable[StepRecord] = ()) -> None:
        self._key = by_score(direction)
        self._records = sorted(records, key=self._key)

    def put(self, record: StepRecord) -> None:
        """Insert an accepted step."""
        insort(self._records, record, key=self._key)

    def drop(self, record: StepRecord) -> None:
        """Take out a step that was put."""
        del self._records[bisect_left(self._records, self._key(record), key=self._key)]

    def all(self) -> list[StepRecord]:
        """All, best first, in a list of its own."""
        return list(self._records)
