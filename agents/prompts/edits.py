"""Edits as search/replace blocks: read from a reply, applied exactly or, failing that, regardless of white space."""

import difflib
import re

_SEARCH = re.compile(r"[ \t]*<{5,}[ \t]*SEARCH[ \t]*")
_DIVIDER = re.compile(r"[ \t]*={5,}[ \t]*")
_REPLACE = re.compile(r"[ \t]*>{5,}[ \t]*REPLACE[ \t]*")
MAX_BLOCKS, MAX_PROGRAM = 200, 400_000
"""Blocks of one reply, characters of a program: far more than an edit needs, few enough to be applied in no time."""
_NEAR_LINES, _NEAR_CHARS = 1000, 100
DIFF_LINES = 400
_COMPARED_LINES = 4000


class EditError(ValueError):
    """A block does not fit the program; the message quotes what was looked for and what stands there instead."""


def read_blocks(text: str) -> list[tuple[str, str]]:
    """All (search, replace) pairs of a reply, line ends kept; [] if there are none. Goes once over the lines."""
    blocks: list[tuple[str, str]] = []
    search: list[str] = []
    replacement: list[str] = []
    awaited = _SEARCH
    for line in text.replace("\r\n", "\n").split("\n"):
        if awaited.fullmatch(line):
            if awaited is _REPLACE:
                blocks.append(("".join(search), "".join(replacement)))
                search, replacement = [], []
            awaited = {_SEARCH: _DIVIDER, _DIVIDER: _REPLACE, _REPLACE: _SEARCH}[awaited]
        elif awaited is not _SEARCH:
            (search if awaited is _DIVIDER else replacement).append(line + "\n")
    return blocks


def apply_blocks(program: str, blocks: list[tuple[str, str]]) -> str:
    """The program after all blocks, in order. An empty search adds at the end. EditError if one does not fit, there are
    too many, or the program grows too long."""
    if len(blocks) > MAX_BLOCKS:
        raise EditError(f"{len(blocks)} blocks are more than {MAX_BLOCKS}: give the whole program instead")
    for search, replacement in blocks:
        program = _apply_one(program, search, replacement)
        if len(program) > MAX_PROGRAM:
            raise EditError(f"the program has more than {MAX_PROGRAM:,} characters: make it shorter")
    return program


def diff(before: str, after: str, *, most: int = DIFF_LINES) -> str:
    """The unified diff of an incumbent and a candidate; of a long one the first `most` lines, and how many it has."""
    lines = diff_lines(before, after)
    rest = [f"[... {len(lines) - most:,} more lines]"] if len(lines) > most else []
    return "\n".join([*lines[:most], *rest])


def diff_lines(before: str, after: str) -> list[str]:
    """All lines of the unified diff, two of heading first; of giants these and one that says so."""
    old, new = before.splitlines(), after.splitlines()
    if max(len(old), len(new)) > _COMPARED_LINES:  # it would take minutes where lines repeat
        return ["--- incumbent", "+++ candidate", f"@@ {len(old):,} and {len(new):,} lines: not compared @@"]
    return list(difflib.unified_diff(old, new, "incumbent", "candidate", lineterm=""))


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
    lines, wanted = program.removesuffix("\n").split("\n"), search.strip("\n").split("\n")
    bare, sought = _bare(lines), _bare(wanted)
    first, last = bare.find(sought), bare.rfind(sought)
    if first < 0 or first != last:
        raise EditError(_mismatch(lines, wanted, found=first >= 0))
    start = bare.count("\n", 0, first)
    shift = _indent(lines[start]) - _indent(wanted[0])
    new = [_shifted(line, shift) for line in replacement.strip("\n").split("\n")]
    return "\n".join([*lines[:start], *new, *lines[start + len(wanted) :]]) + "\n"


def _bare(lines: list[str]) -> str:
    """The lines without blank edges, each between two line ends."""
    return "\n".join(["", *(line.strip() for line in lines), ""])


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _shifted(line: str, by: int) -> str:
    if not line.strip():
        return ""
    return " " * by + line if by >= 0 else line[min(-by, _indent(line)) :]


def _quote(text: str) -> str:
    return "\n".join(f"| {line}" for line in text.strip("\n").splitlines()[:12])


def _mismatch(lines: list[str], wanted: list[str], *, found: bool) -> str:
    quoted = _quote("\n".join(wanted))
    if whole := _whole_lines(lines, wanted):
        return (
            f"this SEARCH text begins or ends within a line, and has to hold whole lines:\n{quoted}\n"
            f"the whole lines are:\n{_quote(whole)}"
        )
    if found:
        return f"this SEARCH text stands more than once; add lines until it is unique:\n{quoted}"
    near = _nearest(lines, wanted)
    there = f"\nthe nearest lines of the program are:\n{_quote(chr(10).join(near))}" if near else ""
    return f"this SEARCH text is not in the program:\n{quoted}{there}"


def _whole_lines(lines: list[str], wanted: list[str]) -> str:
    """The lines of the program in which the text stands, if it stands there once and not line by line; else ''."""
    program, part = "\n".join(lines), "\n".join(wanted).strip()
    first = program.find(part)
    if first < 0 or first != program.rfind(part):
        return ""
    start = program.rfind("\n", 0, first) + 1
    end = program.find("\n", first + len(part))
    whole = program[start : len(program) if end < 0 else end]
    return "" if whole.strip() == part else whole


def _nearest(lines: list[str], wanted: list[str]) -> list[str]:
    """As many lines of the program as are wanted, around the one most like the longest of these; [] if none is."""
    at = max(range(len(wanted)), key=lambda i: len(wanted[i].strip()))
    cut = [line.strip()[:_NEAR_CHARS] for line in lines]
    candidates = list(dict.fromkeys(cut))[:_NEAR_LINES]
    near = difflib.get_close_matches(wanted[at].strip()[:_NEAR_CHARS], candidates, n=1, cutoff=0.5)
    if not near:
        return []
    start = max(0, cut.index(near[0]) - at)
    return lines[start : start + len(wanted)]
