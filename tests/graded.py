"""Tasks and predictions in memory, for tests of what is graded."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pandas as pd

from gome.state.task import Problem, Task
from gome.tools.evaluation import metrics


def make_task(metric: str, problem: Problem, columns: int | Sequence[str] = 1, **more: Any) -> Task:
    """A task with id 'id' and target 'y'; `columns` prediction columns, one a class or one a target if several."""
    prediction = [f"p{i}" for i in range(columns)] if isinstance(columns, int) else list(columns)
    prediction = ["y"] if prediction == ["p0"] else prediction
    several = problem in ("regression", "multilabel") and len(prediction) > 1
    values: dict[str, Any] = {
        "name": "test",
        "root": ".",
        "description": "",
        "metric": metric,
        "problem": problem,
        "train": "train.csv",
        "test": "test.csv",
        "sample": "sample.csv",
        "id": "id",
        "target": [f"y{i}" for i in range(len(prediction))] if several else ["y"],
        "prediction": prediction,
        "classes": {"binary": ["0", "1"], "multiclass": ["a", "b", "c"]}.get(problem, []),
    }
    if ":" not in metric:
        values["direction"] = metrics.get(metric).direction
    return Task(**{**values, **more})


def table(names: Sequence[str], values: Any, ids: Any = None) -> pd.DataFrame:
    """Id column and one column for each of `names`, out of `values` (n,) or (n, columns)."""
    array = np.asarray(values)
    array = array.reshape(len(array), -1)
    ids = np.arange(len(array)) if ids is None else ids
    return pd.DataFrame({"id": ids, **{name: array[:, i] for i, name in enumerate(names)}})


def fold(task: Task, truth: Any, predicted: Any, ids: Any = None) -> tuple[pd.DataFrame, pd.DataFrame]:
    """(answers, submission), rows aligned."""
    return table(task.target, truth, ids), table(task.prediction, predicted, ids)


def value(task: Task, truth: Any, predicted: Any) -> float:
    """The task's metric straight from the registry."""
    return metrics.get(task.metric, root=task.root)(*fold(task, truth, predicted), task)


def simulated(metric: str, n: int, seed: int, noise: float = 1.0) -> tuple[Task, pd.DataFrame, pd.DataFrame]:
    """A task for `metric` with answers and imperfect predictions of its form; `noise` scales the errors."""
    task, answers, submission = _simulated(metric, n, seed, noise)
    columns = metrics.get(metric).columns  # groups of about half of the rows, and weights of 0 and 1
    drawn = {c: np.random.default_rng(seed + i).integers(0, 2, n) for i, c in enumerate(columns)}
    return task.model_copy(update={"metric_columns": list(columns)}), answers.assign(**drawn), submission


def perfect(task: Task, answers: pd.DataFrame, submission: pd.DataFrame) -> tuple[pd.DataFrame, float]:
    """The submission that is the truth, in the form that the metric reads, and the value that it has to get."""
    name = task.metric.partition("@")[0]
    if name == "laplace":  # the least spread, no error: -log(sqrt(2) * 70)
        return submission.assign(p0=answers["y"], p1=0.0), -float(np.log(np.sqrt(2) * 70))
    truth = submission.assign(**dict(zip(task.prediction, answers[task.target].to_numpy().T, strict=True)))
    if name == "box_ap":  # a box of the submission has a score besides
        truth = truth.assign(y=truth["y"] + " 1")
    if name == "box_map":
        truth = truth.assign(y=truth["y"].str.replace(" ", " 1 ", n=1))
    best = {"log_mae": float(np.log(1e-9))}
    return truth, best.get(name, 1.0 if task.direction == "maximize" else 0.0)


def _simulated(metric: str, n: int, seed: int, noise: float) -> tuple[Task, pd.DataFrame, pd.DataFrame]:
    rng = np.random.default_rng(seed)
    kinds, form = metrics.get(metric).kinds, metrics.get(metric).form
    wide = {"kl_divergence": 3, "angular_error": 2}.get(metric, 1)
    if wide > 1:
        task = make_task(metric, "regression", wide)
        votes = rng.gamma(2.0, size=(n, wide))
        votes = votes / votes.sum(axis=1, keepdims=True)
        return task, *fold(task, votes, np.abs(votes + noise * rng.normal(size=(n, wide))))
    if metric.startswith("laplace"):
        task = make_task(metric, "regression", 2, target=["y"])
        truth = 1000 * rng.gamma(2.0, size=n)
        return task, *fold(
            task, truth, np.stack([truth + 100 * noise * rng.normal(size=n), 100 + 50 * rng.random(n)], 1)
        )
    if "regression" in kinds and form == "value":
        task = make_task(metric, "regression")
        truth = rng.gamma(2.0, size=n)
        return task, *fold(task, truth, np.abs(truth + noise * rng.normal(size=n)))
    if form == "text":
        task = make_task(metric, "text")
        starts, lengths = rng.integers(0, 50, n), rng.integers(5, 20, n)
        truth = [f"{s} {many}" for s, many in zip(starts, lengths, strict=True)]
        return task, *fold(
            task,
            truth,
            [f"{s + d} {many}" for s, many, d in zip(starts, lengths, rng.integers(0, 3, n), strict=True)],
        )
    if form == "ranking":
        task, letters = make_task(metric, "ranking"), list("abcdefghijklmnopqrst")
        lists = [" ".join(rng.permutation(letters)) for _ in range(n)]
        if metric == "kendall_order":
            return task, *fold(task, [" ".join(letters)] * n, lists)
        return task, *fold(task, rng.choice(letters, n), lists)
    if form == "detection":
        task = make_task(metric, "detection")
        places = rng.uniform(0, 50, size=(n, 2))
        moved = places + 3 * rng.normal(size=(n, 2))
        scores = rng.random(n).round(2)
        if metric.startswith("box_map"):
            names = rng.choice(["cat", "dog"], n)
            truth = [f"{c} {x} {y} {x + 10} {y + 10}" for c, (x, y) in zip(names, places, strict=True)]
            found = zip(names, scores, moved, strict=True)
            return task, *fold(task, truth, [f"{c} {s} {x} {y} {x + 10} {y + 10}" for c, s, (x, y) in found])
        return task, *fold(
            task,
            [f"{x} {y} 10 10" for x, y in places],
            [f"{x} {y} 10 10 {s}" for (x, y), s in zip(moved, scores, strict=True)],
        )
    if kinds == ("multilabel",) and form == "probability":
        task = make_task(metric, "multilabel", 2 if metric == "weighted_log_loss@2,1" else 3)
        columns = len(task.target)
        bits = rng.random((n, columns)) < 0.4
        chance = 1 / (1 + np.exp(-(2 * bits - 1 + noise * rng.normal(size=(n, columns)))))
        return task, *fold(task, bits.astype(int), chance.round(2))
    if kinds == ("multilabel",):
        task = make_task(metric, "multilabel", 3)
        wide = rng.random((n, 3)) < 0.4
        return task, *fold(task, wide.astype(int), (wide ^ (rng.random((n, 3)) < 0.2 * noise)).astype(int))
    task = make_task(metric, "binary")
    yes = rng.random(n) < 0.4
    chance = 1 / (1 + np.exp(-(2 * yes - 1 + noise * rng.normal(size=n))))
    if form == "label":
        return task, *fold(task, yes.astype(int), (chance > 0.5).astype(int))
    return task, *fold(task, yes.astype(int), chance.round(2))  # rounded: some scores are tied
