"""Metrics under row weights, many lines of weights at once: what makes a bootstrap cost milliseconds.

Weights are (resamples, n), such as how often a resample drew each row. Each function prepares one set of predictions
and returns the function of weights; values are NaN where a line of weights leaves the metric undefined.
"""

from collections.abc import Callable

import numpy as np

from gome.tools.evaluation.metric import Weighted

Margins = tuple[np.ndarray, np.ndarray, np.ndarray]


def column_mean(one: Callable[[np.ndarray, np.ndarray], Weighted]) -> Callable[..., Weighted]:
    """`one(truth, score)` for a single column, as the mean over the columns in which it is defined."""

    def prepare(truth: np.ndarray, score: np.ndarray) -> Weighted:
        columns = [one(truth[:, c], score[:, c]) for c in range(truth.shape[1])]

        def evaluate(weights: np.ndarray) -> np.ndarray:
            return defined_mean(np.stack([column(weights) for column in columns]))

        return evaluate

    return prepare


def defined_mean(values: np.ndarray) -> np.ndarray:
    """Mean over the first axis of what is not NaN; NaN where nothing is left."""
    known = ~np.isnan(values)
    with np.errstate(invalid="ignore"):
        return np.where(known, values, 0).sum(axis=0) / known.sum(axis=0)


def auc(truth: np.ndarray, score: np.ndarray) -> Weighted:
    """Area under the ROC curve as the share of (positive, negative) pairs in order, ties counted half."""
    order = np.argsort(score, kind="stable")
    starts = tie_starts(score[order])
    positive = truth[order] > 0

    def evaluate(weights: np.ndarray) -> np.ndarray:
        sorted_ = weights[:, order]
        won = np.add.reduceat(np.where(positive, sorted_, 0), starts, axis=1)
        lost = np.add.reduceat(np.where(positive, 0, sorted_), starts, axis=1)
        below = np.cumsum(lost, axis=1) - lost / 2
        with np.errstate(invalid="ignore", divide="ignore"):
            return (won * below).sum(axis=1) / (won.sum(axis=1) * lost.sum(axis=1))

    return evaluate


def average_precision(truth: np.ndarray, score: np.ndarray) -> Weighted:
    """Precision at each distinct score, weighted by the recall that it adds."""
    order = np.argsort(-score, kind="stable")
    starts = tie_starts(score[order])
    positive = truth[order] > 0

    def evaluate(weights: np.ndarray) -> np.ndarray:
        sorted_ = weights[:, order]
        hits = np.add.reduceat(np.where(positive, sorted_, 0), starts, axis=1)
        seen = np.cumsum(np.add.reduceat(sorted_, starts, axis=1), axis=1)
        precision = np.cumsum(hits, axis=1) / np.maximum(seen, 1e-300)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (hits * precision).sum(axis=1) / hits.sum(axis=1)

    return evaluate


def tie_starts(sorted_scores: np.ndarray) -> np.ndarray:
    """Where each run of equal scores begins."""
    return np.flatnonzero(np.r_[True, sorted_scores[1:] != sorted_scores[:-1]])


def from_margins(rule: Callable[[Margins], np.ndarray]) -> Callable[..., Weighted]:
    """`rule` of the weights that each class has as (hit, predicted, true), (resamples, classes) each."""

    def prepare(truth: np.ndarray, predicted: np.ndarray) -> Weighted:
        count = int(max(truth.max(), predicted.max())) + 1
        hit = np.where(truth == predicted, truth, count)

        def evaluate(weights: np.ndarray) -> np.ndarray:
            margins = (_sums(hit, count + 1, weights)[:, :-1], _sums(predicted, count, weights),
                       _sums(truth, count, weights))  # fmt: skip
            with np.errstate(invalid="ignore", divide="ignore"):
                return rule(margins)

        return evaluate

    return prepare


def _sums(codes: np.ndarray, count: int, weights: np.ndarray) -> np.ndarray:
    lines = np.arange(len(weights))[:, None] * count + codes
    return np.bincount(lines.ravel(), weights=weights.ravel(), minlength=len(weights) * count).reshape(
        -1, count
    )


def moments(truth: np.ndarray, predicted: np.ndarray, weights: np.ndarray) -> tuple[np.ndarray, ...]:
    """Weighted mean of truth and prediction, their variances and covariance: (resamples,) each."""
    y, p = truth - truth.mean(), predicted - predicted.mean()  # centred: keeps the sums of squares exact
    total = weights.sum(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        my, mp, yy, pp, yp = ((weights @ v) / total for v in (y, p, y * y, p * p, y * p))
    return my + truth.mean(), mp + predicted.mean(), yy - my * my, pp - mp * mp, yp - my * mp


def r2(truth: np.ndarray, predicted: np.ndarray) -> Weighted:
    """1 - squared error / variance of the truth."""

    def evaluate(weights: np.ndarray) -> np.ndarray:
        my, mp, vy, vp, cov = moments(truth, predicted, weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(vy > 0, 1 - (vy + vp - 2 * cov + (my - mp) ** 2) / vy, np.nan)

    return evaluate


def pearson(truth: np.ndarray, predicted: np.ndarray) -> Weighted:
    """Correlation."""

    def evaluate(weights: np.ndarray) -> np.ndarray:
        _, _, vy, vp, cov = moments(truth, predicted, weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where((vy > 0) & (vp > 0), cov / np.sqrt(vy * vp), np.nan)

    return evaluate


def quadratic_kappa(truth: np.ndarray, predicted: np.ndarray) -> Weighted:
    """1 - squared distance / squared distance expected of independent labels with the same margins."""

    def evaluate(weights: np.ndarray) -> np.ndarray:
        my, mp, vy, vp, cov = moments(truth.astype(float), predicted.astype(float), weights)
        shift = (my - mp) ** 2
        with np.errstate(invalid="ignore", divide="ignore"):
            expected = vy + vp + shift
            return np.where(expected > 0, 1 - (expected - 2 * cov) / expected, np.nan)

    return evaluate
