"""Two programs side by side on the same rows: each fold aligned and parsed once, and the unit of every row."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gome.state.task import Task
from gome.tools.data.ids import id_text
from gome.tools.evaluation.grading import aligned, parsed, value_of
from gome.tools.evaluation.metric import UNIT, Metric

FoldPredictions = tuple[pd.DataFrame, pd.DataFrame]  # answers (id, targets), submission (id, predictions)


@dataclass(frozen=True)
class Fold:
    """One fold of one program: truth and prediction as the metric parsed them, and its value for all rows."""

    truth: Any
    prediction: Any
    value: float


Side = list[Fold]
"""The folds of one program."""


def aligned_folds(task: Task, folds: list[FoldPredictions]) -> list[FoldPredictions]:
    """The folds with each submission in the order of its answers. Raises GradingError; ValueError if there is none."""
    if not folds:
        raise ValueError("no folds to grade")
    return [(a.reset_index(drop=True), aligned(task, a, submission)) for a, submission in folds]


def side_of(metric: Metric, task: Task, folds: list[FoldPredictions]) -> Side:
    """The aligned folds of one program, each parsed once. Raises GradingError."""
    read = [parsed(metric, task, answers, submission) for answers, submission in folds]
    return [Fold(truth, prediction, value_of(metric, truth, prediction)) for truth, prediction in read]


def units_of(task: Task, answers: list[pd.DataFrame]) -> list[np.ndarray]:
    """The unit of each row, (n,) a fold, numbered over all folds as they come: the rows of one id, or of what the answers
    name as their unit, or of one group where the answers have the task's group column."""
    column = next((c for c in (UNIT, task.group) if c and all(c in a for a in answers)), task.id)
    numbered = pd.factorize(pd.concat([id_text(a[column]) for a in answers], ignore_index=True))[0]
    return np.split(numbered, np.cumsum([len(a) for a in answers])[:-1])


def count_of(units: list[np.ndarray]) -> int:
    """How many units there are."""
    return int(max(u.max() for u in units)) + 1
