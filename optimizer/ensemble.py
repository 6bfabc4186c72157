"""Programs combined by their predictions: no model is asked and nothing is trained."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gome.optimizer.blending import How, blended
from gome.state.parts import gain_of, sign_of
from gome.state.task import Task
from gome.tools.data.columns import class_text
from gome.tools.evaluation.bootstrap import FoldPredictions, score
from gome.tools.evaluation.grading import aligned, measured, metric_of
from gome.tools.evaluation.metric import Metric
from gome.tools.evaluation.parse import codes

_PATIENCE = 3
_TOLERANCE = 0.05  # of a standard error of the best single score


def combine(task: Task, submissions: list[pd.DataFrame], weights: Sequence[float]) -> pd.DataFrame:
    """One submission out of several, in the row order of the first; `weights` need not sum to 1.

    Numbers and probabilities: the weighted mean (a line of class probabilities first brought to the sum 1). Labels:
    the weighted vote, in a tie that of the heaviest. 0/1 columns and sets of labels: what more than half of the weight
    says. Ranked lists: items by the sum of weight / place. Detected boxes and free text are not blended: the heaviest
    one's stay.
    """
    if len(submissions) != len(weights) or not submissions:
        raise ValueError(f"{len(weights)} weights for {len(submissions)} submissions")
    shares = np.asarray(weights, dtype=float)
    if (shares < 0).any() or not shares.sum() > 0:
        raise ValueError("weights have to be positive")
    first = submissions[0].reset_index(drop=True)
    return _combined(task, metric_of(task), [aligned(task, first, table) for table in submissions], shares)


def _combined(task: Task, metric: Metric, tables: list[pd.DataFrame], shares: np.ndarray) -> pd.DataFrame:
    """As `combine`, for rows that are aligned already."""
    how = how_blended(task, metric, tables)
    whole = blended(how, [values_of(how, table[task.prediction]) for table in tables], list(shares))
    return tables[0].assign(**{column: whole[:, i] for i, column in enumerate(task.prediction)})


def combine_folds(
    task: Task, members: Sequence[list[FoldPredictions]], weights: Sequence[float]
) -> list[FoldPredictions]:
    """What the members predicted for the same folds, combined fold by fold, each with the answers of the first."""
    return [
        (parts[0][0], combine(task, [submission for _, submission in parts], weights))
        for parts in zip(*members, strict=True)
    ]


def how_blended(task: Task, metric: Metric, tables: list[pd.DataFrame]) -> How:
    """How predictions of the task, `tables`, are put together."""
    if task.problem in ("detection", "text"):
        return "heaviest"
    if metric.form == "ranking" or task.problem == "ranking":
        return "ranks"
    if len(task.prediction) == 1 and metric.form != "probability" and _are_labels(task, metric, tables):
        return "sets" if task.problem == "multilabel" else "vote"
    if metric.form == "label" and task.problem == "multilabel":
        return "majority"
    return "shares" if task.classes and len(task.prediction) > 1 else "mean"


def values_of(how: How, predictions: pd.DataFrame) -> np.ndarray:
    """Predictions as `blended` takes them, (rows, columns): floats or text."""
    if how == "heaviest":
        return predictions.to_numpy()
    if how in ("vote", "sets", "ranks"):
        return predictions.apply(class_text).to_numpy(dtype=object)
    return predictions.to_numpy(dtype=float)


def _are_labels(task: Task, metric: Metric, tables: list[pd.DataFrame]) -> bool:
    """Labels by the metric's form; for somebody's own grader, by what the programs wrote."""
    if metric.form == "label":
        return True
    column = task.prediction[0]
    if task.classes:
        return metric.own and all((codes(t[column], task.classes) >= 0).all() for t in tables)
    return not all(pd.api.types.is_numeric_dtype(t[column]) for t in tables)


def greedy_ensemble(
    task: Task, members: dict[str, list[FoldPredictions]], *, max_rounds: int = 20, seed: int
) -> dict[str, float]:
    """Weights, summing to 1, of the members that together score best on their stored predictions.

    Greedy selection with replacement (Caruana et al. 2004): from the best single member, each round adds the one that
    leaves the best score, one already in if need be; the best set on the way counts. A larger set has to be better by a
    twentieth of the best single's standard error; three rounds without such a gain end the search.
    """
    if not members:
        raise ValueError("an ensemble needs members")
    metric = metric_of(task)
    sign = sign_of(task.direction)
    # Brought into one order once: hundreds of blends are graded.
    members = {
        name: [(answers, aligned(task, answers, submission)) for answers, submission in folds]
        for name, folds in members.items()
    }
    single = {name: _value(task, metric, {name: 1}, members) for name in members}
    names = sorted(members, key=lambda name: -sign * single[name])
    counts, best = {names[0]: 1}, {names[0]: 1}
    best_value = single[names[0]]
    tolerance = _TOLERANCE * score(task, members[names[0]], seed=seed)["stderr"]
    idle = 0
    for _ in range(max_rounds if len(members) > 1 else 0):
        tried = [{**counts, name: counts.get(name, 0) + 1} for name in names]
        values = [_value(task, metric, one, members) for one in tried]
        at = max(range(len(tried)), key=lambda i: sign * values[i])
        counts, idle = tried[at], idle + 1
        if gain_of(task.direction, values[at], best_value) > tolerance:
            best, best_value, idle = counts, values[at], 0
        if idle == _PATIENCE:
            break
    total = sum(best.values())
    return {name: count / total for name, count in best.items()}


def _value(
    task: Task, metric: Metric, counts: dict[str, int], members: dict[str, list[FoldPredictions]]
) -> float:
    """The mean over folds of the metric for the members, weighted by `counts`; their rows are in the answers' order."""
    shares = np.asarray(list(counts.values()), dtype=float)
    values = []
    for parts in zip(*(members[name] for name in counts), strict=True):
        whole = _combined(task, metric, [submission for _, submission in parts], shares)
        values.append(measured(metric, task, parts[0][0], whole))
    return float(np.mean(values))
