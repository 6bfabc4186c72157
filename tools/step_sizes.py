"""Step sizes that a program declares: numbers in it that may be searched, read and replaced without executing it.

    learning_rate=0.05,  # gome: tune learning_rate log 0.01 0.3
    DEPTH = 6  # gome: tune depth linear 3 9

A declaration is the comment of the line that holds the number, which stands behind a `=` and is the only one of its
line. The value is replaced in the program's text: what is tuned is a program like any other, and so is what is handed
over.
"""

import io
import re
import tokenize
from collections.abc import Mapping
from dataclasses import dataclass

_NUMBER = r"[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"
_DECLARED = re.compile(
    rf"#\s*gome:\s*tune\s+(?P<name>[A-Za-z_][\w.]*)\s+(?P<scale>log|linear)\s+(?P<low>{_NUMBER})\s+(?P<high>{_NUMBER})"
    rf"(?P<was>\s+was\s+{_NUMBER})?\s*"
)
DIGITS = 4
"""Significant digits of a value that is tried."""
MOST = 6
"""Step sizes of one program that are looked at: in more directions a few trials find nothing."""


@dataclass(frozen=True)
class StepSize:
    """A number that may be searched from `low` to `high`, evenly on the logarithm if `log`; whole if it stands there so.
    `tuned`: a search has set it already. `line` from 1; `start`, `end`: its columns there."""

    name: str
    value: float
    low: float
    high: float
    log: bool
    whole: bool
    tuned: bool
    line: int
    start: int
    end: int


def step_sizes(program: str) -> list[StepSize]:
    """The declared step sizes, in order; a name counts once. A declaration that says nothing of use is none: limits that
    are no range, a number outside of them, none or several numbers on the line."""
    try:
        tokens = list(tokenize.generate_tokens(io.StringIO(program).readline))
    except (tokenize.TokenError, SyntaxError, ValueError):
        return []
    found: dict[str, StepSize] = {}
    for at, token in enumerate(tokens):
        said = _DECLARED.fullmatch(token.string) if token.type == tokenize.COMMENT else None
        size = (
            _size(said, [t for t in tokens[max(0, at - 40) : at] if t.start[0] == token.start[0]])
            if said
            else None
        )
        if size and len(found) < MOST:
            found.setdefault(size.name, size)
    return list(found.values())


def _size(said: re.Match[str], before: list[tokenize.TokenInfo]) -> StepSize | None:
    numbers = [i for i, token in enumerate(before) if token.type == tokenize.NUMBER]
    if len(numbers) != 1 or not numbers[0] or before[numbers[0] - 1].string != "=":
        return None
    token = before[numbers[0]]
    if not re.fullmatch(_NUMBER, token.string):
        return None
    value, low, high = float(token.string), float(said["low"]), float(said["high"])
    log, whole = said["scale"] == "log", token.string.isdigit()
    if not low <= value <= high or low == high or (log and low <= 0):
        return None
    if whole and not (low.is_integer() and high.is_integer()):
        return None
    name, tuned = said["name"], said["was"] is not None
    return StepSize(name, value, low, high, log, whole, tuned, token.start[0], token.start[1], token.end[1])


def with_values(program: str, values: Mapping[str, float]) -> str:
    """The program with other values of its step sizes, by name; beside each stands what it was before a search."""
    lines = program.split("\n")
    for size in step_sizes(program):
        if size.name not in values:
            continue
        line = lines[size.line - 1]
        old = line[size.start : size.end]
        body, end = line.rstrip(), line[len(line.rstrip()) :]
        was = "" if size.tuned else f" was {old}"
        lines[size.line - 1] = (
            f"{body[: size.start]}{as_text(size, values[size.name])}{body[size.end :]}{was}{end}"
        )
    return "\n".join(lines)


def as_text(size: StepSize, value: float) -> str:
    """A value of the step size as it stands in a program, within its limits."""
    rounded = float(f"{value:.{DIGITS}g}")
    within = min(max(rounded, size.low), size.high)
    return str(round(within)) if size.whole else repr(within)
