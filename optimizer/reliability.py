"""How far the gradient can be trusted: predicted against realised gain, over the steps of one run."""

import math
from collections.abc import Iterable, Sequence

import numpy as np
import pandas as pd
from typing_extensions import TypedDict

from gome.state.parts import Hypothesis
from gome.state.step import StepRecord

MOST_SE = 5.0
Z90 = 1.645


class Reliability(TypedDict):
    """The measured reliability of one run's gradient.

    `pairs` steps predicted a gain and had it measured. `right_sign` of them gained or lost as predicted, in `within` of
    `ranged` the gain lay in the predicted range. `factor` is what a unit of predicted gain brought, drawn towards 1
    while pairs are few; `rank` is Spearman's correlation, None below three pairs or without spread.
    """

    pairs: int
    right_sign: int
    within: int
    ranged: int
    factor: float
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
    return Reliability(
        pairs=len(rows),
        right_sign=int(np.sum(predicted * realised > 0)),
        within=sum(h["predicted_low"] <= g <= h["predicted_high"] for h, g in ranges),
        ranged=len(ranges),
        factor=_factor(predicted, realised, noise),
        rank=_rank_correlation(predicted, realised),
    )


def factors(records: Sequence[StepRecord]) -> dict[int, float]:
    """For each step number of the records, the `factor` that the steps before it had shown."""
    rows = sorted(filter(has_pair, records), key=lambda r: r.step)
    x, y = _in_errors(*_pairs(rows))
    products, squares = (np.concatenate([[0.0], np.cumsum(v)]) for v in (x * y, x * x))
    steps = sorted({r.step for r in records})
    before = np.searchsorted(np.array([r.step for r in rows], dtype=int), steps)
    return dict(zip(steps, ((products + 1.0) / (squares + 1.0))[before].tolist(), strict=True))


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


def _factor(predicted: np.ndarray, realised: np.ndarray, noise: np.ndarray) -> float:
    """Ridge regression of realised on predicted gain through the origin, both in the comparison's standard errors.

    The prior is worth one prediction as large as its noise, and says that predictions are right. Values beyond five
    standard errors are cut there, so that one wild prediction does not decide.
    """
    x, y = _in_errors(predicted, realised, noise)
    return float((x @ y + 1.0) / (x @ x + 1.0))


def _in_errors(
    predicted: np.ndarray, realised: np.ndarray, noise: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Both gains in standard errors, cut; 0 without noise."""
    scale = np.where(noise > 0, noise, np.inf)
    return np.clip(predicted / scale, -MOST_SE, MOST_SE), np.clip(realised / scale, -MOST_SE, MOST_SE)


def _pairs(rows: Sequence[StepRecord]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Predicted and realised gains, and the standard errors of the latter, (rows,) each."""
    predicted = np.array([float(r.hypothesis["predicted_gain"]) for r in rows])
    realised = np.array([r.gain or 0.0 for r in rows])
    return predicted, realised, np.array([r.comparison["stderr"] if r.comparison else 0.0 for r in rows])


def _rank_correlation(predicted: np.ndarray, realised: np.ndarray) -> float | None:
    if len(predicted) < 3 or not np.ptp(predicted) or not np.ptp(realised):
        return None
    return float(pd.Series(predicted).rank().corr(pd.Series(realised).rank()))
