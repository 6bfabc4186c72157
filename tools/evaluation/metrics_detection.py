"""Boxes found in images: average precision at one overlap. A row is an image; boxes of one class, in its own text."""

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.evaluation.metric import AnswersError, GradingError, Metric
from gome.tools.evaluation.parse import tokens


def box_precision(parameter: str) -> Metric:
    """Average precision where a found box hits at an intersection over union of at least `parameter`.

    Answers are "x y w h x y w h ...", submissions "x y w h score x y w h score ..."; empty text is no box. In each
    image the surest box first takes the unmatched true box that it overlaps most.
    """
    try:
        overlap = float(parameter)
    except ValueError:
        overlap = 0.0
    if not 0 < overlap <= 1:
        raise GomeError(
            f"metric 'box_ap@{parameter}': an overlap up to 1 is needed after '@', as in box_ap@0.5."
        )

    def parse(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
        truth = _boxes(answers[task.target[0]], 4)
        found = _boxes(submission[task.prediction[0]], 5)
        hits = (
            _hits(t, f[np.argsort(-f[:, 4], kind="stable")], overlap)
            for t, f in zip(truth, found, strict=True)
        )
        return np.array([len(t) for t in truth]), np.fromiter(hits, dtype=object, count=len(truth))

    return Metric(f"box_ap@{parameter}", "maximize", ("detection",), "detection", parse, _average_precision)


def _boxes(column: pd.Series, fields: int) -> list[np.ndarray]:
    """An array (boxes, fields) for each row."""
    found = []
    for words in tokens(column):
        try:
            found.append(np.array(words, dtype=float).reshape(-1, fields))
        except ValueError as error:
            shape, fault = ("x y w h", AnswersError) if fields == 4 else ("x y w h score", GradingError)
            raise fault(f"{column.name}: {' '.join(words)[:60]!r} is no list of '{shape}'") from error
    return found


def _hits(truth: np.ndarray, found: np.ndarray, overlap: float) -> np.ndarray:
    """(score, 1 if it hits) of each found box, (boxes, 2)."""
    shared = _intersection_over_union(found, truth)
    hit = np.zeros(len(found))
    for i in range(len(found)):
        if len(truth) and shared[i].max() >= overlap:
            hit[i] = 1
            shared[:, shared[i].argmax()] = -1
    return np.stack([found[:, 4], hit], axis=1)


def _intersection_over_union(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(len(a), len(b)) for boxes given as x, y, width, height."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum((a[:, :2] + a[:, 2:4])[:, None], (b[:, :2] + b[:, 2:4])[None])
    common = np.clip(high - low, 0, None).prod(axis=2)
    union = a[:, None, 2:4].prod(axis=2) + b[None, :, 2:4].prod(axis=2) - common
    return common / np.where(union > 0, union, 1)


def _average_precision(true_boxes: np.ndarray, found: np.ndarray) -> float:
    """Area under precision by recall over all images; precision made to fall, as in the Pascal VOC of 2010."""
    if not true_boxes.sum():
        raise AnswersError("box_ap is not defined: the answers have no box")
    boxes = np.concatenate(list(found))
    order = np.argsort(-boxes[:, 0], kind="stable")
    score, hit = boxes[order].T
    ends = np.flatnonzero(
        np.r_[score[1:] != score[:-1], np.ones(min(1, len(score)), dtype=bool)]
    )  # of tied scores
    hits = np.cumsum(hit)[ends]
    best_from_here = np.maximum.accumulate((hits / (ends + 1))[::-1])[::-1]
    return float((np.diff(hits, prepend=0) * best_from_here).sum() / true_boxes.sum())
