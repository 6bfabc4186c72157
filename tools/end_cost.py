"""What the end of a run takes: which programs it still has to run, for how long, and when the last of them is done."""

import heapq
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass, field

import numpy as np

GROWTH = 1.4
"""How much longer than on a search fold a program runs with more rows, before it was measured."""
GROWTH_QUANTILE = 0.75
"""Of the measured ratios: most runs end within it."""
GROWTH_ROOM = 1.1
"""Room over what was measured."""


@dataclass(frozen=True)
class Accepted:
    """An accepted program, by its name among the results. `goodness`: its score, larger is better; `seconds`: of one run
    on a search fold."""

    program: str
    goodness: float
    seconds: float


@dataclass
class Growth:
    """By how much longer programs run on 'selection' and on 'final' than on a search fold, as it was measured."""

    ratios: dict[str, list[float]] = field(default_factory=lambda: {"selection": [], "final": []})

    def note(self, split: str, searched_s: float, took_s: float) -> None:
        """One more measured run."""
        self.ratios[split].append(took_s / max(searched_s, 1e-3))

    def of(self, split: str) -> float:
        """The factor to count on. What was not measured on one of the two splits is taken from the other."""
        measured = self.ratios[split] or self.ratios["final" if split == "selection" else "selection"]
        return GROWTH_ROOM * float(np.quantile(measured, GROWTH_QUANTILE)) if measured else GROWTH


@dataclass(frozen=True)
class EndCost:
    """Seconds of one program run on a search fold, for each run that the end still has to make: on the selection part,
    and on all of the data. `sums_s`: what the agent itself computes there, in seconds."""

    selection: Sequence[float] = ()
    final: Sequence[float] = ()
    sums_s: float = 0.0

    def seconds(self, growth: Growth, slots: int) -> tuple[float, float]:
        """(selection, final fits), as long as they take with `slots` programs at a time."""
        selection, final = (
            growth.of(split) * makespan(times, slots)
            for split, times in (("selection", self.selection), ("final", self.final))
        )
        return selection + self.sums_s, final


def end_cost(
    best: Sequence[Accepted],
    *,
    finalists: int,
    seeds: int,
    members: Collection[str] | None,
    done: Collection[tuple[str, str, int]],
    sums_s: float = 0.0,
) -> EndCost:
    """What the end would take now. `best`: accepted programs, best first; `members`: the ensemble's, None before it was
    computed; `done`: runs as (program, split, seed) that have their result already.

    The finalists and the members that are none run with every seed on the selection part, the members on all of the data.
    Before the ensemble is known it has as many members as there are finalists, the slowest ones, and half of them are
    none. Once the selection has begun there is room for one more finalist: the search has gone on since.
    """
    top = list(best[:finalists])
    if not top:
        return EndCost()
    if members is None:
        running, fitted = [*top, *best[finalists : finalists + finalists // 2]], top
    else:
        known = [a for a in best if a.program in members]
        running, fitted = [*top, *(a for a in known if a not in top)], known or top[:1]
    selection = [
        a.seconds for seed in range(seeds) for a in running if (a.program, "selection", seed) not in done
    ]
    final = [a.seconds for a in fitted if (a.program, "final", 0) not in done]
    slowest = max(a.seconds for a in running)
    if any(split == "selection" for _, split, _ in done):
        selection += [slowest] * seeds
        final += [slowest]
    # One finalist that is preferred to the ensemble may be slower to fit than all of its members.
    alone = max((a.seconds for a in top if (a.program, "final", 0) not in done), default=0.0)
    if sum(final) < alone:
        final = [alone]
    return EndCost(selection, final, sums_s)


def makespan(times: Iterable[float], slots: int) -> float:
    """When the last of the runs ends, begun in their order, `slots` at a time (list scheduling, Graham 1969)."""
    ends = [0.0] * max(1, slots)
    for seconds in times:
        heapq.heapreplace(ends, ends[0] + seconds)
    return max(ends)
