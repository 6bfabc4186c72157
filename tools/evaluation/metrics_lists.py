"""Metrics of lists in one column, words separated by spaces: ranked items, best first, and sets of labels."""

from bisect import bisect
from collections.abc import Callable

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Problem, Task
from gome.tools.evaluation.metric import (
    CLASSES,
    AnswersError,
    GradingError,
    Metric,
    Weighted,
    row_mean,
    weighted_metric,
)
from gome.tools.evaluation.parse import label_codes, numbers, token_lists

_RANKED: tuple[Problem, ...] = ("ranking", "multiclass")
_EVERY = 1_000_000_000


def average_precision_at(relevant: list[str], ranked: list[str], k: int) -> float:
    """Mean of the precision at each hit among the first k, over the hits possible; a repeated item counts once."""
    wanted, seen, hits, total = set(relevant), set[str](), 0, 0.0
    for place, item in enumerate(ranked[:k], start=1):
        if item in wanted and item not in seen:
            hits += 1
            total += hits / place
        seen.add(item)
    return total / min(len(wanted), k) if wanted else 0.0


def ndcg_at(relevant: list[str], ranked: list[str], k: int) -> float:
    """Discounted gain of the hits among the first k, over that of the best list; each relevant item gains 1."""
    wanted, seen, gain = set(relevant), set[str](), 0.0
    for place, item in enumerate(ranked[:k]):
        if item in wanted and item not in seen:
            gain += 1 / np.log2(place + 2)
        seen.add(item)
    best = sum(1 / np.log2(place + 2) for place in range(min(len(wanted), k)))
    return gain / best if wanted else 0.0


def recall_at(relevant: list[str], ranked: list[str], k: int) -> float:
    """Share of the relevant items that are among the first k."""
    wanted = set(relevant)
    return len(wanted & set(ranked[:k])) / len(wanted) if wanted else 0.0


def ranked_metric(name: str, one: Callable[[list[str], list[str], int], float]) -> Callable[[str], Metric]:
    """The family `name@k`: the mean over rows of `one(relevant, ranked, k)`; without k all places count."""

    def build(parameter: str) -> Metric:
        if parameter and not (parameter.isdecimal() and int(parameter) > 0):
            raise GomeError(
                f"metric '{name}@{parameter}': a whole number is needed after '@', as in {name}@5."
            )
        k = int(parameter) if parameter else _EVERY

        def rows(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
            return np.array([one(t, p, k) for t, p in zip(truth, predicted, strict=True)])

        full = f"{name}@{k}" if parameter else name
        return row_mean(full, "maximize", _RANKED, "ranking", token_lists, rows)

    return build


def _label_sets(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Counts a row: (n,) hits, and (n, 2) predicted and true labels; of 0/1 columns or of lists of labels."""
    if len(task.prediction) > 1:
        truth, predicted = numbers(answers, task.target) > 0.5, numbers(submission, task.prediction) > 0.5
        if truth.shape != predicted.shape:
            raise GradingError(f"{predicted.shape[1]} predicted columns for {truth.shape[1]} targets")
        hits = (truth & predicted).sum(axis=1)
        return hits, np.stack([predicted.sum(axis=1), truth.sum(axis=1)], axis=1)
    pairs = [(set(t), set(p)) for t, p in zip(*token_lists(answers, submission, task), strict=True)]
    return np.array([len(t & p) for t, p in pairs]), np.array([[len(p), len(t)] for t, p in pairs])


def _counts(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """As `_label_sets`; with one label a row, hits are 0 or 1."""
    if task.problem == "multilabel":
        return _label_sets(answers, submission, task)
    truth, predicted = label_codes(answers, submission, task)
    return (truth == predicted).astype(int), np.ones((len(truth), 2), dtype=int)


def _micro(hits: np.ndarray, sizes: np.ndarray) -> float:
    return float(_f1(hits.sum(), sizes.sum()))


def _micro_weighted(hits: np.ndarray, sizes: np.ndarray) -> Weighted:
    def evaluate(weights: np.ndarray) -> np.ndarray:
        return _f1(weights @ hits, weights @ sizes.sum(axis=1))

    return evaluate


def _samples(hits: np.ndarray, sizes: np.ndarray) -> np.ndarray:
    return _f1(hits, sizes.sum(axis=1))


def _f1(hits: np.ndarray, both_sizes: np.ndarray) -> np.ndarray:
    """F1 of hits and the summed sizes of both sets; 1 where neither has a label."""
    return np.where(both_sizes > 0, 2 * hits / np.maximum(both_sizes, 1e-300), 1.0)


def inversions(places: list[int]) -> int:
    """Pairs in the wrong order, counted while each item is put in its place among those before it."""
    ordered: list[int] = []
    count = 0
    for place in places:
        at = bisect(ordered, place)
        count += len(ordered) - at
        ordered.insert(at, place)
    return count


def _orders(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Pairs of items that each row has, (n,), and those of them that are in the wrong order, (n,)."""
    pairs, wrong = [], []
    for truth, predicted in zip(*token_lists(answers, submission, task), strict=True):
        place = {item: i for i, item in enumerate(truth)}
        if len(place) < len(truth):
            raise AnswersError(f"{task.target[0]}: {' '.join(truth)[:60]!r} names an item twice")
        if len(predicted) != len(truth) or set(predicted) != place.keys():
            raise GradingError(
                f"{task.prediction[0]}: {' '.join(predicted)[:60]!r} is no order of the {len(truth)} items of its row; "
                "name each of them once"
            )
        pairs.append(len(truth) * (len(truth) - 1) / 2)
        wrong.append(inversions([place[item] for item in predicted]))
    return np.array(pairs), np.array(wrong, dtype=float)


def _order_agreement(pairs: np.ndarray, wrong: np.ndarray) -> Weighted:
    """Kendall's tau over all pairs of all rows: 1 - 4 * inversions / sum of n (n - 1)."""

    def evaluate(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return 1 - 2 * (weights @ wrong) / (weights @ pairs)

    return evaluate


METRICS = (
    weighted_metric("kendall_order", "maximize", ("ranking",), "ranking", _orders, _order_agreement,
                    "no row has two items", cell="all items of the row in order, first to last, separated by spaces"),
    Metric("f1_micro", "maximize", (*CLASSES, "multilabel"), "label", _counts, _micro, _micro_weighted),
    row_mean("f1_samples", "maximize", ("multilabel",), "label", _label_sets, _samples),
)  # fmt: skip
