"""A score beside what chance and the truth would get: predictions dealt to other rows, and the answers themselves."""

import numpy as np
import pandas as pd

from gome.state.parts import gain_of
from gome.state.task import Task
from gome.tools.evaluation.grading import GradingError, aligned, measured, metric_of
from gome.tools.evaluation.metric import Metric
from gome.tools.evaluation.parse import true_codes

FEW_DEALS, MANY_DEALS = 5, 200
Fold = tuple[pd.DataFrame, pd.DataFrame]


def share_reached(task: Task, fold: Fold, *, seed: int) -> float | None:
    """How far a fold's score is from chance (0) towards the perfect answer (1); None where that cannot be said."""
    metric, answers, submission = metric_of(task), fold[0], aligned(task, *fold)
    perfect = perfect_submission(metric, task, answers, submission)
    if perfect is None:
        return None
    try:
        score, best = (measured(metric, task, answers, s) for s in (submission, perfect))
        chance = float(np.mean(_dealt(metric, task, answers, submission, FEW_DEALS, seed)))
    except GradingError:
        return None
    room = gain_of(task.direction, best, chance)
    return gain_of(task.direction, score, chance) / room if room > 0 else None


def above_chance(task: Task, fold: Fold, *, seed: int) -> tuple[float, float]:
    """(gain over the mean of chance, share of deals that are at least as good): (0, 1) where it cannot be graded."""
    metric, answers, submission = metric_of(task), fold[0], aligned(task, *fold)
    try:
        score = measured(metric, task, answers, submission)
        dealt = _dealt(metric, task, answers, submission, MANY_DEALS, seed)
    except GradingError:
        return 0.0, 1.0
    gains = np.array([gain_of(task.direction, value, score) for value in dealt])
    return float(-gains.mean()), float((gains >= 0).mean())


def _dealt(
    metric: Metric, task: Task, answers: pd.DataFrame, submission: pd.DataFrame, deals: int, seed: int
) -> list[float]:
    """Scores of the same predictions, each time dealt to other rows."""
    rng, columns = np.random.default_rng(seed), task.prediction
    values = []
    for _ in range(deals):
        other = submission[columns].iloc[rng.permutation(len(submission))].reset_index(drop=True)
        values.append(measured(metric, task, answers, submission.assign(**{c: other[c] for c in columns})))
    return values


def perfect_submission(
    metric: Metric, task: Task, answers: pd.DataFrame, submission: pd.DataFrame
) -> pd.DataFrame | None:
    """The submission that the answers themselves would be; None for tasks whose answers have another form."""
    if task.adapter:  # its answers have the submission's form
        return submission.assign(**{c: answers[c].to_numpy() for c in task.prediction})
    if task.problem == "regression" and len(task.target) == len(task.prediction):
        columns = zip(task.prediction, task.target, strict=True)
        return submission.assign(**{p: answers[t].to_numpy() for p, t in columns})
    if task.problem not in ("binary", "multiclass") or metric.form not in ("label", "probability"):
        return None
    truth = true_codes(answers, task)
    if metric.form == "label" and len(task.prediction) == 1:
        return submission.assign(**{task.prediction[0]: answers[task.target[0]].to_numpy()})
    if len(task.prediction) == 1:
        return submission.assign(**{task.prediction[0]: (truth == task.positive_code).astype(float)})
    if len(task.prediction) != len(task.classes):
        return None
    return submission.assign(**{p: (truth == i).astype(float) for i, p in enumerate(task.prediction)})
