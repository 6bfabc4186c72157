"""Metrics of numbers. With several targets each is the mean over columns of the column's own value (MCRMSE for rmse)."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Direction, Problem, Task
from gome.tools.evaluation import weighted
from gome.tools.evaluation.late import late
from gome.tools.evaluation.metric import (
    ALL_NUMBERS,
    AnswersError,
    Domain,
    GradingError,
    Measure,
    Metric,
    row_mean,
)
from gome.tools.evaluation.parse import numbers, true_codes, value_columns

_NUMBERS: tuple[Problem, ...] = ("regression",)
_R2, _KENDALL = late("sklearn.metrics", "r2_score"), late("scipy.stats", "kendalltau")


def _absolute(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return np.abs(truth - predicted)


def _squared(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return (truth - predicted) ** 2


def _squared_log(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    if truth.min() < 0:
        raise AnswersError("rmsle is not defined: the answers hold numbers below 0")
    if predicted.min() < 0:
        raise GradingError("rmsle is not defined: the predictions hold numbers below 0")
    return (np.log1p(truth) - np.log1p(predicted)) ** 2


def _relative(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    if (truth == 0).any():
        raise AnswersError("mape is not defined: the answers hold 0")
    return np.abs(truth - predicted) / np.abs(truth)


def _symmetric_relative(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    size = np.abs(truth) + np.abs(predicted)
    return 2 * np.abs(truth - predicted) / np.where(size > 0, size, 1)


def _by_column(name: str, measure: Callable[[np.ndarray, np.ndarray], float]) -> Measure:
    def mean(truth: np.ndarray, predicted: np.ndarray) -> float:
        values = [measure(truth[:, c], predicted[:, c]) for c in range(truth.shape[1])]
        if not np.isfinite(values).all():
            if (np.ptp(truth, axis=0) == 0).any():
                raise AnswersError(f"{name} is not defined: the answers are all the same number")
            raise GradingError(f"{name} is not defined: the predictions are all the same number")
        return float(np.mean(values))

    return mean


def _r2(truth: np.ndarray, predicted: np.ndarray) -> float:
    return float(_R2(truth, predicted)) if np.ptp(truth) > 0 else np.nan


def _pearson(truth: np.ndarray, predicted: np.ndarray) -> float:
    if np.ptp(truth) == 0 or np.ptp(predicted) == 0:
        return np.nan
    return float(np.corrcoef(truth, predicted)[0, 1])


def _spearman(truth: np.ndarray, predicted: np.ndarray) -> float:
    return _pearson(pd.Series(truth).rank().to_numpy(), pd.Series(predicted).rank().to_numpy())


def _kendall(truth: np.ndarray, predicted: np.ndarray) -> float:
    """Tau-b (Kendall 1945), NaN where either is constant."""
    return float(_KENDALL(truth, predicted).statistic)


def _gini_area(truth: np.ndarray, score: np.ndarray) -> float:
    """Area between the cumulated truth, by falling score, and the diagonal; tied rows share their truth evenly."""
    shares = pd.Series(truth).groupby(-score).transform("mean").to_numpy()[np.argsort(-score, kind="stable")]
    return float((np.cumsum(shares) / truth.sum()).mean() - (len(truth) + 1) / (2 * len(truth)))


def _gini(truth: np.ndarray, predicted: np.ndarray) -> float:
    if truth.min() < 0 or np.ptp(truth) == 0:
        raise AnswersError("gini_normalized is not defined: the answers are all the same or below 0")
    return _gini_area(truth, predicted) / _gini_area(truth, truth)


def _score_pair(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Numbers, or 0/1 and the score of the positive class."""
    if task.problem != "binary":
        return value_columns(answers, submission, task)
    positive = true_codes(answers, task) == task.positive_code
    column = task.prediction[task.positive_code if len(task.prediction) > 1 else 0]
    return positive[:, None].astype(float), numbers(submission, [column])


def pinball(parameter: str) -> Metric:
    """Quantile loss. Several quantiles, as in pinball@0.1,0.5,0.9, are the prediction columns in this order."""
    try:
        levels = np.array([float(q) for q in parameter.split(",")])
    except ValueError:
        levels = np.array([np.nan])
    if not ((levels > 0) & (levels < 1)).all():
        raise GomeError(
            f"metric 'pinball@{parameter}': quantiles between 0 and 1 are needed, as in pinball@0.9."
        )

    def pair(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
        truth, predicted = numbers(answers, task.target), numbers(submission, task.prediction)
        if predicted.shape[1] != max(len(levels), truth.shape[1]):
            raise GradingError(
                f"pinball@{parameter}: {len(levels)} quantiles, but {predicted.shape[1]} prediction columns"
            )
        return truth, predicted

    def loss(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        short = truth - predicted
        return np.maximum(levels * short, (levels - 1) * short)

    several = len(levels) if len(levels) > 1 else None
    return row_mean(
        f"pinball@{parameter}",
        "minimize",
        _NUMBERS,
        "value",
        pair,
        loss,
        predictions=several,
        by_column=several is None,
    )


def _mean_metric(
    name: str,
    rows: Callable[..., np.ndarray],
    root: bool = False,
    low: float = -np.inf,
    domain: Domain = ALL_NUMBERS,
) -> Metric:
    more: dict[str, Any] = {"link": np.sqrt} if root else {}
    return row_mean(
        name,
        "minimize",
        _NUMBERS,
        "value",
        value_columns,
        rows,
        low=low,
        domain=domain,
        by_column=True,
        **more,
    )


def _column_metric(
    name: str,
    direction: Direction,
    measure: Callable[..., float],
    fast: Callable[..., weighted.Weighted] | None = None,
) -> Metric:
    prepared = None if fast is None else weighted.column_mean(fast)
    return Metric(
        name, direction, _NUMBERS, "value", value_columns, _by_column(name, measure), prepared, by_column=True
    )


METRICS = (
    _mean_metric("rmse", _squared, root=True),
    _mean_metric("mse", _squared),
    _mean_metric("mae", _absolute),
    _column_metric("medae", "minimize", late("sklearn.metrics", "median_absolute_error")),
    _mean_metric("rmsle", _squared_log, root=True, low=0, domain=Domain(low=0)),
    _mean_metric("mape", _relative, domain=Domain(zero=False)),
    _mean_metric("smape", _symmetric_relative),
    _column_metric("r2", "maximize", _r2, weighted.r2),
    _column_metric("pearson", "maximize", _pearson, weighted.pearson),
    _column_metric("spearman", "maximize", _spearman),
    _column_metric("kendall", "maximize", _kendall),
    Metric("gini_normalized", "maximize", ("regression", "binary"), "value", _score_pair,
           _by_column("gini_normalized", _gini), domain=Domain(low=0)),
)  # fmt: skip
