"""The whole history of a run: one line a step, de-duplicated by (trace, step) when read."""

import threading
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from gome.state.step import StepRecord
from gome.state.task import Direction
from gome.tools.records.best_first import BestFirst
from gome.tools.records.by_step import ByStep
from gome.tools.records.jsonl import Tail, append_line


class History:
    """Append-only step records. A step that was executed again after a kill counts once, by its last line.

    Each line is parsed once, however often the records are asked for. Safe between threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._tail = Tail(path)
        self._rows: ByStep[StepRecord] = ByStep()
        self._accepted: ByStep[StepRecord] = ByStep()
        self._best_first: dict[Direction, BestFirst] = {}

    def append(self, record: StepRecord) -> None:
        """Write one step down."""
        append_line(self.path, record.to_json(), durable=True)

    def records(self) -> list[StepRecord]:
        """All steps, ordered by (trace, step). They are shared: not to be changed."""
        with self._lock:
            self._catch_up()
            return self._rows.all()

    def accepted(self) -> list[StepRecord]:
        """Those of `records` that were accepted."""
        with self._lock:
            self._catch_up()
            return self._accepted.all()

    def best_first(self, direction: Direction) -> list[StepRecord]:
        """Those that were accepted, by search score, best first; earlier steps and traces first in ties."""
        with self._lock:
            self._catch_up()
            if direction not in self._best_first:
                self._best_first[direction] = BestFirst(direction, self._accepted.all())
            return self._best_first[direction].all()

    def record(self, trace: int, step: int) -> StepRecord | None:
        """One step, None if there is no such step yet."""
        with self._lock:
            self._catch_up()
            return self._rows.get(trace, step)

    def by_id(self, step: str) -> StepRecord | None:
        """The step 'trace:step', None if there is no such step yet."""
        trace, number = map(int, step.split(":"))
        return self.record(trace, number)

    def _catch_up(self) -> None:
        for row in self._tail.new():
            with suppress(ValueError):  # a line that is no step
                self._take(StepRecord.from_json(row))

    def _take(self, row: StepRecord) -> None:
        before = self._accepted.get(row.trace, row.step)
        for ranking in self._best_first.values():
            if before:
                ranking.drop(before)
            if row.accepted:
                ranking.put(row)
        self._rows.put(row)
        if row.accepted:
            self._accepted.put(row)
        else:
            self._accepted.drop(row.trace, row.step)


def latest_in_turn(records: Sequence[StepRecord], most: int) -> list[StepRecord]:
    """`most` of `records`, or one of each trace where there are more traces: the latest of every trace, then the one
    before it, and so on. Given and returned by trace and step."""
    later: Counter[int] = Counter()
    places: dict[str, int] = {}
    for record in reversed(records):
        places[record.id] = later[record.trace]
        later[record.trace] += 1
    by_age = sorted(records, key=lambda r: places[r.id])
    kept = {r.id for r in by_age[: max(most, len(later))]}
    return [r for r in records if r.id in kept]
