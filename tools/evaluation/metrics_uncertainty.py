"""Metrics of several numbers a row that only together are one prediction: a distribution, a value with its spread, a
direction."""

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Problem, Task
from gome.tools.evaluation.metric import AnswersError, Domain, GradingError, Metric, row_mean
from gome.tools.evaluation.parse import numbers, value_columns

_NUMBERS: tuple[Problem, ...] = ("regression",)
_CLIP = 1e-15


def laplace(parameter: str) -> Metric:
    """Modified Laplace log likelihood: -sqrt(2) * error / spread - log(sqrt(2) * spread), averaged over rows.

    "70,1000", which is meant without a parameter: a spread below 70 counts as 70, an error beyond 1000 as 1000. Of the
    two prediction columns the one of the target's name is the value, else the first; the other one is its spread.
    """
    try:
        least, most = (float(bound) for bound in (parameter or "70,1000").split(","))
    except ValueError:
        least = most = np.nan
    if not (0 < least < np.inf and most > 0):
        raise GomeError(
            f"metric 'laplace@{parameter}': the least spread and the largest error are needed, as in laplace@70,1000."
        )

    def parse(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
        if len(task.target) != 1 or len(task.prediction) != 2:
            raise GradingError("laplace needs one target and two predictions, the value and its spread")
        value, spread = value_and_spread(task)
        return numbers(answers, task.target), numbers(submission, [value, spread])

    def likelihood(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
        spread = np.maximum(predicted[:, 1], least)
        error = np.minimum(np.abs(truth[:, 0] - predicted[:, 0]), most)
        return -np.sqrt(2) * error / spread - np.log(np.sqrt(2) * spread)

    name = f"laplace@{parameter}" if parameter else "laplace"
    return row_mean(name, "maximize", _NUMBERS, "value", parse, likelihood, predictions=2)


def value_and_spread(task: Task) -> tuple[str, str]:
    """The two prediction columns of a task judged by `laplace`."""
    first, second = task.prediction
    return (second, first) if second == task.target[0] else (first, second)


def _shares(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Rows brought to the sum 1, true and predicted: votes count as well as shares."""
    truth, predicted = value_columns(answers, submission, task)
    for given, fault, what in ((truth, AnswersError, "answers"), (predicted, GradingError, "predictions")):
        if (given < 0).any() or (given.sum(axis=1) <= 0).any():
            raise fault(f"kl_divergence is not defined: {what} hold numbers below 0, or rows of the sum 0")
    return truth / truth.sum(axis=1, keepdims=True), predicted / predicted.sum(axis=1, keepdims=True)


def _divergence(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """Kullback and Leibler 1951: sum over columns of p log(p / q); 0 log 0 is 0, and q counts as at least 1e-15."""
    known = np.where(truth > 0, truth, 1)
    return (truth * (np.log(known) - np.log(np.clip(predicted, _CLIP, 1)))).sum(axis=1)


def _directions(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Unit vectors, (n, 3) each, of azimuth and zenith in radians: by their names, else in this order."""
    if len(task.target) != 2:
        raise AnswersError("angular_error needs two targets, azimuth and zenith in radians")
    truth, predicted = value_columns(answers, submission, task)
    if "zenith" in task.target[0].lower():
        truth, predicted = truth[:, ::-1], predicted[:, ::-1]
    return _unit(*truth.T), _unit(*predicted.T)


def _unit(azimuth: np.ndarray, zenith: np.ndarray) -> np.ndarray:
    return np.stack(
        [np.cos(azimuth) * np.sin(zenith), np.sin(azimuth) * np.sin(zenith), np.cos(zenith)], axis=1
    )


def _angle(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    """In radians, from 0 to pi; by the chord, which is exact where the cosine is close to 1."""
    return 2 * np.arcsin(np.clip(np.linalg.norm(truth - predicted, axis=1) / 2, 0, 1))


METRICS = (
    row_mean(
        "kl_divergence", "minimize", _NUMBERS, "value", _shares, _divergence, low=0, domain=Domain(low=0)
    ),
    row_mean("angular_error", "minimize", _NUMBERS, "value", _directions, _angle),
)
