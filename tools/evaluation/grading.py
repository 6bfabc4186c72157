"""One submission against its answers: aligned by id, graded, and a finite number or one line that says why not."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import pandas as pd

from gome.state.task import Task
from gome.tools.data.ids import AGAIN, row_keys, row_words
from gome.tools.evaluation import metrics
from gome.tools.evaluation.metric import GradingError, Metric

__all__ = ["GradingError", "aligned", "grade", "metric_of", "parsed", "value_of"]


def metric_of(task: Task) -> Metric:
    """The task's metric. Raises GomeError if it is unknown or cannot be loaded."""
    return metrics.of(task)


def grade(task: Task, submission: pd.DataFrame, answers: pd.DataFrame) -> float:
    """The task's metric for `submission`, rows in any order. Raises GradingError: other ids, not defined, not finite."""
    return measured(metric_of(task), task, answers, aligned(task, answers, submission))


def measured(metric: Metric, task: Task, answers: pd.DataFrame, submission: pd.DataFrame) -> float:
    """As `grade`, for rows that are aligned already."""
    return value_of(metric, *parsed(metric, task, answers, submission))


def parsed(metric: Metric, task: Task, answers: pd.DataFrame, submission: pd.DataFrame) -> tuple[Any, Any]:
    """Truth and prediction of aligned rows as the metric takes them. Raises GradingError if it cannot read them."""
    with _grading(metric):
        return metric.parse(answers, submission, task)


def value_of(metric: Metric, truth: Any, prediction: Any) -> float:
    """The metric for parsed rows. Raises GradingError: not defined, not finite."""
    with _grading(metric):
        value = float(metric.measure(truth, prediction))
    if not math.isfinite(value):
        raise GradingError(f"{metric.name} is {value}: it is not defined for these predictions")
    return value


@contextmanager
def _grading(metric: Metric) -> Iterator[None]:
    """What a metric refuses, in one line."""
    try:
        with np.errstate(all="ignore"):  # what overflows is told elsewhere
            yield
    except GradingError:
        raise
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise GradingError(f"{metric.name}: {reason}") from error


def aligned(task: Task, answers: pd.DataFrame, submission: pd.DataFrame) -> pd.DataFrame:
    """The rows of `submission` in the order of `answers`, by id. Raises GradingError if the ids are not the same."""
    same = len(answers) == len(submission)
    if same and all(np.array_equal(answers[c].to_numpy(), submission[c].to_numpy()) for c in task.ids):
        return submission.reset_index(drop=True)
    wanted, given = row_keys(answers, task.ids), row_keys(submission, task.ids, answers)
    if (again := given.str.contains(AGAIN, regex=False, na=False) & ~given.isin(wanted)).any():
        raise GradingError(f"{row_words(submission, task.ids, int(again.argmax()))} occurs more than once")
    if not same or given.isna().any() or not given.isin(wanted).all():
        raise GradingError(f"{len(given)} rows with ids other than those of the {len(wanted)} answers")
    at = pd.Index(given).get_indexer(pd.Index(wanted))
    return submission.iloc[at].reset_index(drop=True)
