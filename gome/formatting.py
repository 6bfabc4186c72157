"""How figures are written wherever a person reads them: scores with their noise, gains, durations, counts."""

from typing import Any

from gome.state.parts import is_number
from gome.tools.wording import NONE, gain_text, gain_words, score_only, score_text

__all__ = [
    "NONE",
    "count_text",
    "duration_text",
    "gain_text",
    "gain_words",
    "is_number",
    "one_line",
    "score_only",
    "score_text",
]


def duration_text(seconds: Any) -> str:
    """Seconds as a person says them: '0.4 s', '42 s', '12 min 3 s', '2 h 5 min'."""
    if not is_number(seconds) or seconds < 0:
        return NONE
    if seconds < 9.95:
        return f"{seconds:.1f} s"
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60} s"
    minutes = round(seconds / 60)
    return f"{minutes // 60} h {minutes % 60} min"


def count_text(count: Any) -> str:
    """A count in three or four characters: '950', '12.3k', '4.5M'."""
    if not is_number(count):
        return NONE
    for size, unit in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(count) >= size:
            return f"{count / size:.1f}{unit}"
    return f"{count:.0f}"


def one_line(text: Any, limit: int = 0) -> str:
    """Text on one line without control characters (a program's output may hold any), shortened to `limit`."""
    printable = "".join(c if c.isprintable() else " " for c in str(text))
    line = " ".join(printable.split())
    return f"{line[: limit - 1].rstrip()}…" if limit and len(line) > limit else line
