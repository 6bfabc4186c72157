"""What no model at all scores: the best constant prediction, which stands beside every score of a run.

The constants tried are declared here by the form of the answer. Each is made from the rows that a program may learn
from, the best of them for the metric is chosen on these rows, and it is graded on the rows that programs are graded on.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from gome.state.parts import Score, better
from gome.state.result import Naive
from gome.state.task import Task
from gome.tools.data.inputs import Inputs
from gome.tools.evaluation import metrics_detection
from gome.tools.evaluation.answer_form import answer_form
from gome.tools.evaluation.bootstrap import score
from gome.tools.evaluation.grading import GradingError, measured, metric_of
from gome.tools.evaluation.metric import Metric
from gome.tools.evaluation.metrics_uncertainty import value_and_spread
from gome.tools.evaluation.parse import probabilities, texts, tokens, true_codes

MOST_ROWS = 50_000
"""Rows on which the candidates are compared; a constant is made from all of them."""
MOST_CLASSES = 20
_SHARES = (0.5, 0.3, 0.2, 0.1)
_LENGTHS = (1, 5, 20, 100)


@dataclass(frozen=True)
class Constant:
    """One prediction for all rows: `values` by prediction column; `what` says in words what it is."""

    what: str
    values: dict[str, Any]

    def submission(self, sample: pd.DataFrame) -> pd.DataFrame:
        """The submission that predicts this for every id of `sample`, in the sample's form."""
        return sample.assign(**self.values)


def best_constant(task: Task, labels: pd.DataFrame) -> Constant:
    """The best constant for the metric, made from `labels`: the target columns of the rows that may be learned from, and
    the columns that the metric needs.

    The first of the candidates where the metric can tell none apart. Raises GradingError where no constant makes sense.
    """
    labels = labels[task.answer_columns].dropna(subset=task.target).reset_index(drop=True)
    metric = metric_of(task)
    found = list(_candidates(task, labels[task.target], metric)) if len(labels) else []
    if not found:
        raise GradingError(f"{metric.name}: no constant makes a prediction of this form")
    if len(found) == 1:
        return found[0]
    rows = labels.iloc[np.unique(np.linspace(0, len(labels) - 1, MOST_ROWS).astype(int))]
    answers = rows.reset_index(drop=True).assign(**dict.fromkeys(task.ids, np.arange(len(rows))))
    best, value = found[0], None
    for constant in found:
        try:
            reached = measured(metric, task, answers, constant.submission(answers[task.ids]))
        except GradingError:
            continue
        if value is None or better(task.direction, reached, value):
            best, value = constant, reached
    return best


def naive_scores(task: Task, inputs: Inputs, *, seed: int) -> Naive:
    """The best constant on the rows of the search and of the selection part, fold by fold as programs are graded."""
    naive = Naive(what="", search=None, selection=None, why="")
    try:
        naive["search"], naive["what"] = _on_split(task, inputs, "search", seed)
        naive["selection"], _ = _on_split(task, inputs, "selection", seed)
    except GradingError as error:
        naive["why"] = str(error)
    return naive


def naive_submission(task: Task, inputs: Inputs) -> tuple[pd.DataFrame, str]:
    """The best constant for the real test rows, made from all labels, and what it is. Raises GradingError."""
    constant = _of_fold(task, inputs, "final", 0)
    return constant.submission(inputs.sample("final", 0)), constant.what


def _of_fold(task: Task, inputs: Inputs, split: str, fold: int) -> Constant:
    """The best constant; the sample submission as it stands where no table of labels says a better one."""
    labels = inputs.labels(split, fold)
    return Constant("the sample submission", {}) if labels is None else best_constant(task, labels)


def _on_split(task: Task, inputs: Inputs, split: str, seed: int) -> tuple[Score, str]:
    folds, words = [], []
    for fold in range(len(inputs.plan.folds(split))):
        constant = _of_fold(task, inputs, split, fold)
        folds.append((inputs.answers(split, fold), constant.submission(inputs.sample(split, fold))))
        words.append(constant.what)
    return score(task, folds, seed=seed), " or ".join(dict.fromkeys(words))


def _candidates(task: Task, labels: pd.DataFrame, metric: Metric) -> Iterator[Constant]:
    form = answer_form(task)
    if form == "detection":
        yield from _boxes(task, labels)
    elif form == "text":
        yield from _texts(task, labels)
    elif form == "ranking":
        yield from _rankings(task, labels, metric)
    elif metric.predictions == 2:
        yield from _values_with_spread(task, labels)
    elif form == "label":
        yield from _classes(task, labels) if task.classes else _label_sets(task, labels)
    elif task.classes:
        yield _class_shares(task, labels)
    elif task.problem == "multilabel":
        shares = labels.mean(axis=0).to_numpy(dtype=float)
        yield Constant("each label's base rate", dict(zip(task.prediction, shares, strict=True)))
    else:
        yield from _numbers(task, labels, metric)


def _classes(task: Task, labels: pd.DataFrame) -> Iterator[Constant]:
    """Each of the most frequent classes, the most frequent first."""
    for label in _class_of_rows(task, labels).value_counts().index[:MOST_CLASSES]:
        one = {p: float(label == c) for p, c in zip(task.prediction, task.classes, strict=False)}
        yield Constant(f"always {label!r}", one if len(task.prediction) > 1 else {task.prediction[0]: label})


def _class_shares(task: Task, labels: pd.DataFrame) -> Constant:
    """The share of each class, or of the positive one where that alone is predicted."""
    if len(task.prediction) > 1:
        shares = _class_of_rows(task, labels).value_counts(normalize=True)
        values = {p: float(shares.get(c, 0.0)) for p, c in zip(task.prediction, task.classes, strict=True)}
        return Constant("the class shares", values)
    column = task.prediction[0]
    truth, _ = probabilities(labels, pd.DataFrame({column: np.ones(len(labels))}), task)
    return Constant("the base rate", {column: float(truth.mean())})


def _class_of_rows(task: Task, labels: pd.DataFrame) -> pd.Series:
    """The class of each row, (n,) text, be it in one target column or in one a class."""
    return pd.Series(np.array(task.classes, dtype=object)[true_codes(labels, task)])


def _label_sets(task: Task, labels: pd.DataFrame) -> Iterator[Constant]:
    """Columns of 0 and 1: those that are 1 in some share of the rows. One column of words: the most frequent ones."""
    if len(task.prediction) > 1:
        shares = labels.mean(axis=0).to_numpy(dtype=float)
        for least in _SHARES:
            chosen = (shares >= least).astype(int).tolist()
            yield Constant(
                f"the labels of at least {least:.0%} of the rows",
                dict(zip(task.prediction, chosen, strict=True)),
            )
        yield Constant("all labels", dict.fromkeys(task.prediction, 1))
        return
    column, words = task.prediction[0], tokens(labels[task.target[0]])
    yield Constant("the most frequent label set", {column: _most(" ".join(row) for row in words)[0]})
    ranked = _most(word for row in words for word in set(row))
    for count in range(min(len(ranked), MOST_CLASSES) + 1):
        yield Constant(f"the {count} most frequent labels", {column: " ".join(ranked[:count])})


def _rankings(task: Task, labels: pd.DataFrame, metric: Metric) -> Iterator[Constant]:
    """The most frequent items, as many as the metric looks at; of orders, the one that the sample has."""
    if metric.name == "kendall_order":
        yield Constant("the order of the sample submission", {})
        return
    ranked = _most(word for row in tokens(labels[task.target[0]]) for word in set(row))
    places = metric.name.partition("@")[2]
    for count in (int(places),) if places.isdecimal() else _LENGTHS:
        shown = ranked[:count]
        yield Constant(f"the {len(shown)} most frequent items", {task.prediction[0]: " ".join(shown)})


def _texts(task: Task, labels: pd.DataFrame) -> Iterator[Constant]:
    """The most frequent text, and none."""
    column = task.prediction[0]
    yield Constant("the most frequent text", {column: _most(iter(texts(labels[task.target[0]])))[0]})
    yield Constant("no text in any row", {column: ""})


def _boxes(task: Task, labels: pd.DataFrame) -> Iterator[Constant]:
    """Median boxes in every image, and none in any."""
    for what, text in metrics_detection.constants(task.metric, labels[task.target[0]]):
        yield Constant(what, {task.prediction[0]: text})


def _numbers(task: Task, labels: pd.DataFrame, metric: Metric) -> Iterator[Constant]:
    """Middles of the target, of each of several; one target serves all prediction columns."""
    values = labels.to_numpy(dtype=float)
    if values.shape[1] not in (1, len(task.prediction)):
        return
    for what, middles in _middles(values, metric):
        row = np.broadcast_to(np.clip(middles, metric.low, metric.high), len(task.prediction))
        yield Constant(what, dict(zip(task.prediction, row.tolist(), strict=True)))


def _values_with_spread(task: Task, labels: pd.DataFrame) -> Iterator[Constant]:
    """Middles of the target, each with the mean distance from it, times the square root of 2: a Laplace spread."""
    value, spread = value_and_spread(task)
    target = labels.iloc[:, 0].to_numpy(dtype=float)
    for what, middle in (("the median", np.median(target)), ("the mean", target.mean())):
        width = float(np.sqrt(2) * np.abs(target - middle).mean())
        yield Constant(f"{what} and its spread", {value: float(middle), spread: width})


def _middles(values: np.ndarray, metric: Metric) -> Iterator[tuple[str, np.ndarray]]:
    """Constants of (rows, targets), in words and as (targets,) or, for several quantiles, (quantiles,)."""
    name, _, levels = metric.name.partition("@")
    if name == "pinball":
        quantiles = [float(level) for level in levels.split(",")]
        if len(quantiles) == 1:
            yield f"the {levels} quantile", np.quantile(values, quantiles[0], axis=0)
        else:
            yield f"the {levels} quantiles", np.quantile(values[:, 0], quantiles)
    yield "the mean", values.mean(axis=0)
    yield "the median", np.median(values, axis=0)
    if (values > -1).all():
        yield "the mean of logarithms", np.expm1(np.log1p(values).mean(axis=0))
    sizes = np.maximum(np.abs(values), np.finfo(float).eps)
    yield (
        "the median by relative error",
        np.array([_weighted_median(v, 1 / s) for v, s in zip(values.T, sizes.T, strict=True)]),
    )


def _weighted_median(values: np.ndarray, weights: np.ndarray) -> float:
    order = np.argsort(values, kind="stable")
    half = np.searchsorted(np.cumsum(weights[order]), weights.sum() / 2)
    return float(values[order][min(half, len(values) - 1)])


def _most(words: "Iterator[str]") -> list[str]:
    """Distinct words, the most frequent first, those of one count in the order of the alphabet."""
    counts = Counter(words)
    return sorted(counts, key=lambda word: (-counts[word], word))
