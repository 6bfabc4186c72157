"""How sure a score is: the bootstrap (Efron 1979) over graded rows, paired where two programs are compared.

What is resampled are units (`units_of`). A row that several folds grade (repeated folds, several seeds on one part) is
drawn into all of them or none, so that grading it twice does not count as knowing twice as much. The noise of training is
not in the standard error.

Three ways, by what the metric offers:
- metrics with a weighted form are evaluated on all resamples at once;
- others are measured on each resample; of more than `MEASURED_UNITS` units only so many are drawn and deviations shrunk
  by sqrt(m / n) (m out of n bootstrap, Bickel, Götze and van Zwet 1997);
- somebody's own grader may want each id once, so it gets random halves without replacement; times sqrt(m / (n - m)),
  which is 1 for halves, their spread estimates the standard error (delete-d jackknife, Shao and Wu 1989).
Resamples in which the metric is not defined, such as those of a single class, are left out.
"""

import math

import numpy as np

from gome.state.parts import Comparison, Score, gain_of
from gome.state.task import Direction, Task
from gome.tools.evaluation.grading import metric_of
from gome.tools.evaluation.metric import Metric
from gome.tools.evaluation.sides import FoldPredictions, Side, aligned_folds, count_of, side_of, units_of

__all__ = ["FoldPredictions", "compare", "drift_between", "score"]

MEASURED_UNITS = 20_000
LEAST_RESAMPLES = 50
_FAST_CELLS = 60_000_000  # weights evaluated in all: some seconds on a slow core
_MEASURED_ROWS = 4_000_000
_CALL_ROWS = 3_000  # what a call of a metric costs beside its rows, in rows: a few milliseconds
_CHUNK_CELLS = 2_000_000  # weights held at a time
_INTERVAL = (0.05, 0.95)


def score(task: Task, folds: list[FoldPredictions], *, seed: int, resamples: int = 200) -> Score:
    """The mean over folds of the task's metric, with its standard error. Raises GradingError."""
    metric = metric_of(task)
    folds = aligned_folds(task, folds)
    side = side_of(metric, task, folds)
    values = [fold.value for fold in side]
    value = float(np.mean(values))
    draws = _resampled(metric, [side], units_of(task, [answers for answers, _ in folds]), seed, resamples)[0]
    return Score(value=value, stderr=_spread(draws[np.isfinite(draws)] + value, value), folds=values)


def compare(
    task: Task,
    incumbent_folds: list[FoldPredictions],
    candidate_folds: list[FoldPredictions],
    *,
    seed: int,
    resamples: int = 400,
) -> Comparison:
    """The candidate's gain over the incumbent, both on the same rows of the same resamples; above 0 is better.

    Where neither is better in a resample, it counts half for each. If no resample can be graded, the noise is taken to
    be as large as the gain. Raises GradingError; ValueError if the folds are not the same.
    """
    if len(incumbent_folds) != len(candidate_folds):
        raise ValueError(f"{len(incumbent_folds)} folds against {len(candidate_folds)}")
    metric = metric_of(task)
    ours = aligned_folds(task, incumbent_folds)
    theirs = aligned_folds(task, [(a, c) for (a, _), (_, c) in zip(ours, candidate_folds, strict=True)])
    sides = [side_of(metric, task, theirs), side_of(metric, task, ours)]
    theirs_value, ours_value = (np.mean([fold.value for fold in side]) for side in sides)
    gain = gain_of(task.direction, float(theirs_value), float(ours_value))
    deviations = _resampled(
        metric, sides, units_of(task, [answers for answers, _ in theirs]), seed, resamples
    )
    draws = gain + (1 if task.direction == "maximize" else -1) * (deviations[0] - deviations[1])
    draws = draws[np.isfinite(draws)]
    stderr = _spread(draws, gain)
    if len(draws) < 2:
        return Comparison(gain=gain, stderr=stderr, p_better=0.5, low=gain - stderr, high=gain + stderr)
    nothing = 1e-12 * (abs(theirs_value) + abs(ours_value))
    p_better = float((draws > nothing).mean() + (np.abs(draws) <= nothing).mean() / 2)
    low, high = np.quantile(draws, _INTERVAL)
    return Comparison(gain=gain, stderr=stderr, p_better=p_better, low=float(low), high=float(high))


def drift_between(direction: Direction, before: Score | None, after: Score | None) -> float | None:
    """By how many standard errors a score on other rows is better (below 0: worse) than the one before; None if one is
    missing or neither has noise."""
    if before is None or after is None:
        return None
    noise = math.hypot(before["stderr"], after["stderr"])
    return gain_of(direction, after["value"], before["value"]) / noise if noise > 0 else None


def _spread(draws: np.ndarray, value: float) -> float:
    return float(draws.std(ddof=1)) if len(draws) > 1 else abs(value)


def _resampled(
    metric: Metric, sides: list[Side], units: list[np.ndarray], seed: int, resamples: int
) -> np.ndarray:
    """(sides, resamples): by how much each side's mean over folds deviates in a resample; NaN where not defined."""
    rng = np.random.default_rng(seed)
    values = np.array([[fold.value for fold in side] for side in sides])
    if metric.weighted is None:
        draws, scale = _measured_draws(metric, sides, units, rng, resamples)
    else:
        draws, scale = _weighted_draws(metric, sides, units, rng, resamples), 1.0
    return (draws - values.mean(axis=1, keepdims=True)) * scale


def _weighted_draws(
    metric: Metric,
    sides: list[Side],
    units: list[np.ndarray],
    rng: np.random.Generator,
    resamples: int,
) -> np.ndarray:
    assert metric.weighted is not None
    ready = [[metric.weighted(f.truth, f.prediction) for f in side] for side in sides]
    count, rows = count_of(units), sum(len(u) for u in units)
    wide = max(f.truth[:1].size for f in sides[0])
    resamples = _affordable(_FAST_CELLS, rows * wide, resamples)
    chunk = max(1, _CHUNK_CELLS // max(count, rows))
    found: list[np.ndarray] = []
    for start in range(0, resamples, chunk):
        size = min(chunk, resamples - start)
        drawn = rng.integers(count, size=(size, count)) + np.arange(size)[:, None] * count
        weights = np.bincount(drawn.ravel(), minlength=size * count).reshape(size, count).astype(float)
        per_fold = [weights[:, u] for u in units]
        values = [[fold(w) for fold, w in zip(side, per_fold, strict=True)] for side in ready]
        found.append(np.array(values).mean(axis=1))
    return np.concatenate(found, axis=1)


def _measured_draws(
    metric: Metric,
    sides: list[Side],
    units: list[np.ndarray],
    rng: np.random.Generator,
    resamples: int,
) -> tuple[np.ndarray, float]:
    """The draws, and by what their deviations are to be scaled."""
    count = count_of(units)
    size = min(count // 2 if metric.own else count, MEASURED_UNITS)
    if size < 1:
        return np.full((len(sides), 1), np.nan), 1.0
    rows = sum(len(u) for u in units) * size // count
    cost = rows + _CALL_ROWS * len(units) * len(sides)
    taken: list[list[np.ndarray]] = [[] for _ in units]  # for each fold, the rows of each resample
    for _ in range(_affordable(_MEASURED_ROWS, cost, resamples)):
        chosen = rng.choice(count, size, replace=not metric.own)
        times = np.bincount(chosen, minlength=count)
        for fold, u in zip(taken, units, strict=True):
            fold.append(np.repeat(np.arange(len(u)), times[u]))
    values = [
        [metric.on_rows(f.truth, f.prediction, rows) for f, rows in zip(side, taken, strict=True)]
        for side in sides
    ]
    return np.mean(values, axis=1), float(np.sqrt(size / ((count - size) if metric.own else count)))


def _affordable(cells: int, cells_a_resample: int, resamples: int) -> int:
    return min(resamples, max(LEAST_RESAMPLES, cells // max(1, cells_a_resample)))
