"""What each graded row has lost, in the task's own metric where that is a mean over rows, else by what tells under it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gome.state.task import Task
from gome.tools.evaluation import metrics
from gome.tools.evaluation.bootstrap import FoldPredictions
from gome.tools.evaluation.grading import metric_of
from gome.tools.evaluation.metric import Metric
from gome.tools.evaluation.parse import as_numbers, codes, numbers, probabilities, true_codes

DISCORDANT, RANK_DISTANCE = "discordant", "rank_distance"
"""Losses of metrics that look at the order of predictions alone. Of a row and a class: the share of the fold's rows of
the other side that are put on the wrong side of it, ties by half. Between a row's place by truth and its place by
prediction: the share of the fold's rows."""
_BY_CLASS = ("auc", "average_precision", "gini_normalized", "lwlrap", "weighted_auc", "bias_auc", "group_auc")
_BY_RANK = ("spearman", "kendall", "gini_normalized")
_LIKE_LOG_LOSS = "log_loss"


@dataclass(frozen=True)
class RowLosses:
    """`worse` (rows,): larger is worse. `order`: rows that are wrong at all, the worst first. `of` some rows (positions)
    is the loss called `name`, `pooled` that of all."""

    name: str
    worse: np.ndarray
    order: np.ndarray
    of: Callable[[np.ndarray], float]

    @property
    def pooled(self) -> float:
        """The loss of all rows."""
        return self.of(np.arange(len(self.worse)))


def row_losses(task: Task, folds: Sequence[FoldPredictions]) -> RowLosses | None:
    """The losses of the rows of aligned folds, one after another; None where rows cannot be told apart."""
    metric = metric_of(task)
    answers, submission = (pd.concat([fold[side] for fold in folds], ignore_index=True) for side in (0, 1))
    name = metric.name.split("@")[0]
    if metric.row_values is None and task.problem in ("binary", "multiclass", "multilabel"):
        if name in _BY_CLASS:
            return _ordered(DISCORDANT, [_discordant(task, *fold) for fold in folds])
    elif metric.row_values is None and name in _BY_RANK:
        return _ordered(RANK_DISTANCE, [_rank_distance(task, *fold) for fold in folds])
    by_rows = _mean_over_rows(task, metric, submission)
    return None if by_rows is None else _measured(task, by_rows, answers, submission)


def are_chances(task: Task, submission: pd.DataFrame) -> bool:
    """Whether the predictions are probabilities; 0 and 1 alone are taken for labels where the task calls them so."""
    column = submission[task.prediction[0]]
    if len(task.prediction) == 1 and (task.problem != "binary" or (codes(column, task.classes) >= 0).all()):
        return False
    return bool(as_numbers(column).between(0, 1).all())


def _mean_over_rows(task: Task, metric: Metric, submission: pd.DataFrame) -> Metric | None:
    """A metric that is a mean over rows and fits the predictions: the task's, or the plainest that is like it."""
    if metric.row_values is not None:
        return metric
    if task.problem == "regression":
        return metrics.get("mae" if metric.name == "medae" else "rmse")
    chances = "log_loss" if _LIKE_LOG_LOSS in metric.name else "brier"
    if task.problem == "multilabel":
        return metrics.get(chances) if metric.form == "probability" else None
    if task.problem in ("binary", "multiclass"):
        return metrics.get(chances if are_chances(task, submission) else "accuracy")
    return None


def _measured(task: Task, metric: Metric, answers: pd.DataFrame, submission: pd.DataFrame) -> RowLosses:
    assert metric.row_values is not None
    truth, prediction = metric.parse(answers, submission, task)
    rows = metric.row_values(truth, prediction).reshape(len(answers), -1).mean(axis=1)
    worse = rows if metric.direction == "minimize" else 1 - rows
    if metric.name == "accuracy":
        order = _by_confusion(true_codes(answers, task), codes(submission[task.prediction[0]], task.classes))
    else:
        order = _worst_first(worse)
    return RowLosses(metric.name, worse, order, lambda at: metric.measure(truth[at], prediction[at]))


def _ordered(name: str, folds: Sequence[np.ndarray]) -> RowLosses:
    worse = np.concatenate(folds)
    return RowLosses(name, worse, _worst_first(worse), lambda at: float(worse[at].mean()))


def _worst_first(worse: np.ndarray) -> np.ndarray:
    order = np.argsort(-worse, kind="stable")
    return order[worse[order] > 0]


def _by_confusion(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Wrong rows: one of each pair of classes that are taken for one another, the commonest pair first; then another."""
    wrong = np.flatnonzero(truth != predicted)
    pairs = pd.Series(list(zip(truth[wrong], predicted[wrong], strict=True)), dtype=object)
    rows = pairs.groupby(pairs)
    return wrong[np.lexsort((-rows.transform("size").to_numpy(dtype=int), rows.cumcount().to_numpy()))]


def _discordant(task: Task, answers: pd.DataFrame, submission: pd.DataFrame) -> np.ndarray:
    """For each row of a fold the mean over classes; several classes: of its own class alone, so that rare ones count."""
    truth, score = _sides(task, answers, submission)
    shares = np.stack([_wrong_side(t > 0, s) for t, s in zip(truth.T, score.T, strict=True)], axis=1)
    if task.problem == "multiclass":
        return shares[np.arange(len(shares)), truth.argmax(axis=1)]
    return shares.mean(axis=1)


def _sides(task: Task, answers: pd.DataFrame, submission: pd.DataFrame) -> tuple[Any, Any]:
    if metric_of(task).form == "probability":
        return probabilities(answers, submission, task)
    positive = true_codes(answers, task) == task.positive_code
    return positive[:, None].astype(float), numbers(submission, task.prediction)


def _wrong_side(positive: np.ndarray, score: np.ndarray) -> np.ndarray:
    """Of a positive row the share of negatives that score above it, of a negative one that of positives below it."""
    above, below = np.sort(score[~positive]), np.sort(score[positive])
    share = np.zeros(len(score))
    if len(above) and len(below):
        left, right = (np.searchsorted(above, score[positive], side) for side in ("left", "right"))
        share[positive] = 1 - (left + right) / (2 * len(above))
        left, right = (np.searchsorted(below, score[~positive], side) for side in ("left", "right"))
        share[~positive] = (left + right) / (2 * len(below))
    return share


def _rank_distance(task: Task, answers: pd.DataFrame, submission: pd.DataFrame) -> np.ndarray:
    truth, predicted = numbers(answers, task.target), numbers(submission, task.prediction)
    apart = pd.DataFrame(truth).rank() - pd.DataFrame(predicted).rank()
    return apart.abs().mean(axis=1).to_numpy() / len(truth)
