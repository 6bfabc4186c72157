"""Boxes found in images: average precision. A row is an image; its boxes are one text, one after the other."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

import numpy as np
import pandas as pd

from gome.state.task import Task
from gome.tools.evaluation.metric import AnswersError, GradingError, Metric
from gome.tools.evaluation.overlaps import overlaps_of
from gome.tools.evaluation.parse import tokens


@dataclass(frozen=True)
class Layout:
    """What stands for a box, in this order. `score` is how sure a program is of it."""

    fields: tuple[str, ...]

    @property
    def unscored(self) -> "Layout":
        """The same without the score: a label in a train table."""
        return Layout(tuple(field for field in self.fields if field != "score"))

    def read(self, words: list[str]) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """(classes, scores, places) of the boxes of an image: (boxes,) text, (boxes,), and (boxes, 4) as x, y of two
        corners. ValueError: it is no list of such boxes."""
        cells = np.array(words, dtype=object).reshape(-1, len(self.fields))
        column = {field: cells[:, i] for i, field in enumerate(self.fields)}
        numbers = {name: column[name].astype(float) for name in self.fields if name != "class"}
        if not all(np.isfinite(values).all() for values in numbers.values()):
            raise ValueError("a number that is not finite")
        x, y = numbers.get("x", numbers.get("x_min")), numbers.get("y", numbers.get("y_min"))
        assert x is not None
        assert y is not None
        far = (x + numbers["w"], y + numbers["h"]) if "w" in numbers else (numbers["x_max"], numbers["y_max"])
        one = np.full(len(cells), "", dtype=object)
        return column.get("class", one), numbers.get("score", np.ones(len(cells))), np.stack([x, y, *far], 1)

    def fault(self, text: str) -> str | None:
        """What is wrong with a text of boxes, in words."""
        try:
            self.read(text.split())
        except ValueError:
            return f"{text[:60]!r} is no list of '{' '.join(self.fields)}'"
        return None


_ONE_CLASS = Layout(("x", "y", "w", "h", "score"))
_CLASSES = Layout(("class", "score", "x_min", "y_min", "x_max", "y_max"))
Boxes = list[tuple[np.ndarray, np.ndarray, np.ndarray]]


def box_precision(parameter: str) -> Metric:
    """Average precision of boxes of one class, "x y w h score x y w h score ..."; empty text is no box.

    A found box hits at an intersection over union of at least `parameter`; "0.5-0.95" is the mean over overlaps from 0.5
    to 0.95 in steps of 0.05. In each image the surest box first takes the unmatched true box that it overlaps most.
    """
    return _average_precision_of("box_ap", parameter, _ONE_CLASS)


def box_mean_precision(parameter: str) -> Metric:
    """As `box_precision` for boxes of several classes, "class score x_min y_min x_max y_max ...", as the mean over the
    classes that the answers have. What a class is called is text without blanks."""
    return _average_precision_of("box_map", parameter, _CLASSES)


def _average_precision_of(name: str, parameter: str, layout: Layout) -> Metric:
    overlaps = overlaps_of(name, parameter, most=1.0)

    def parse(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
        labels = layout.unscored if task.train else layout  # an adapter's answers are in a submission's form
        truth = _read(answers[task.target[0]], labels, AnswersError)
        found = _read(submission[task.prediction[0]], layout, GradingError)
        classes = sorted({c for image, _, _ in truth for c in image})
        counts = np.array([[(image == c).sum() for c in classes] for image, _, _ in truth])
        hits = (_hits(t, f, classes, overlaps) for t, f in zip(truth, found, strict=True))
        return counts.reshape(len(truth), -1), np.fromiter(hits, dtype=object, count=len(truth))

    cell = f"boxes as `{' '.join(layout.fields)}`, one after the other, separated by spaces"
    return Metric(f"{name}@{parameter}", "maximize", ("detection",), "detection", parse,
                  partial(_mean_average_precision, name), cell_fault=layout.fault, cell=cell)  # fmt: skip


def _read(column: pd.Series, layout: Layout, fault: Callable[[str], GradingError]) -> Boxes:
    images = []
    for words in tokens(column):
        try:
            images.append(layout.read(words))
        except ValueError as error:
            raise fault(f"{column.name}: {layout.fault(' '.join(words))}") from error
    return images


def _hits(truth: tuple, found: tuple, classes: list[str], overlaps: np.ndarray) -> np.ndarray:
    """Of each found box of these classes: its class as a position, its score, and 1 for each overlap at which it hits,
    (boxes, 2 + overlaps)."""
    lines = [np.zeros((0, 2 + len(overlaps)))]
    for code, name in enumerate(classes):
        scores, mine = found[1][found[0] == name], found[2][found[0] == name]
        order = np.argsort(-scores, kind="stable")
        shared = _intersection_over_union(mine[order], truth[2][truth[0] == name])
        hit = [_matched(shared.copy(), overlap) for overlap in overlaps]
        lines.append(np.stack([np.full(len(order), float(code)), scores[order], *hit], axis=1))
    return np.concatenate(lines)


def _matched(shared: np.ndarray, overlap: float) -> np.ndarray:
    """1 for each found box (line of `shared`, the surest first) that takes a true one, (found,)."""
    hit = np.zeros(len(shared))
    for i, line in enumerate(shared):
        if len(line) and line.max() >= overlap - 1e-12:
            hit[i] = 1
            shared[:, line.argmax()] = -1
    return hit


def _intersection_over_union(a: np.ndarray, b: np.ndarray) -> np.ndarray:
    """(len(a), len(b)) for boxes given by two corners."""
    low = np.maximum(a[:, None, :2], b[None, :, :2])
    high = np.minimum(a[:, None, 2:], b[None, :, 2:])
    common = np.clip(high - low, 0, None).prod(axis=2)
    union = (a[:, 2:] - a[:, :2]).prod(axis=1)[:, None] + (b[:, 2:] - b[:, :2]).prod(axis=1)[None] - common
    return common / np.where(union > 0, union, 1)


def _mean_average_precision(name: str, true_boxes: np.ndarray, found: np.ndarray) -> float:
    """Mean over classes and overlaps; `true_boxes` are counts, (images, classes), `found` as `_hits` gives it."""
    total = true_boxes.sum(axis=0)
    if not total.sum():
        raise AnswersError(f"{name} is not defined: the answers have no box")
    boxes = np.concatenate(list(found))
    boxes = boxes[np.argsort(-boxes[:, 1], kind="stable")]
    areas = [_area(boxes[boxes[:, 0] == code, 1:], total[code]) for code in np.flatnonzero(total)]
    return float(np.mean(areas))


def _area(boxes: np.ndarray, total: int) -> float:
    """Area under precision by recall of one class, boxes sorted by score; precision made to fall, as in the Pascal VOC
    of 2010; the mean over overlaps."""
    score, hit = boxes[:, 0], boxes[:, 1:]
    ends = np.flatnonzero(np.r_[score[1:] != score[:-1], np.ones(min(1, len(score)), bool)])  # of tied scores
    hits = np.cumsum(hit, axis=0)[ends]
    best_from_here = np.maximum.accumulate((hits / (ends + 1)[:, None])[::-1], axis=0)[::-1]
    return float(((np.diff(hits, axis=0, prepend=0) * best_from_here).sum(axis=0) / total).mean())


def constants(metric: str, labels: pd.Series) -> Iterator[tuple[str, str]]:
    """Predictions that are the same for every image, in words and as text: median boxes of what train has, and none.
    Only the latter, where labels are no boxes."""
    layout = _CLASSES if metric.startswith("box_map") else _ONE_CLASS
    try:
        images = _read(labels, layout.unscored, AnswersError)
    except AnswersError:
        return
    names = np.concatenate([image[0] for image in images]) if images else np.array([])
    places = np.concatenate([image[2] for image in images]) if images else np.zeros((0, 4))
    frequent = pd.Series(names, dtype=object).value_counts().index
    boxes = [_median_box(layout, name, places[names == name]) for name in frequent]
    if boxes:
        yield "the median box in every image", boxes[0]
    if len(boxes) > 1:
        yield "the median box of each class in every image", " ".join(boxes)
    yield "no box in any image", ""


def _median_box(layout: Layout, name: str, places: np.ndarray) -> str:
    x, y, far_x, far_y = np.median(places, axis=0)
    if layout is _ONE_CLASS:
        width, height = np.median(places[:, 2:] - places[:, :2], axis=0)
        return " ".join(f"{side:.6g}" for side in (x, y, width, height)) + " 1"
    return f"{name} 1 " + " ".join(f"{side:.6g}" for side in (x, y, far_x, far_y))
