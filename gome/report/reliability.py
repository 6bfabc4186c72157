"""The report's section on the gradient: what the steps predicted, what came of it, and which optimizer gained."""

from collections.abc import Sequence

from gome.formatting import gain_text
from gome.optimizer.reliability import Gains, factors, gains, reliability
from gome.report.gain_scatter import predictions
from gome.state.plain import JsonObject
from gome.state.step import StepRecord

LAST = 300
"""Predictions that have a row; of a longer run the last ones."""
NAMES = {"gradient": "descent", "tree": "tree search"}


def reliability_content(records: Sequence[StepRecord]) -> JsonObject | None:
    """Sentences, shares of gaining steps, and one row for each prediction; None if no step predicted a gain.

    The calibrated gain of a step is its prediction times the factor that the steps before it had shown.
    """
    rows = predictions(records)
    if not rows:
        return None
    last = rows[-LAST:]
    shown = factors(rows, (r.step for r in last))
    steps = [_row(r, shown[r.step]) for r in last]
    return {
        "text": _sentences(rows),
        "shares": _shares(records),
        "steps": steps,
        "left_out": len(rows) - len(steps),
    }


def _sentences(rows: Sequence[StepRecord]) -> str:
    found = reliability(rows)
    text = f"The sign of the gain was foretold in {found['right_sign']} of {found['pairs']} steps."
    if found["ranged"]:
        text += f" In {found['within']} of {found['ranged']} the gain lay in the predicted range."
    if found["rank"] is not None:
        text += f" Predicted and realised gains correlate by rank with {found['rank']:+.2f}."
    return (
        f"{text} A unit of predicted gain brought {found['factor']:.2f} units in the middle case "
        f"({found['low']:.2f} to {found['high']:.2f}, 90 % interval), drawn towards 1 while steps are few."
    )


def _shares(records: Sequence[StepRecord]) -> list[tuple[str, str, str]]:
    """(optimizer, gaining of all steps, share with its 90 % interval) of each optimizer that took steps."""
    found = ((NAMES[name], gains(records, name)) for name in NAMES)
    return [(name, f"{g['gained']} of {g['steps']}", _interval(g)) for name, g in found if g["steps"]]


def _interval(found: Gains) -> str:
    return f"{found['share']:.0%} ({found['low']:.0%} to {found['high']:.0%})"


def _row(record: StepRecord, factor: float) -> tuple[str, ...]:
    """Step, optimizer, predicted, calibrated and realised gain, verdict."""
    predicted, comparison = record.hypothesis["predicted_gain"], record.comparison
    return (
        record.id,
        NAMES.get(record.optimizer, NAMES["gradient"]),
        _short(predicted),
        _short(predicted * factor),
        gain_text(record.gain, comparison["stderr"] if comparison else None),
        record.verdict,
    )


def _short(gain: float) -> str:
    """A prediction's two leading digits; no more were meant."""
    return gain_text(float(f"{gain:.2g}"))
