"""Score against step for every trace, with standard errors."""

from collections.abc import Sequence

from gome.formatting import score_text
from gome.report.axes import Scale, left_margin, nice_ticks, padded, tick_texts, whole_ticks
from gome.report.charts import (
    BELOW,
    TONES,
    TOP,
    Chart,
    Mark,
    counts,
    error_of,
    framed,
    mark_kind,
    mark_title,
    value_of,
    without_far,
)
from gome.state.step import StepRecord

_STRIP = 24
_LABEL_HEIGHT, _LABEL_GAP = 15, 12
_LABELS = 140
"""Room at the right for a score and whose it is."""


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
    strip = _STRIP if any(not counts(r) for r in records) else 0
    y = Scale(low, high, size[1] - BELOW - strip, TOP)
    y_ticks = nice_ticks(low, high, 6)
    x = Scale(-0.45, steps + 0.45, left_margin(y_ticks), right)
    x_texts = [(t, f"{t:.0f}") for t in whole_ticks(steps, 14 if broad else 6)]
    chart = framed(size, x, y, x_texts, tick_texts(y_ticks))
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


def _score_range(records: Sequence[StepRecord], sign: int, also: list[float]) -> tuple[float, float]:
    """The range of the accepted scores and of the rejected ones that are near: neither one wreck nor a first draft far
    from the rest may flatten it; what lies outside is drawn at the edge."""
    rows = [r for r in records if counts(r)]
    if not rows:
        return 0.0, 1.0
    kept = [r for r in rows if r.verdict == "accepted"] or rows
    best = max((value_of(r) for r in kept), key=lambda v: sign * v)
    close = set(without_far([value_of(r) - best for r in kept]))
    ends = [
        v
        for r in kept
        if value_of(r) - best in close
        for v in (value_of(r) - error_of(r), value_of(r) + error_of(r))
    ]
    low, high = min(ends), max(ends)
    margin = 0.6 * (high - low)
    near = [value_of(r) for r in rows if low - margin <= value_of(r) <= high + margin]
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
    if not counts(record):
        return Mark(at, strip or 0.0, kind, tone, title)
    value, error = value_of(record), error_of(record)
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
        if mark.kind != "accepted" or (best is not None and sign * value_of(record) <= sign * best):
            continue
        points += [f"{mark.x},{y(best)}"] if best is not None else []
        points.append(f"{mark.x},{mark.y}")
        best = value_of(record)
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
    values = [value_of(r) for r in records if mark_kind(r) == "accepted"]
    said = f"{len(records)} steps of {len({r.trace for r in records})} traces"
    if not values:
        return f"{said}; none accepted"
    best = max(values, key=lambda v: sign * v)
    return f"{said}, {len(values)} accepted; best {metric} {score_text(best)}"
