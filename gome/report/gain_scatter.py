"""Realised against predicted gain, with standard errors."""

from collections.abc import Iterable, Sequence

from gome.formatting import gain_text, is_number
from gome.report.axes import Scale, left_margin, nice_ticks, padded, tick_texts
from gome.report.charts import BELOW, TONES, TOP, Chart, Mark, counts, framed, mark_kind, without_far
from gome.state.step import StepRecord


def gain_scatter(records: Sequence[StepRecord], *, metric: str, size: tuple[int, int]) -> Chart | None:
    """Realised against predicted gain, with standard errors; None if no step has both."""
    rows = predictions(records)
    if not rows:
        return None
    ends = [v for r in rows for v in (_gain(r) - _gain_error(r), _gain(r) + _gain_error(r))]
    x_low, x_high = padded([0.0, *without_far([_predicted(r) for r in rows])])
    y_low, y_high = padded([0.0, *without_far(ends)])
    x_ticks, y_ticks = nice_ticks(x_low, x_high, 6 if size[0] > 600 else 4), nice_ticks(y_low, y_high, 6)
    x = Scale(x_low, x_high, left_margin(y_ticks), size[0] - 16)
    y = Scale(y_low, y_high, size[1] - BELOW, TOP)
    chart = framed(size, x, y, tick_texts(x_ticks), tick_texts(y_ticks))
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


def predictions(records: Iterable[StepRecord]) -> list[StepRecord]:
    """The steps that predicted a gain and had it measured, those voided for leakage left out."""
    return [
        r
        for r in records
        if counts(r)
        and r.comparison
        and is_number(r.hypothesis.get("predicted_gain"))
        and any(r.hypothesis.get(f"predicted_{k}") for k in ("gain", "low", "high"))
    ]


def _predicted(record: StepRecord) -> float:
    return float(record.hypothesis["predicted_gain"])


def _gain(record: StepRecord) -> float:
    return record.gain or 0.0


def _gain_error(record: StepRecord) -> float:
    return record.comparison["stderr"] if record.comparison else 0.0
