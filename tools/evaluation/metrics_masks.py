"""Masks as run lengths: a row is an image, its text "start length start length ...".

Which way pixels are numbered does not matter, as long as answers and submission do it alike."""

import numpy as np
import pandas as pd

from gome.state.task import Problem, Task
from gome.tools.evaluation.metric import (
    AnswersError,
    GradingError,
    Metric,
    Weighted,
    row_mean,
    weighted_metric,
)
from gome.tools.evaluation.overlaps import overlaps_of
from gome.tools.evaluation.parse import texts

_MASKS: tuple[Problem, ...] = ("text",)
_EMPTY = ("", "-", "-1")


def runs(text: str) -> np.ndarray:
    """The runs of a mask, (runs, 2) as start and end, sorted, without overlap. ValueError: no list of run lengths."""
    if text.strip() in _EMPTY:
        return np.zeros((0, 2), dtype=np.int64)
    pairs = np.array(text.split(), dtype=np.int64).reshape(-1, 2)
    if (pairs[:, 0] < 0).any() or (pairs[:, 1] <= 0).any():
        raise ValueError("a start below 0 or a length below 1")
    start, length = pairs[np.argsort(pairs[:, 0], kind="stable")].T
    end = np.maximum.accumulate(start + length)
    first = np.r_[True, start[1:] > end[:-1]]
    return np.stack([start[first], end[np.r_[first[1:], True]]], axis=1)


def mask_fault(text: str) -> str | None:
    """What is wrong with the text of a mask, or of several with ';' between them."""
    try:
        for part in text.split(";"):
            runs(part)
    except (ValueError, OverflowError):
        return f"{text[:60]!r} is no list of 'start length start length ...'"
    return None


def common(a: np.ndarray, b: np.ndarray) -> int:
    """Pixels in both of two masks, given as `runs` gives them."""
    if not len(a) or not len(b):
        return 0
    before = np.r_[0, np.cumsum(b[:, 1] - b[:, 0])]

    def covered(place: np.ndarray) -> np.ndarray:  # pixels of b before a place
        at = np.searchsorted(b[:, 0], place, side="left")
        last = np.maximum(at - 1, 0)
        return before[last] + np.where(at > 0, np.minimum(place, b[last, 1]) - b[last, 0], 0)

    return int((covered(a[:, 1]) - covered(a[:, 0])).sum())


def size(mask: np.ndarray) -> int:
    """Pixels of a mask."""
    return int((mask[:, 1] - mask[:, 0]).sum())


def _read(column: pd.Series, fault: type[GradingError]) -> list[list[np.ndarray]]:
    """The masks of each row that are not empty."""
    rows = []
    for text in texts(column):
        if wrong := mask_fault(text):
            raise fault(f"{column.name}: {wrong}")
        rows.append([mask for part in text.split(";") if len(mask := runs(part))])
    return rows


def _pairs(
    answers: pd.DataFrame, submission: pd.DataFrame, task: Task
) -> list[tuple[list[np.ndarray], list[np.ndarray]]]:
    truth = _read(answers[task.target[0]], AnswersError)
    return list(zip(truth, _read(submission[task.prediction[0]], GradingError), strict=True))


def _overlaps(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Pixels of each row: true (n,), and (n, 2) predicted and common."""
    counts = []
    for masks in _pairs(answers, submission, task):
        a, b = (runs(" ".join(f"{s} {e - s}" for mask in side for s, e in mask)) for side in masks)
        counts.append((size(a), size(b), common(a, b)))
    table = np.array(counts, dtype=float).reshape(-1, 3)
    return table[:, 0], table[:, 1:]


def _dice(truth: np.ndarray, found: np.ndarray) -> np.ndarray:
    """Dice 1945: twice the common pixels over those of both; 1 where both are empty."""
    both = truth + found[:, 0]
    return np.where(both > 0, 2 * found[:, 1] / np.maximum(both, 1), 1.0)


def _dice_of_all(truth: np.ndarray, found: np.ndarray) -> Weighted:
    def evaluate(weights: np.ndarray) -> np.ndarray:
        with np.errstate(invalid="ignore", divide="ignore"):
            return 2 * (weights @ found[:, 1]) / (weights @ (truth + found[:, 0]))

    return evaluate


def mask_precision(parameter: str) -> Metric:
    """Precision of found masks, true / (true + false + missed), as a mean over images and over the least overlaps.

    "0.5-0.95": overlaps (intersection over union) from 0.5 to 0.95 in steps of 0.05; "0.5": that one. A found mask is
    true where it overlaps a true one that no other has taken by more than that; several masks of an image have ';'
    between them. An image without masks on either side counts as 1.
    """
    overlaps = overlaps_of("mask_ap", parameter, most=0.999)

    def parse(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
        values = [_precision(truth, found, overlaps) for truth, found in _pairs(answers, submission, task)]
        return np.zeros(len(values)), np.array(values)

    return row_mean(f"mask_ap@{parameter}", "maximize", _MASKS, "text", parse, lambda _, values: values,
                    cell_fault=mask_fault)  # fmt: skip


def _precision(truth: list[np.ndarray], found: list[np.ndarray], overlaps: np.ndarray) -> float:
    if not truth and not found:
        return 1.0
    shared = np.array([[common(t, f) for f in found] for t in truth], dtype=float).reshape(
        len(truth), len(found)
    )
    sizes = np.array([size(t) for t in truth])[:, None] + np.array([size(f) for f in found])[None]
    matched = _matches(shared / np.maximum(sizes - shared, 1))
    hits = np.array([(matched > overlap + 1e-12).sum() for overlap in overlaps])
    return float((hits / (len(truth) + len(found) - hits)).mean())


def _matches(overlap: np.ndarray) -> np.ndarray:
    """The overlaps of the pairs that are matched, each mask once, the largest overlap first."""
    left, taken = overlap.copy(), []
    while left.size and left.max() > 0:
        row, column = np.unravel_index(left.argmax(), left.shape)
        taken.append(left[row, column])
        left[row], left[:, column] = 0, 0
    return np.array(taken)


METRICS = (
    row_mean("dice", "maximize", _MASKS, "text", _overlaps, _dice, cell_fault=mask_fault),
    weighted_metric("dice_global", "maximize", _MASKS, "text", _overlaps, _dice_of_all, 
                    "there is no pixel on either side",                    cell_fault=mask_fault),
)  # fmt: skip
