"""Metrics that need groups of rows, named as columns of the train table after '@'."""

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.ids import id_text
from gome.tools.evaluation.metric import Metric, Weighted, weighted_metric
from gome.tools.evaluation.parse import as_numbers, numbers, probabilities, value_columns
from gome.tools.evaluation.weighted import auc, defined_mean

_LEAST_ERROR = 1e-9  # an error of 0 has no logarithm
_POWER = -5.0


def log_mae(column: str) -> Metric:
    """The logarithm of the mean absolute error; with a `column`, of each of its groups, averaged over the groups.

    An error below 1e-9 counts as that, so that the best value is -20.7.
    """

    def parse(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
        truth, predicted = value_columns(answers, submission, task)
        groups = _codes(answers[column]) if column else np.zeros(len(truth))
        return np.column_stack([groups, truth]), predicted

    def weighted(truth: np.ndarray, predicted: np.ndarray) -> Weighted:
        error, (_, group) = np.abs(truth[:, 1:] - predicted), np.unique(truth[:, 0], return_inverse=True)

        def evaluate(weights: np.ndarray) -> np.ndarray:
            rows = np.stack([np.bincount(group, w) for w in weights])
            by_column = []
            for one in error.T:
                total = np.stack([np.bincount(group, w * one) for w in weights])
                with np.errstate(invalid="ignore", divide="ignore"):
                    by_column.append(defined_mean(np.log(np.maximum(total / rows, _LEAST_ERROR)).T))
            return np.mean(by_column, axis=0)

        return evaluate

    name, columns = (f"log_mae@{column}", (column,)) if column else ("log_mae", ())
    return weighted_metric(name, "minimize", ("regression",), "value", parse, weighted, "there are no rows",
                           columns=columns, by_column=True)  # fmt: skip


def group_auc(column: str) -> Metric:
    """The mean over groups of the AUC within the group: how well rows of one query, patient or session are put in order.

    Groups are the values of a `column` of the train table, and count alike; those whose rows are all of one class have
    no AUC and are left out.
    """
    if not column:
        raise GomeError("metric 'group_auc': the column of groups is needed after '@', as in group_auc@user.")

    def parse(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
        truth, score = probabilities(answers, submission, task)
        return np.column_stack([_codes(answers[column]), truth]), score

    def weighted(truth: np.ndarray, score: np.ndarray) -> Weighted:
        order = np.argsort(truth[:, 0], kind="stable")
        groups = np.split(order, np.flatnonzero(np.diff(truth[order, 0])) + 1)
        judged = [
            (rows, auc(truth[rows, 1], score[rows, 0])) for rows in groups if np.ptp(truth[rows, 1]) > 0
        ]

        def evaluate(weights: np.ndarray) -> np.ndarray:
            if not judged:
                return np.full(len(weights), np.nan)
            return defined_mean(np.stack([area(weights[:, rows]) for rows, area in judged]))

        return evaluate

    return weighted_metric(f"group_auc@{column}", "maximize", ("binary",), "probability", parse, weighted,
                           "no group has both classes", low=0, high=1, columns=(column,))  # fmt: skip


def _codes(column: pd.Series) -> np.ndarray:
    """A number for each group, (n,); rows without one are a group."""
    return pd.factorize(id_text(column), use_na_sentinel=False)[0]


def bias_auc(parameter: str) -> Metric:
    """AUC over all rows and over each of the groups, a quarter each of (Borkan et al. 2019, "Nuanced metrics for
    measuring unintended bias with real data for text classification"): AUC; and the power mean (of power -5) over groups
    of the AUC within the group, of its negatives with the positives outside, and of its positives with the negatives
    outside.

    Groups are columns of the train table; a row is in the group from 0.5 on, and not where the cell is empty. A numeric
    target is positive from 0.5 on.
    """
    columns = tuple(name.strip() for name in parameter.split(",") if name.strip())
    if not columns:
        raise GomeError(
            "metric 'bias_auc': columns of groups are needed after '@', as in bias_auc@men,women."
        )

    def parse(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
        if task.problem == "regression":
            truth, score = numbers(answers, task.target[:1]) >= 0.5, numbers(submission, task.prediction[:1])
        else:
            truth, score = probabilities(answers, submission, task)
        inside = [as_numbers(answers[c]).to_numpy() >= 0.5 for c in columns]
        return np.column_stack([truth, *inside]) > 0, score

    def weighted(truth: np.ndarray, score: np.ndarray) -> Weighted:
        yes, inside = truth[:, 0], truth[:, 1:].T
        area = auc(yes, score[:, 0])

        def evaluate(weights: np.ndarray) -> np.ndarray:
            parts = (
                inside,
                inside ^ yes,
                inside == yes,
            )  # within; negatives of it and others' positives; the reverse
            means = [_power_mean(np.stack([area(weights * rows) for rows in part])) for part in parts]
            return np.mean([area(weights), *means], axis=0)

        return evaluate

    return weighted_metric(f"bias_auc@{','.join(columns)}", "maximize", ("binary", "regression"), "probability", parse,
                           weighted, "no group has both classes", low=0, high=1, columns=columns)  # fmt: skip


def _power_mean(values: np.ndarray) -> np.ndarray:
    """Over the groups (first axis) where it is defined."""
    with np.errstate(divide="ignore"):
        return defined_mean(values**_POWER) ** (1 / _POWER)
