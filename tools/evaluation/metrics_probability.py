"""Further metrics of probabilities: weighted forms of AUC and log loss, and label rankings."""

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.evaluation.metric import (
    CLASSES,
    AnswersError,
    GradingError,
    Metric,
    Weighted,
    row_mean,
    weighted_metric,
)
from gome.tools.evaluation.metrics_classification import log_loss_of
from gome.tools.evaluation.parse import chance_of_truth, numbers, probabilities
from gome.tools.evaluation.weighted import tie_starts

_ONE_CLASS = "the answers are all of one class"


def weighted_auc(parameter: str) -> Metric:
    """Area under the ROC curve where bands of the true-positive rate count differently, over the area of all bands.

    "0.4=2,1=1": rates up to 0.4 count twice, those from there to 1 once, as in steganalysis, where what is found at few
    false alarms matters most.
    """
    wrong = GomeError(
        f"metric 'weighted_auc@{parameter}': rates that rise to 1, each with its weight, are needed after '@', as in "
        "weighted_auc@0.4=2,1=1."
    )
    try:
        bands = np.array([band.split("=") for band in parameter.split(",")], dtype=float).reshape(-1, 2)
    except ValueError as error:
        raise wrong from error
    edges, weight = np.r_[0, bands[:, 0]], bands[:, 1]
    if not (
        (np.diff(edges) > 0).all() and edges[-1] == 1 and (weight >= 0).all() and 0 < weight.sum() < np.inf
    ):
        raise wrong

    def weighted(truth: np.ndarray, score: np.ndarray) -> Weighted:
        return _banded_auc(truth[:, 0], score[:, 0], edges, weight)

    return weighted_metric(f"weighted_auc@{parameter}", "maximize", ("binary",), "probability", probabilities,
                           weighted, _ONE_CLASS, low=0, high=1, one_sided=True)  # fmt: skip


def _banded_auc(truth: np.ndarray, score: np.ndarray, edges: np.ndarray, weight: np.ndarray) -> Weighted:
    order = np.argsort(-score, kind="stable")
    starts, positive = tie_starts(score[order]), truth[order] > 0

    def rates(mass: np.ndarray) -> np.ndarray:
        """(resamples, 1 + distinct scores): the share of `mass` at or above each score, from 0 to 1."""
        cumulated = np.cumsum(np.add.reduceat(mass, starts, axis=1), axis=1)
        with np.errstate(invalid="ignore", divide="ignore"):
            shares = cumulated / cumulated[:, -1:]
        return np.concatenate([np.zeros((len(mass), 1)), shares], axis=1)

    def evaluate(weights: np.ndarray) -> np.ndarray:
        sorted_ = weights[:, order]
        hit, alarm = rates(np.where(positive, sorted_, 0)), rates(np.where(positive, 0, sorted_))
        rise, run = np.diff(hit, axis=1), np.diff(alarm, axis=1)
        slope = run / np.where(rise > 0, rise, 1)
        area = np.zeros(len(weights))
        for low, high, w in zip(edges[:-1], edges[1:], weight, strict=True):
            ends = np.clip(hit, low, high)
            middle = (ends[:, 1:] + ends[:, :-1]) / 2  # the part of each segment in the band is a trapezium
            away = 1 - (alarm[:, :-1] + (middle - hit[:, :-1]) * slope)
            area += w * (np.diff(ends, axis=1) * away).sum(axis=1)
        return area / (np.diff(edges) @ weight)

    return evaluate


def weighted_log_loss(parameter: str) -> Metric:
    """Log loss where columns or rows count differently.

    "2,1,1": the weights of the label columns, in the order of the task's prediction columns. Else `parameter` is the
    column of the train table that holds each row's weight.
    """
    weights = _weights(parameter)
    if not parameter:
        raise GomeError(
            "metric 'weighted_log_loss': a weight for each column, or the column of row weights, is needed after '@', as "
            "in weighted_log_loss@2,1,1."
        )
    if weights is not None:
        return _column_weighted(f"weighted_log_loss@{parameter}", weights)

    def parse(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
        row = numbers(answers, [parameter])
        if (row < 0).any():
            raise AnswersError(f"weighted_log_loss: a weight in {parameter!r} is below 0")
        truth, chance = chance_of_truth(answers, submission, task)
        return np.concatenate([row, truth], axis=1), chance

    def weighted(truth: np.ndarray, chance: np.ndarray) -> Weighted:
        loss = log_loss_of(truth[:, 1:], chance).mean(axis=1)

        def evaluate(times: np.ndarray) -> np.ndarray:
            with np.errstate(invalid="ignore", divide="ignore"):
                return times @ (truth[:, 0] * loss) / (times @ truth[:, 0])

        return evaluate

    return weighted_metric(f"weighted_log_loss@{parameter}", "minimize", (*CLASSES, "multilabel"), "probability", parse,
                           weighted, "the weights are all 0", low=0, high=1, columns=(parameter,))  # fmt: skip


def _column_weighted(name: str, weights: np.ndarray) -> Metric:
    def loss(truth: np.ndarray, chance: np.ndarray) -> np.ndarray:
        if truth.shape[1] != len(weights):
            raise GradingError(f"{name}: {len(weights)} weights for {truth.shape[1]} columns")
        return log_loss_of(truth, chance) @ weights / weights.sum()

    return row_mean(name, "minimize", ("multilabel",), "probability", probabilities, loss, low=0, high=1)


def balanced_log_loss(parameter: str) -> Metric:
    """The log loss of each class's own rows, averaged over the classes that occur.

    "1,2": with these weights of classes, in the order of the prediction columns (of two classes, the positive one last).
    """
    weights = _weights(parameter) if parameter else None
    if parameter and weights is None:
        raise GomeError(
            f"metric 'balanced_log_loss@{parameter}': a weight for each class is needed, as in balanced_log_loss@1,2."
        )

    def parse(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
        truth, chance = probabilities(answers, submission, task)
        if truth.shape[1] == 1:
            truth, chance = np.hstack([1 - truth, truth]), np.hstack([1 - chance, chance])
        if weights is not None and len(weights) != truth.shape[1]:
            raise GradingError(f"{len(weights)} weights for {truth.shape[1]} classes")
        return truth, chance

    def weighted(truth: np.ndarray, chance: np.ndarray) -> Weighted:
        loss = truth * log_loss_of(truth, chance)  # of a row only the class that came true counts
        share = np.ones(truth.shape[1]) if weights is None else weights

        def evaluate(times: np.ndarray) -> np.ndarray:
            rows = times @ truth
            means = times @ loss / np.where(rows > 0, rows, 1)
            with np.errstate(invalid="ignore", divide="ignore"):
                return means @ share / ((rows > 0) @ share)

        return evaluate

    name = f"balanced_log_loss@{parameter}" if parameter else "balanced_log_loss"
    return weighted_metric(name, "minimize", CLASSES, "probability", parse, weighted,
                           "no class that occurs has a weight", low=0, high=1)  # fmt: skip


def _weights(parameter: str) -> np.ndarray | None:
    """Comma-separated weights, none below 0 and one above; None where that is no such list."""
    try:
        weights = np.array([float(w) for w in parameter.split(",")])
    except ValueError:
        return None
    return weights if (weights >= 0).all() and 0 < weights.sum() < np.inf else None


def _label_ranks(truth: np.ndarray, score: np.ndarray) -> Weighted:
    """Mean over all true labels of the precision at the label's place in its row; labels of one score share the last
    place, as in scikit-learn's `label_ranking_average_precision_score`."""
    true = truth > 0.5
    precision = np.zeros(true.shape)
    for c in range(true.shape[1]):
        ahead = score >= score[:, [c]]
        precision[:, c] = (ahead & true).sum(axis=1) / ahead.sum(axis=1)
    gained, count = (precision * true).sum(axis=1), true.sum(axis=1)

    def evaluate(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return (weights @ gained) / (weights @ count)

    return evaluate


def _probabilistic_f1(truth: np.ndarray, chance: np.ndarray) -> Weighted:
    """F1 with probabilities in place of counts (Yacouby and Axman 2020): 2 sum(p of positives) / (positives + sum p)."""
    true, found = truth[:, 0], np.clip(chance[:, 0], 0, 1)

    def evaluate(weights: np.ndarray) -> np.ndarray:
        positives = weights @ true
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.where(
                positives > 0, 2 * (weights @ (true * found)) / (positives + weights @ found), np.nan
            )

    return evaluate


METRICS = (
    weighted_metric("lwlrap", "maximize", ("multilabel",), "probability", probabilities, _label_ranks,
                    "no row has a label", low=0, high=1),
    weighted_metric("pf1", "maximize", ("binary",), "probability", probabilities, _probabilistic_f1,
                    "the answers have no positive", low=0, high=1, one_sided=True),
)  # fmt: skip
