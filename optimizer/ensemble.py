"""Programs combined by their predictions: no model is asked and nothing is trained."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gome.state.parts import gain_of, sign_of
from gome.state.task import Task
from gome.tools.data.columns import class_text
from gome.tools.evaluation.bootstrap import FoldPredictions, score
from gome.tools.evaluation.grading import aligned, measured, metric_of
from gome.tools.evaluation.metric import Metric
from gome.tools.evaluation.parse import codes, tokens

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
    order = np.argsort(-shares, kind="stable")
    shares = shares[order] / shares.sum()
    first = submissions[0].reset_index(drop=True)
    tables = [aligned(task, first, submissions[i]) for i in order]
    return first.assign(**_combined(task, metric_of(task), tables, shares))


def _combined(
    task: Task, metric: Metric, tables: list[pd.DataFrame], shares: np.ndarray
) -> dict[str, np.ndarray]:
    """Prediction columns of `tables`, heaviest first, put together."""
    columns = task.prediction
    if task.problem in ("detection", "text"):
        return {c: tables[0][c].to_numpy() for c in columns}
    if metric.form == "ranking" or task.problem == "ranking":
        return {c: _blended_ranks([tokens(t[c]) for t in tables], shares) for c in columns}
    if len(columns) == 1 and metric.form != "probability" and _are_labels(task, metric, tables):
        vote = _common_labels if task.problem == "multilabel" else _vote
        return {columns[0]: vote([class_text(t[columns[0]]).to_numpy() for t in tables], shares)}
    means = _weighted_mean(task, metric, tables, shares)
    if metric.form == "label" and task.problem == "multilabel":
        means = (means > 0.5).astype(int)
    return {c: means[:, i] for i, c in enumerate(columns)}


def _are_labels(task: Task, metric: Metric, tables: list[pd.DataFrame]) -> bool:
    """Labels by the metric's form; for somebody's own grader, by what the programs wrote."""
    if metric.form == "label":
        return True
    column = task.prediction[0]
    if task.classes:
        return metric.own and all((codes(t[column], task.classes) >= 0).all() for t in tables)
    return not all(pd.api.types.is_numeric_dtype(t[column]) for t in tables)


def _weighted_mean(task: Task, metric: Metric, tables: list[pd.DataFrame], shares: np.ndarray) -> np.ndarray:
    values = np.stack([t[task.prediction].to_numpy(dtype=float) for t in tables])
    if task.classes and len(task.prediction) > 1:
        total = values.sum(axis=2, keepdims=True)
        values = values / np.where(total > 0, total, 1)
    # not a matrix product: its rounding differs from row to row, and predictions that are tied have to stay tied
    return np.asarray((shares[:, None, None] * values).sum(axis=0))


def _vote(labels: list[np.ndarray], shares: np.ndarray) -> np.ndarray:
    """The label with the most weight behind it, row by row."""
    votes = np.stack(labels)
    support = np.stack([(shares[:, None] * (votes == mine)).sum(axis=0) for mine in votes])
    support += 1e-9 * (np.arange(len(votes))[::-1, None])  # a tie goes to the heavier
    return votes[support.argmax(axis=0), np.arange(votes.shape[1])]


def _common_labels(texts: list[np.ndarray], shares: np.ndarray) -> np.ndarray:
    """Sets of labels: those that more than half of the weight names, in the order of the heaviest."""
    blended = []
    for row in zip(*texts, strict=True):
        weight: dict[str, float] = {}
        for text, share in zip(row, shares, strict=True):
            for label in dict.fromkeys((text or "").split()):
                weight[label] = weight.get(label, 0.0) + share
        blended.append(" ".join(label for label, w in weight.items() if w > 0.5 + 1e-9))
    return np.array(blended, dtype=object)


def _blended_ranks(lists: list[np.ndarray], shares: np.ndarray) -> np.ndarray:
    """Reciprocal rank fusion, row by row; as long as the longest list."""
    blended = []
    for row in zip(*lists, strict=True):
        worth: dict[str, float] = {}
        for items, share in zip(row, shares, strict=True):
            for place, item in enumerate(dict.fromkeys(items), start=1):
                worth[item] = worth.get(item, 0.0) + share / place
        best = sorted(worth, key=lambda item: -worth[item])  # stable: ties stay with the heavier
        blended.append(" ".join(best[: max(len(items) for items in row)]))
    return np.array(blended, dtype=object)


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
    """The mean over folds of the metric for the members, weighted by `counts`."""
    values = []
    for parts in zip(*(members[name] for name in counts), strict=True):
        answers = parts[0][0]
        blended = combine(task, [aligned(task, answers, s) for _, s in parts], list(counts.values()))
        values.append(measured(metric, task, answers, blended))
    return float(np.mean(values))
