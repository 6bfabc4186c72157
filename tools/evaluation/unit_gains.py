"""What each unit has to do with the gain of one program over another: the jackknife (Quenouille 1956, Tukey 1958).

A unit's pseudo-value is the gain on a fold plus what it changes by leaving the unit out, times the others; their mean is
the gain. For a metric that is a mean over rows that is the unit's own gain, for others its linear part. The jackknife
fails where a metric does not change smoothly with the rows (a median; Miller 1974), and of a metric without a weighted
form nobody knows: there deviations are stretched to the bootstrapped standard error, if that is larger.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from gome.state.parts import gain_of, sign_of
from gome.state.task import Task
from gome.tools.evaluation.bootstrap import compare
from gome.tools.evaluation.chance import perfect_submission
from gome.tools.evaluation.grading import GradingError, metric_of
from gome.tools.evaluation.metric import Metric
from gome.tools.evaluation.sides import FoldPredictions, Side, aligned_folds, count_of, side_of, units_of

MOST_UNITS = 1_000
"""Of more, several are put together by lot, none of two folds if they are in one each."""
FEWEST_UNITS = 50
RESAMPLES = 200
ROUNDING = 1e-14
"""Of the scores, for each unit: a change that is no more is none."""
_CELLS = 60_000_000  # weights evaluated in all: some seconds on a slow core
_MEASURED_ROWS = 4_000_000
_CHUNK_CELLS = 2_000_000  # weights held at a time
_CALL_ROWS = 3_000  # what a call of a metric costs beside its rows, in rows: a few milliseconds


@dataclass(frozen=True)
class UnitGains:
    """`gains` (units,): the pseudo-values of the candidate's gain, on the folds so far. `room` (units,): what the right
    answers would gain there over the incumbent; `whole_room` the same of all units of all folds, those to come too.
    Both None where the right answers cannot be written as a submission."""

    gains: np.ndarray
    room: np.ndarray | None
    whole_room: np.ndarray | None


class PairedUnits:
    """Candidates beside one incumbent, by its folds. GradingError: they cannot be graded."""

    def __init__(self, task: Task, incumbent: Sequence[FoldPredictions], *, seed: int) -> None:
        self._task, self._metric, self._seed = task, metric_of(task), seed
        self._folds = aligned_folds(task, list(incumbent))
        self._side = side_of(self._metric, task, self._folds)
        units = units_of(task, [answers for answers, _ in self._folds])
        self._units = _together(units, _affordable(self._metric, self._side, units), seed)
        self._without = _without_each(self._metric, self._side, self._units)
        self._room = self._of_right_answers()

    def of(self, candidate: Sequence[FoldPredictions]) -> UnitGains | None:
        """The gains on the first folds; None where the metric is undefined without some unit. Raises GradingError."""
        theirs = aligned_folds(
            self._task, [(a, c) for (a, _), (_, c) in zip(self._folds, candidate, strict=False)]
        )
        units = self._units[: len(theirs)]
        seen = np.unique(np.concatenate(units))
        gains = self._pseudo_values(side_of(self._metric, self._task, theirs), seen)
        if not np.isfinite(gains).all():
            return None
        if self._metric.weighted is None:
            ours = self._folds[: len(theirs)]
            stderr = compare(self._task, ours, theirs, seed=self._seed, resamples=RESAMPLES)["stderr"]
            gains = _stretched(gains, stderr)
        return UnitGains(gains, None if self._room is None else self._room[seen], self._room)

    def _of_right_answers(self) -> np.ndarray | None:
        try:
            right = [(a, perfect_submission(self._metric, self._task, a, s)) for a, s in self._folds]
            side = side_of(self._metric, self._task, [(a, s) for a, s in right if s is not None])
        except GradingError:
            return None
        if len(side) < len(self._folds):
            return None
        room = self._pseudo_values(side, np.arange(count_of(self._units)))
        return room if np.isfinite(room).all() else None

    def _pseudo_values(self, side: Side, seen: np.ndarray) -> np.ndarray:
        """(len(seen),) of the gain of a program on the first folds, by the units that are in them; their mean is the
        gain. A unit in several folds has what it has in each."""
        theirs = _without_each(self._metric, side, self._units[: len(side)])
        found = np.zeros(len(seen))
        for fold, ours, units, out, in_ in zip(
            side, self._side, self._units, theirs, self._without, strict=False
        ):
            there = np.isin(seen, units)
            gain = gain_of(self._task.direction, fold.value, ours.value)
            left = sign_of(self._task.direction) * (out - in_[: len(out)])[seen[there]]
            own = gain + (there.sum() - 1) * (left.mean() - left)
            own[np.abs(own) <= ROUNDING * there.sum() * (abs(fold.value) + abs(ours.value))] = 0.0
            found[there] += own * len(seen) / (len(side) * there.sum())
        return found


def _stretched(gains: np.ndarray, stderr: float) -> np.ndarray:
    spread = gains.std() / np.sqrt(len(gains))
    if not 0 < spread < stderr:
        return gains
    return gains.mean() + (gains - gains.mean()) * stderr / spread


def _together(units: list[np.ndarray], most: int, seed: int) -> list[np.ndarray]:
    """The units of the rows, at most so many: neighbours in a random order within the folds in which they first come."""
    count = count_of(units)
    if count <= most:
        return units
    first = np.zeros(count, dtype=int)
    for fold in reversed(range(len(units))):
        first[units[fold]] = fold
    place = np.empty(count, dtype=int)
    place[np.lexsort((np.random.default_rng(seed).random(count), first))] = np.arange(count)
    return [place[u] * most // count for u in units]


def _affordable(metric: Metric, side: Side, units: list[np.ndarray]) -> int:
    """How many units can be left out, one after another."""
    rows = max(len(u) for u in units)
    if metric.weighted is None:
        most = _MEASURED_ROWS // (rows + _CALL_ROWS)
    else:
        most = _CELLS // (rows * max(f.truth[:1].size for f in side))
    return min(MOST_UNITS, max(FEWEST_UNITS, most))


def _without_each(metric: Metric, side: Side, units: list[np.ndarray]) -> list[np.ndarray]:
    """For each fold its value without each unit, (units of all folds,): that of all rows where the unit is not in it."""
    found = []
    for fold, of_rows in zip(side, units, strict=True):
        values = np.full(count_of(units), fold.value)
        there = np.unique(of_rows)
        if metric.weighted is None:
            rows = [np.flatnonzero(of_rows != unit) for unit in there]
            values[there] = metric.on_rows(fold.truth, fold.prediction, rows)
        else:
            weighted, size = (
                metric.weighted(fold.truth, fold.prediction),
                max(1, _CHUNK_CELLS // len(of_rows)),
            )
            for some in np.split(there, range(size, len(there), size)):
                values[some] = weighted((of_rows[None, :] != some[:, None]).astype(float))
        found.append(values)
    return found
