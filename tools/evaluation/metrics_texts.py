"""Metrics of free text: a row is a text, told by one that a program writes."""

from collections.abc import Callable

import numpy as np
import pandas as pd

from gome.state.task import Direction, Task
from gome.tools.evaluation.metric import Metric, row_mean
from gome.tools.evaluation.parse import texts


def edit_distance(truth: str, predicted: str) -> int:
    """Insertions, deletions and replacements of single characters between two texts (Levenshtein 1966).

    By the bits of whole columns at once (Myers 1999, as put by Hyyrö 2003): two texts of some hundred characters take a
    tenth of a millisecond, so that no further package is needed.
    """
    if not truth or not predicted:
        return len(truth) + len(predicted)
    places: dict[str, int] = {}
    for i, letter in enumerate(truth):
        places[letter] = places.get(letter, 0) | 1 << i
    mask, last = (1 << len(truth)) - 1, 1 << len(truth) - 1
    more, less, distance = mask, 0, len(truth)  # bits: the distance rises, falls from one row to the next
    for letter in predicted:
        same = places.get(letter, 0)
        diagonal = (((same & more) + more) ^ more) | same | less
        right_more, right_less = less | ~(diagonal | more) & mask, more & diagonal
        distance += bool(right_more & last) - bool(right_less & last)
        right_more = (right_more << 1 | 1) & mask
        right_less = right_less << 1 & mask
        more, less = right_less | ~(diagonal | right_more) & mask, right_more & diagonal
    return distance


def word_jaccard(truth: str, predicted: str) -> float:
    """Words in both over words in either, case aside; 1 where neither has a word."""
    a, b = set(truth.lower().split()), set(predicted.lower().split())
    return len(a & b) / len(a | b) if a | b else 1.0


def _same(truth: str, predicted: str) -> float:
    return float(truth == predicted)


def _mean_of(name: str, direction: Direction, one: Callable[[str, str], float]) -> Metric:
    def parse(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
        pairs = zip(texts(answers[task.target[0]]), texts(submission[task.prediction[0]]), strict=True)
        values = np.array([one(t, p) for t, p in pairs], dtype=float)
        return np.zeros(len(values)), values

    return row_mean(name, direction, ("text",), "text", parse, lambda _, values: values)


METRICS = (
    _mean_of("levenshtein", "minimize", edit_distance),
    _mean_of("word_jaccard", "maximize", word_jaccard),
    _mean_of("text_accuracy", "maximize", _same),
)
