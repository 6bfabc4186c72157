"""The difference of two programs as search/replace blocks."""

import difflib
import re

_MARK = re.compile(r"[ \t]*(<{5,}[ \t]*SEARCH|={5,}|>{5,}[ \t]*REPLACE)[ \t]*\n?")
_CLOSE = 2  # changes with at most that many lines between them share a block


def edit_blocks(old: str, new: str) -> str:
    """Search/replace blocks that turn `old` into `new`, from top to bottom; "" if they are equal.

    Each SEARCH text stands exactly once in the program that the blocks before it leave, so that
    `gome.agents.prompts.edits.apply_blocks` gives `new` exactly. ValueError where blocks cannot say it: a text that is
    blank or does not end in a line end, carriage returns, lines that look like a block's own marks.
    """
    a, b = _lines(old), _lines(new)
    if old == new:
        return ""
    blocks, current, shift = [], a, 0
    for start, end, left, right in _changes(a, b):
        start, end = start + shift, end + shift
        top, bottom = _unique(current, start, end)
        replaced = current[top:start] + b[left:right] + current[end:bottom]
        search = "".join(current[top:bottom])
        blocks.append(f"<<<<<<< SEARCH\n{search}=======\n{''.join(replaced)}>>>>>>> REPLACE\n")
        current = current[:top] + replaced + current[bottom:]
        shift += (right - left) - (end - start)
    return "\n".join(blocks)


def _lines(text: str) -> list[str]:
    if not text.strip() or not text.endswith("\n") or "\r" in text:
        raise ValueError(
            "blocks edit texts that are not blank, end in a line end and have no carriage returns"
        )
    lines = [line + "\n" for line in text.split("\n")[:-1]]
    if any(_MARK.fullmatch(line) for line in lines):
        raise ValueError("a line looks like the mark of a search/replace block")
    return lines


def _changes(a: list[str], b: list[str]) -> list[tuple[int, int, int, int]]:
    """Changed line ranges as (start, end) in `a` and (left, right) in `b`, near ones joined."""
    found: list[tuple[int, int, int, int]] = []
    for tag, start, end, left, right in difflib.SequenceMatcher(None, a, b, autojunk=False).get_opcodes():
        if tag == "equal":
            continue
        if found and start - found[-1][1] <= _CLOSE:
            found[-1] = (found[-1][0], end, found[-1][2], right)
        else:
            found.append((start, end, left, right))
    return found


def _unique(lines: list[str], start: int, end: int) -> tuple[int, int]:
    """The range widened, a line up and a line down at a time, until its text stands once in the program."""
    program = "".join(lines)
    up = True
    while True:
        text = "".join(lines[start:end])
        if text.strip() and program.find(text) == program.rfind(text):
            return start, end
        if (up and start > 0) or end == len(lines):
            start -= 1
        else:
            end += 1
        up = not up
