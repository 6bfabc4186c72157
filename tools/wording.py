"""How figures and statements are worded wherever a person reads them: scores with their noise, gains, hypotheses."""

import math
import re
from typing import Any

from gome.state.parts import is_number

NONE = "–"
_TAG = re.compile(r"\s*\[(?:change|move): [a-z0-9-]+\]")


_ROUNDING = 1e-12
"""Of a value: a standard error below that is what is left of sums that should be alike."""


def score_text(value: Any, stderr: Any = None) -> str:
    """A score to the precision that its standard error allows: '0.8731 ± 0.0021'. '–' if there is no score."""
    if not is_number(value):
        return NONE
    if not is_number(stderr) or stderr <= abs(value) * _ROUNDING:
        return f"{value:.5g}"
    places = _places(stderr)
    return f"{value:.{places}f} ± {stderr:.{places}f}"


def score_only(value: Any, stderr: Any = None) -> str:
    """A score as precise as with its standard error, but without it: '0.8731'."""
    return score_text(value, stderr).partition(" ± ")[0]


def _places(stderr: float) -> int:
    """Decimal places that show two significant digits of a standard error."""
    return min(12, max(0, 1 - math.floor(math.log10(stderr))))


def gain_text(gain: Any, stderr: Any = None) -> str:
    """A gain with its sign, as precise as its standard error: '+0.0123 ± 0.0040'. For axes and columns that say that
    positive is better; `gain_words` wherever nothing stands beside it."""
    if not is_number(gain):
        return NONE
    text = score_text(abs(gain), stderr)
    sign = "+" if gain > 0 else "−" if gain < 0 else ""
    return f"{sign}{text}"


def gain_words(gain: Any, stderr: Any = None) -> str:
    """A gain (positive is better, whatever the metric's direction) without a sign to be misread: 'better by 0.24 ± 0.10'.

    '–' if there is none.
    """
    if not is_number(gain):
        return NONE
    if gain == 0:
        return "no better and no worse"
    return f"{'better' if gain > 0 else 'worse'} by {score_text(abs(gain), stderr)}"


def share_words(share: float) -> str:
    """A share of resamples as a percentage that is 0 or 100 only where it is none or all of them: '99.7 %', '62 %'."""
    percent = 100 * share
    if 1 <= percent <= 99 or percent in (0, 100):
        return f"{percent:.0f} %"
    return f"{min(99.9, max(0.1, math.floor(10 * percent) / 10)):.1f} %"


WAITED = 1.5
"""Wall time over CPU time from which on it is told that a program has waited."""


def waiting_words(seconds: float, cpu_seconds: float | None) -> str:
    """That a run has waited: ' (4.1 s of CPU time: other programs had the cores ...)'; '' where it has not, or too little
    was measured to say so."""
    if not cpu_seconds or seconds < 1 or seconds < WAITED * cpu_seconds:
        return ""
    faster = f"a run on a free machine may be {seconds / cpu_seconds:.1f} times faster"
    return f" ({cpu_seconds:.3g} s of CPU time: other programs had the cores, or it waited; {faster})"


def change_words(metric: str, before: Any, after: Any, gain: Any, stderr: Any = None) -> str:
    """A gain between its two scores: 'rmse 54.70 → 54.46 (better by 0.24 ± 0.10)', as precise as the standard error; the
    scores alone without a gain."""
    if not (is_number(before) and is_number(after)):
        return gain_words(gain, stderr)
    change = f"{metric} {score_only(before, stderr)} → {score_only(after, stderr)}"
    return f"{change} ({gain_words(gain, stderr)})" if is_number(gain) else change


def tagged_as(old: str, new: str) -> str:
    """An edited statement with the tag that the old one had and that its editor was not shown."""
    tag = _TAG.search(old)
    return f"{new}{tag[0]}" if tag and not _TAG.search(new) else new


def readable(value: Any) -> Any:
    """The same without the tags by which the offline reasoner knows its changes again ('[change: x]'; '[move: x]'
    in version 0.1), in text and in whatever lists and mappings hold it. Records keep them; what people read goes through
    here."""
    if isinstance(value, str):
        return _TAG.sub("", value) if "[" in value else value
    if isinstance(value, list):
        return [readable(entry) for entry in value]
    if isinstance(value, dict):
        return {key: readable(entry) for key, entry in value.items()}
    return value


def self_reported_line(why: str) -> str:
    """What is to be said wherever a score of such a run is shown."""
    return f"SELF-REPORTED: programs score themselves, and nobody has checked the scores; {why}"
