"""How far the gradient can be trusted: predicted against realised gain, over the steps of one run."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from gome.state.parts import Hypothesis
from gome.state.step import StepRecord

FEWEST_PAIRS = 5
"""Predicted gains that were measured before a diagnosis is told what its predictions are worth."""
Z90 = 1.645
MOST = 3.0
"""Gains beyond so many times their prediction, either way, count as so many: two of them alone must not decide."""


class Reliability(TypedDict):
    """The measured reliability of one run's gradient.

    `pairs` steps predicted a gain and had it measured. `right_sign` of them gained or lost as predicted, in `within` of
    `ranged` the gain lay in the predicted range. `factor` is what a unit of predicted gain brought in the middle case,
    drawn towards 1 while pairs are few, `low` to `high` its 90 % interval; `rank` is Spearman's correlation, None below
    three pairs or without spread.
    """

    pairs: int
    right_sign: int
    within: int
    ranged: int
    factor: float
    low: float
    high: float
    rank: float | None


class Gains(TypedDict):
    """How many of an optimizer's `steps` gained, and the 90 % interval (Wilson) of that share."""

    steps: int
    gained: int
    share: float
    low: float
    high: float


def reliability(records: Iterable[StepRecord]) -> Reliability:
    """Predicted against realised gain over step records; see `has_pair`."""
    rows = [r for r in records if has_pair(r)]
    predicted, realised, noise = _pairs(rows)
    ranges = [(r.hypothesis, g) for r, g in zip(rows, realised, strict=True) if has_range(r.hypothesis)]
    low, factor, high = _factor(*_in_errors(predicted, realised, noise))
    return Reliability(
        pairs=len(rows),
        right_sign=int(np.sum(predicted * realised > 0)),
        within=sum(bool(h["predicted_low"] <= g <= h["predicted_high"]) for h, g in ranges),
        ranged=len(ranges),
        factor=factor,
        low=low,
        high=high,
        rank=_rank_correlation(predicted, realised),
    )


def factors(records: Iterable[StepRecord], of: Iterable[int]) -> dict[int, float]:
    """For each of these step numbers, the `factor` that the records of steps before it had shown."""
    rows = sorted(filter(has_pair, records), key=lambda r: r.step)
    x, y = _in_errors(*_pairs(rows))
    steps = sorted(set(of))
    before = np.searchsorted(np.array([r.step for r in rows], dtype=int), steps)
    known = {n: _factor(x[:n], y[:n])[1] for n in np.unique(before)}
    return {step: known[n] for step, n in zip(steps, before, strict=True)}


def gains(records: Iterable[StepRecord], optimizer: str) -> Gains:
    """The steps after the drafts that `optimizer` proposed, and how many were accepted with a measured gain."""
    rows = [r for r in records if r.parent and r.optimizer == optimizer]
    gained = sum(_gained(r) for r in rows)
    low, high = wilson(gained, len(rows))
    return Gains(
        steps=len(rows), gained=gained, share=gained / len(rows) if rows else math.nan, low=low, high=high
    )


def wilson(hits: int, trials: int, z: float = Z90) -> tuple[float, float]:
    """Wilson's interval of a share, 90 % by default; (0, 1) without trials."""
    if trials == 0:
        return 0.0, 1.0
    share, square = hits / trials, z * z / trials
    middle = (share + square / 2) / (1 + square)
    half = z * math.sqrt(share * (1 - share) / trials + square / trials / 4) / (1 + square)
    # Exact at the ends: rounding must not leave the share itself outside.
    low = 0.0 if hits == 0 else max(0.0, middle - half)
    return low, 1.0 if hits == trials else min(1.0, middle + half)


def has_pair(record: StepRecord) -> bool:
    """Whether the step's diagnosis predicted a gain that was measured by a score that stands.

    A merge's prediction is measured by the harness and says nothing of the diagnosis.
    """
    foretold = any(record.hypothesis.get(f"predicted_{k}") for k in ("gain", "low", "high"))
    measured = record.comparison and record.evaluation and record.evaluation["status"] == "ok"
    return bool(foretold and measured and record.kind != "merge")


def has_range(hypothesis: Hypothesis) -> bool:
    """Whether the hypothesis gave a range, not a point."""
    return (hypothesis.get("predicted_high") or 0.0) > (hypothesis.get("predicted_low") or 0.0)


def _gained(record: StepRecord) -> bool:
    return record.accepted and (record.gain or 0.0) > 0


def _factor(predicted: np.ndarray, realised: np.ndarray) -> tuple[float, float, float]:
    """(low, factor, high): the median of realised over predicted gain, and its 90 % interval.

    Both gains in the comparison's standard errors. A step has one vote, however wild its prediction; one that predicted
    less than the noise, whose ratio is mostly noise, a part of one. The prior is one vote for predictions that are right.
    The interval is that of the sign test: ranks 1.645 * sqrt(votes) / 2 votes off the middle.
    """
    told = predicted != 0
    predicted, realised = predicted[told], realised[told]
    votes = np.append(np.minimum(1.0, np.abs(predicted)), 1.0)
    ratios = np.append(realised / predicted, 1.0).clip(-MOST, MOST)
    order = np.lexsort((votes, ratios))  # the same whatever the order of the steps
    votes, ratios = votes[order], ratios[order]
    places = np.cumsum(votes) - votes / 2  # of each step's vote, in votes: half of its own lies below it
    middle, off = votes.sum() / 2, Z90 * math.sqrt(votes.sum()) / 2
    low, factor, high = np.interp([middle - off, middle, middle + off], places, ratios)
    return float(low), float(factor), float(high)


def _in_errors(
    predicted: np.ndarray, realised: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both gains in standard errors; 0 without noise."""
    scale = np.where(noise > 0, noise, np.inf)
    return predicted / scale, realised / scale


def _pairs(rows: Sequence[StepRecord]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predicted and realised gains, and the standard errors of the latter, (rows,) each."""
    predicted = np.array([float(r.hypothesis["predicted_gain"]) for r in rows])
    realised = np.array([r.gain or 0.0 for r in rows])
    return predicted, realised, np.array([r.comparison["stderr"] if r.comparison else 0.0 for r in rows])


def _rank_correlation(predicted: np.ndarray, realised: np.ndarray) -> float | None:
    if len(predicted) < 3 or not np.ptp(predicted) or not np.ptp(realised):
        return None
    return float(pd.Series(predicted).rank().corr(pd.Series(realised).rank()))
