"""Edits as search/replace blocks: read from a reply, applied exactly or, failing that, regardless of white space."""

import difflib
import re

_BLOCK = re.compile(
    r"^[ \t]*<{5,}[ \t]*SEARCH[ \t]*\n(.*?)^[ \t]*={5,}[ \t]*\n(.*?)^[ \t]*>{5,}[ \t]*REPLACE[ \t]*$",
    re.DOTALL | re.MULTILINE,
)
DIFF_LINES = 400


class EditError(ValueError):
    """A block does not fit the program; the message quotes what was looked for and what stands there instead."""


def read_blocks(text: str) -> list[tuple[str, str]]:
    """All (search, replace) pairs of a reply, line ends kept; [] if there are none."""
    return [(m.group(1), m.group(2)) for m in _BLOCK.finditer(text.replace("\r\n", "\n"))]


def apply_blocks(program: str, blocks: list[tuple[str, str]]) -> str:
    """The program after all blocks, in order. An empty search adds at the end. EditError if one does not fit."""
    for search, replacement in blocks:
        program = _apply_one(program, search, replacement)
    return program


def diff(before: str, after: str) -> str:
    """The unified diff of an incumbent and a candidate, its first lines where it is long."""
    lines = difflib.unified_diff(
        before.splitlines(), after.splitlines(), "incumbent", "candidate", lineterm=""
    )
    return "\n".join(list(lines)[:DIFF_LINES])


def _apply_one(program: str, search: str, replacement: str) -> str:
    if not search.strip():
        return program.rstrip("\n") + "\n\n" + replacement
    count = program.count(search)
    if count == 1:
        return program.replace(search, replacement)
    if count > 1:
        raise EditError(
            f"this SEARCH text stands {count} times; add lines until it is unique:\n{_quote(search)}"
        )
    return _apply_loosely(program, search, replacement)


def _apply_loosely(program: str, search: str, replacement: str) -> str:
    """Match by lines, ignoring blank edges, trailing space and a common shift of the indentation."""
    lines, wanted = program.splitlines(), search.strip("\n").splitlines()
    bare = [line.strip() for line in wanted]
    hits = [
        i
        for i in range(len(lines) - len(wanted) + 1)
        if [line.strip() for line in lines[i : i + len(wanted)]] == bare
    ]
    if len(hits) != 1:
        raise EditError(_mismatch(lines, wanted, len(hits)))
    start = hits[0]
    shift = _indent(lines[start]) - _indent(wanted[0])
    new = [_shifted(line, shift) for line in replacement.strip("\n").splitlines()]
    return "\n".join([*lines[:start], *new, *lines[start + len(wanted) :]]) + "\n"


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _shifted(line: str, by: int) -> str:
    if not line.strip():
        return ""
    return " " * by + line if by >= 0 else line[min(-by, _indent(line)) :]


def _quote(text: str) -> str:
    return "\n".join(f"| {line}" for line in text.strip("\n").splitlines()[:12])


def _mismatch(lines: list[str], wanted: list[str], hits: int) -> str:
    if hits > 1:
        return f"this SEARCH text stands {hits} times; add lines until it is unique:\n{_quote(chr(10).join(wanted))}"
    size = len(wanted)
    windows = ["\n".join(lines[i : i + size]) for i in range(max(1, len(lines) - size + 1))]
    nearest = difflib.get_close_matches("\n".join(wanted), windows, n=1, cutoff=0.3)
    there = f"\nthe nearest lines of the program are:\n{_quote(nearest[0])}" if nearest else ""
    return f"this SEARCH text is not in the program:\n{_quote(chr(10).join(wanted))}{there}"
