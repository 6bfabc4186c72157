"""The geometry of the report's two charts; the template draws what is placed here. Pixels, origin at the top left."""

import math
import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import cast

from gome.formatting import gain_text, is_number, score_text
from gome.report.axes import Scale, left_margin, nice_ticks, padded, tick_texts, whole_ticks
from gome.state.step import StepRecord

TONES = 8
"""Colours that the style sheet has for traces; further traces begin again."""
WIDE, NARROW = (920, 380), (390, 340)
MARKS = 600
"""About as many as a chart can show."""
_TOP, _BELOW = 14, 44
_STRIP = 24
_LABEL_HEIGHT, _LABEL_GAP = 15, 12
_LABELS = 140
"""Room at the right for a score and whose it is."""


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


def score_curve(
    records: Sequence[StepRecord],
    *,
    metric: str,
    sign: int,
    size: tuple[int, int],
    ensemble: float | None = None,
) -> Chart | None:
    """Score against step for every trace, with standard errors; None if no step is done yet.

    `ensemble` is the search score of the ensemble that was handed over, if one was.
    """
    if not records:
        return None
    low, high = _score_range(records, sign, [] if ensemble is None else [ensemble])
    broad, steps = size[0] > 600, max(r.step for r in records)
    right = size[0] - _LABELS
    strip = _STRIP if any(not _counts(r) for r in records) else 0
    y = Scale(low, high, size[1] - _BELOW - strip, _TOP)
    y_ticks = nice_ticks(low, high, 6)
    x = Scale(-0.45, steps + 0.45, left_margin(y_ticks), right)
    x_texts = [(t, f"{t:.0f}") for t in whole_ticks(steps, 14 if broad else 6)]
    chart = _framed(size, x, y, x_texts, tick_texts(y_ticks))
    chart.title, chart.description = f"{metric} by step", _curve_description(records, metric, sign)
    chart.x_name, chart.y_name = "step", f"{metric}, {'higher' if sign > 0 else 'lower'} is better"
    chart.strip = chart.bottom + strip / 2 + 4 if strip else None
    _place_steps(chart, records, x, y)
    _place_best(chart, records, sign, y)
    if ensemble is not None:
        said = score_text(ensemble)
        chart.marks.append(Mark(right, y(ensemble), "ensemble", 0, f"ensemble: {said}"))
        chart.labels.append((right + _LABEL_GAP, y(ensemble), "strong", 0, f"{said} ensemble"))
    _spread(chart.labels, chart.top, chart.bottom)
    return chart


def _framed(
    size: tuple[int, int],
    x: Scale,
    y: Scale,
    x_texts: list[tuple[float, str]],
    y_texts: list[tuple[float, str]],
) -> Chart:
    """An empty chart around two scales, its ticks placed."""
    x_ticks, y_ticks = [(x(t), text) for t, text in x_texts], [(y(t), text) for t, text in y_texts]
    return Chart(*size, x.start, x.end, y.end, y.start, x_ticks, y_ticks)


def gain_scatter(records: Sequence[StepRecord], *, metric: str, size: tuple[int, int]) -> Chart | None:
    """Realised against predicted gain, with standard errors; None if no step has both."""
    rows = predictions(records)
    if not rows:
        return None
    ends = [v for r in rows for v in (_gain(r) - _gain_error(r), _gain(r) + _gain_error(r))]
    x_low, x_high = padded([0.0, *_without_far([_predicted(r) for r in rows])])
    y_low, y_high = padded([0.0, *_without_far(ends)])
    x_ticks, y_ticks = nice_ticks(x_low, x_high, 6 if size[0] > 600 else 4), nice_ticks(y_low, y_high, 6)
    x = Scale(x_low, x_high, left_margin(y_ticks), size[0] - 16)
    y = Scale(y_low, y_high, size[1] - _BELOW, _TOP)
    chart = _framed(size, x, y, tick_texts(x_ticks), tick_texts(y_ticks))
    chart.title, chart.x_name, chart.y_name = "Predicted and realised gain", "predicted gain", "realised gain"
    chart.description = f"{len(rows)} steps: gain in {metric}, as predicted and as measured"
    chart.lines.append(("zero", 0, f"{x.start},{y(0)} {x.end},{y(0)}"))
    chart.lines.append(("zero", 0, f"{x(0)},{y.end} {x(0)},{y.start}"))
    low, high = max(x_low, y_low), min(x_high, y_high)
    chart.lines.append(("ideal", 0, f"{x(low)},{y(low)} {x(high)},{y(high)}"))
    chart.marks = [_gain_mark(record, x, y) for record in rows]
    return chart


def _gain_mark(record: StepRecord, x: Scale, y: Scale) -> Mark:
    predicted, gain, error = _predicted(record), _gain(record), _gain_error(record)
    title = f"{record.id}: predicted {gain_text(predicted)}, realised {gain_text(gain, error)}"
    mark = Mark(x(predicted), y(gain), mark_kind(record), record.trace % TONES, title)
    if not y.inside(gain):
        mark.off = "up" if gain > y.high else "down"
    elif not x.inside(predicted):
        mark.off = "right" if predicted > x.high else "left"
    else:
        mark.bars.append((mark.x, y(gain - error), mark.x, y(gain + error)))
    return mark


def _without_far(values: list[float]) -> list[float]:
    """The values without those far beyond most, which would flatten the others; they are drawn at the edge."""
    limit = 6 * statistics.median(abs(v) for v in values)
    return [v for v in values if abs(v) <= limit] if limit and len(values) > 3 else values


def predictions(records: Iterable[StepRecord]) -> list[StepRecord]:
    """The steps that predicted a gain and had it measured, those voided for leakage left out."""
    return [
        r
        for r in records
        if _counts(r)
        and r.comparison
        and is_number(r.hypothesis.get("predicted_gain"))
        and any(r.hypothesis.get(f"predicted_{k}") for k in ("gain", "low", "high"))
    ]


def mark_kind(record: StepRecord) -> str:
    """How a step is drawn: accepted, rejected (those that a race stopped too), or failed (void ones too)."""
    return record.verdict if _counts(record) or record.race else "failed"


def mark_title(record: StepRecord) -> str:
    """What a step's mark says when it is pointed at."""
    said = record.reason if not _counts(record) else score_text(_value(record), _error(record))
    return f"{record.id} {record.verdict}: {said}"


def _counts(record: StepRecord) -> bool:
    """Whether the step has a score that stands: neither failed nor voided for leakage."""
    return record.counts and record.verdict in ("accepted", "rejected")


def _value(record: StepRecord) -> float:
    return cast(float, record.value)


def _error(record: StepRecord) -> float:
    return record.score["stderr"] if record.score else 0.0


def _predicted(record: StepRecord) -> float:
    return float(record.hypothesis["predicted_gain"])


def _gain(record: StepRecord) -> float:
    return record.gain or 0.0


def _gain_error(record: StepRecord) -> float:
    return record.comparison["stderr"] if record.comparison else 0.0


def _score_range(records: Sequence[StepRecord], sign: int, also: list[float]) -> tuple[float, float]:
    """The range of the accepted scores and of the rejected ones that are near: neither one wreck nor a first draft far
    from the rest may flatten it; what lies outside is drawn at the edge."""
    rows = [r for r in records if _counts(r)]
    if not rows:
        return 0.0, 1.0
    kept = [r for r in rows if r.verdict == "accepted"] or rows
    best = max((_value(r) for r in kept), key=lambda v: sign * v)
    close = set(_without_far([_value(r) - best for r in kept]))
    ends = [
        v for r in kept if _value(r) - best in close for v in (_value(r) - _error(r), _value(r) + _error(r))
    ]
    low, high = min(ends), max(ends)
    margin = 0.6 * (high - low)
    near = [_value(r) for r in rows if low - margin <= _value(r) <= high + margin]
    return padded([*ends, *near, *also])


def _place_steps(chart: Chart, records: Sequence[StepRecord], x: Scale, y: Scale) -> None:
    traces = sorted({r.trace for r in records})
    dodge = min(0.14, 0.6 / len(traces))
    paths: dict[int, list[str]] = {}
    ends: dict[int, tuple[Mark, str]] = {}
    for record in records:
        trace = record.trace
        at = x(record.step + (traces.index(trace) - (len(traces) - 1) / 2) * dodge)
        mark = _step_mark(record, at, y, chart.strip)
        chart.marks.append(mark)
        if mark.kind == "accepted":
            paths.setdefault(trace, []).append(f"{at},{mark.y}")
            ends[trace] = mark, score_text(record.value)
    for trace, points in paths.items():
        tone, (mark, value) = trace % TONES, ends[trace]
        chart.lines.append(("path", tone, " ".join(points)))
        if len(traces) <= TONES:
            chart.lines.append(("lead", tone, f"{mark.x},{mark.y} {chart.right},{mark.y}"))
            text = f"{value} trace {trace}" if len(traces) > 1 else value
            chart.labels.append((chart.right + _LABEL_GAP, mark.y, "direct", tone, text))


def _step_mark(record: StepRecord, at: float, y: Scale, strip: float | None) -> Mark:
    kind, tone, title = mark_kind(record), record.trace % TONES, mark_title(record)
    if not _counts(record):
        return Mark(at, strip or 0.0, kind, tone, title)
    value, error = _value(record), _error(record)
    mark = Mark(at, y(value), kind, tone, title)
    if not y.inside(value):
        mark.off = "up" if value > y.high else "down"
    elif error:
        mark.bars.append((at, y(value - error), at, y(value + error)))
    return mark


def _place_best(chart: Chart, records: Sequence[StepRecord], sign: int, y: Scale) -> None:
    """The staircase of the best accepted score of all traces."""
    best: float | None = None
    points: list[str] = []
    marked = sorted(zip(records, chart.marks, strict=True), key=lambda pair: (pair[1].x, pair[0].trace))
    for record, mark in marked:
        if mark.kind != "accepted" or (best is not None and sign * _value(record) <= sign * best):
            continue
        points += [f"{mark.x},{y(best)}"] if best is not None else []
        points.append(f"{mark.x},{mark.y}")
        best = _value(record)
    if best is not None:
        points.append(f"{chart.right},{y(best)}")
        chart.lines.insert(0, ("best", 0, " ".join(points)))


def _spread(labels: list[tuple[float, float, str, int, str]], top: float, bottom: float) -> None:
    """Move labels at the right edge apart so that none covers another."""
    labels.sort(key=lambda label: label[1])
    ys: list[float] = []
    for _, y, *_ in labels:
        ys.append(max(y, ys[-1] + _LABEL_HEIGHT) if ys else max(y, top + 4))
    over = (ys[-1] - bottom) if ys else 0.0
    for i in range(len(ys) - 1, -1, -1):
        limit = ys[i + 1] - _LABEL_HEIGHT if i + 1 < len(ys) else bottom
        ys[i] = min(ys[i], limit) if over > 0 else ys[i]
    labels[:] = [(x, round(ys[i], 1), kind, tone, text) for i, (x, _, kind, tone, text) in enumerate(labels)]


def _curve_description(records: Sequence[StepRecord], metric: str, sign: int) -> str:
    values = [_value(r) for r in records if mark_kind(r) == "accepted"]
    said = f"{len(records)} steps of {len({r.trace for r in records})} traces"
    if not values:
        return f"{said}; none accepted"
    best = max(values, key=lambda v: sign * v)
    return f"{said}, {len(values)} accepted; best {metric} {score_text(best)}"
