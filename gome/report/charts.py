"""What the report's charts are made of; the template draws what is placed here. Pixels, origin at the top left."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import cast

from gome.formatting import score_text
from gome.report.axes import Scale
from gome.state.step import StepRecord

TONES = 8
"""Colours that the style sheet has for traces; further traces begin again."""
WIDE, NARROW = (920, 380), (390, 340)
MARKS = 600
"""About as many as a chart can show."""
TOP, BELOW = 14, 44


@dataclass
class Mark:
    """One step, or the ensemble. `kind`: accepted, rejected, failed or ensemble; `off`: on which side its value
    lies outside the chart (up, down, left, right), '' if inside."""

    x: float
    y: float
    kind: str
    tone: int
    title: str
    bars: list[tuple[float, float, float, float]] = field(default_factory=list)
    off: str = ""


@dataclass
class Chart:
    """A chart ready to draw: ticks are (pixel, text), lines (class, tone, points), labels (x, y, class, tone, text)."""

    width: int
    height: int
    left: float
    right: float
    top: float
    bottom: float
    x_ticks: list[tuple[float, str]]
    y_ticks: list[tuple[float, str]]
    title: str = ""
    description: str = ""
    x_name: str = ""
    y_name: str = ""
    strip: float | None = None
    lines: list[tuple[str, int, str]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)
    labels: list[tuple[float, float, str, int, str]] = field(default_factory=list)


def framed(
    size: tuple[int, int],
    x: Scale,
    y: Scale,
    x_texts: list[tuple[float, str]],
    y_texts: list[tuple[float, str]],
) -> Chart:
    """An empty chart around two scales, its ticks placed."""
    x_ticks, y_ticks = [(x(t), text) for t, text in x_texts], [(y(t), text) for t, text in y_texts]
    return Chart(*size, x.start, x.end, y.end, y.start, x_ticks, y_ticks)


def drawn_steps(records: Sequence[StepRecord], sign: int) -> list[StepRecord]:
    """The steps that the charts draw: all, or of a long run those that were the best so far and of the others each so
    many-th. `records` are ordered by step."""
    every = math.ceil(len(records) / MARKS)
    best, drawn = -math.inf, []
    for i, record in enumerate(records):
        new_best = record.accepted and record.value is not None and sign * record.value > best
        if new_best:
            best = sign * cast(float, record.value)
        if new_best or i % every == 0 or record is records[-1]:
            drawn.append(record)
    return drawn


def without_far(values: list[float]) -> list[float]:
    """The values without those far beyond most, which would flatten the others; they are drawn at the edge."""
    limit = 6 * statistics.median(abs(v) for v in values)
    return [v for v in values if abs(v) <= limit] if limit and len(values) > 3 else values


def mark_kind(record: StepRecord) -> str:
    """How a step is drawn: accepted, rejected (those that a race stopped too), or failed (void ones too)."""
    return record.verdict if counts(record) or record.race else "failed"


def mark_title(record: StepRecord) -> str:
    """What a step's mark says when it is pointed at."""
    said = record.reason if not counts(record) else score_text(value_of(record), error_of(record))
    return f"{record.id} {record.verdict}: {said}"


def counts(record: StepRecord) -> bool:
    """Whether the step has a score that stands: neither failed nor voided for leakage."""
    return record.counts and record.verdict in ("accepted", "rejected")


def value_of(record: StepRecord) -> float:
    return cast(float, record.value)


def error_of(record: StepRecord) -> float:
    return record.score["stderr"] if record.score else 0.0
