"""Records of steps in the order of (trace, step), whatever order they come in."""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from typing import Generic, TypeVar

from gome.state.step import StepBrief, StepRecord

Row = TypeVar("Row", bound=StepRecord | StepBrief)


def _key(row: StepRecord | StepBrief) -> tuple[int, int]:
    return (row.trace, row.step) if isinstance(row, StepRecord) else (row["trace"], row["step"])


class ByStep(Generic[Row]):
    """Rows with a `trace` and a `step`, one for each pair: a later one replaces an earlier one. Not safe between threads.

    Adding one to ten thousand costs as much as adding it to ten; nothing is sorted anew.
    """

    def __init__(self) -> None:
        self._keys: list[tuple[int, int]] = []
        self._rows: list[Row] = []

    def put(self, row: Row) -> None:
        """Insert the row, or replace the one of the same trace and step."""
        key = _key(row)
        at = bisect_left(self._keys, key)
        if self._keys[at : at + 1] == [key]:
            self._rows[at] = row
        else:
            self._keys.insert(at, key)
            self._rows.insert(at, row)

    def drop(self, trace: int, step: int) -> None:
        """Take the row out, if there is one."""
        at = bisect_left(self._keys, (trace, step))
        if self._keys[at : at + 1] == [(trace, step)]:
            del self._keys[at], self._rows[at]

    def get(self, trace: int, step: int) -> Row | None:
        """One row, None if there is none."""
        at = bisect_left(self._keys, (trace, step))
        return self._rows[at] if self._keys[at : at + 1] == [(trace, step)] else None

    def all(self) -> list[Row]:
        """All rows by (trace, step), in a list of its own."""
        return list(self._rows)


def first_draft(records: Iterable[StepRecord], sign: int) -> StepRecord | None:
    """The best of the traces' first accepted steps: where the search began; `sign` is -1 where less is better."""
    first: dict[int, StepRecord] = {}
    for record in sorted(records, key=lambda r: r.step):
        if record.accepted and record.value is not None:
            first.setdefault(record.trace, record)
    return max(first.values(), key=lambda r: sign * (r.value or 0.0), default=None)


def last_of_each(rows: Sequence[Row], count: int, *, stride: int = 1) -> list[Row]:
    """The last so many rows of each trace, of rows by (trace, step), in that order; with a `stride` up to so many more,
    as a trace's rows begin at a multiple of it: what begins with them need not be computed anew with each row."""
    parts, end = [], len(rows)
    while end:
        begin = bisect_left(rows, _key(rows[end - 1])[0], hi=end, key=lambda row: _key(row)[0])
        left_out = max(0, end - begin - count)
        parts.append(rows[begin + left_out - left_out % stride : end])
        end = begin
    return [row for part in reversed(parts) for row in part]


def absent(rows: Iterable[Row], known: Sequence[Row]) -> list[Row]:
    """Those of the rows whose trace and step none of the known ones has, which are by (trace, step)."""

    def is_known(key: tuple[int, int]) -> bool:
        at = bisect_left(known, key, key=_key)
        return at < len(known) and _key(known[at]) == key

    return [row for row in rows if not is_known(_key(row))]
