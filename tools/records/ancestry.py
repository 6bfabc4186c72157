"""Which step wrote the program that another one began from."""

from collections import defaultdict
from collections.abc import Sequence

from gome.state.step import StepRecord


def parents(records: Sequence[StepRecord]) -> dict[str, StepRecord]:
    """The parent of each step that has one, by the step's id.

    Several may have come to the same program: it is the last one before the step in its own trace, else the first of
    another trace, which may count its steps otherwise.
    """
    wrote: dict[str, list[StepRecord]] = defaultdict(list)
    for record in sorted(records, key=lambda r: (r.step, r.trace)):
        if record.accepted and record.code:
            wrote[record.code].append(record)
    found = {}
    for record in records:
        known = wrote.get(record.parent or "", [])
        own = [w for w in known if w.trace == record.trace and w.step < record.step]
        others = [w for w in known if w.trace != record.trace]
        if own or others:
            found[record.id] = own[-1] if own else others[0]
    return found
