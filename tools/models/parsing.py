"""Reading what a model wrote: JSON inside prose, fences and think tags; code blocks.

Every scanner here goes once over the text, whatever it holds: a reply can be megabytes of half a tag.
"""

import json
import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

import json_repair

from gome.tools.text import all_storable

_THOUGHT = re.compile(r"<(/?)(think|thinking|reasoning)>", re.IGNORECASE)
_FENCE = re.compile(r"(`{3,})[ \t]*([\w+-]*)")
_BRACKETS = re.compile(r"[\[{(]|[\]})]")
_MENDED_CHARS, _MENDED_DEPTH, _MENDED_WORK = 200_000, 100, 2_000_000
"""Of broken JSON: mending it takes long where it is large, and without end where it is deep. Work is characters times
objects and lists: each that is broken may be read to the end of the text."""


def without_thoughts(text: str) -> str:
    """The reply without its think tags; an opening tag that is never closed is left alone, a closing one that was
    never opened (some servers strip the first) ends the thoughts."""
    said = "".join(_outside_thoughts(text))
    end = next((tag.end() for tag in _THOUGHT.finditer(said) if tag[1]), 0)
    return said[end:]


def _outside_thoughts(text: str) -> Iterator[str]:
    """The parts of the text that stand in no pair of tags."""
    tags = list(_THOUGHT.finditer(text))
    closing: dict[str, list[re.Match[str]]] = defaultdict(list)
    for tag in tags:
        if tag[1]:
            closing[tag[2].lower()].append(tag)
    at = 0
    for tag in tags:
        if tag[1] or tag.start() < at:
            continue
        ends = closing[tag[2].lower()]
        behind = bisect_left(ends, tag.end(), key=re.Match.start)
        if behind < len(ends):
            yield text[at : tag.start()]
            at = ends[behind].end()
    yield text[at:]


def fenced_blocks(text: str) -> list[tuple[str, str]]:
    """All fenced blocks as (language, content). A block ends with the first fence that is at least as long as its own."""
    lines = without_thoughts(text).split("\n")
    bare = [len(line) if (line := raw.rstrip(" \t")) and not line.strip("`") else 0 for raw in lines]
    longest_from = [0] * (len(lines) + 1)
    for i in reversed(range(len(lines))):
        longest_from[i] = max(bare[i], longest_from[i + 1])
    blocks, i = [], 0
    while i < len(lines):
        fence, start = _FENCE.match(lines[i]), i + 1
        if fence and longest_from[start] >= len(fence[1]):
            end = next(j for j in range(start, len(lines)) if bare[j] >= len(fence[1]))
            blocks.append((fence[2].lower(), "".join(f"{line}\n" for line in lines[start:end])))
            start = end + 1
        i = start
    return blocks


def extract_json(text: str) -> Any:
    """The JSON object of a reply: the last fenced block that holds one, else the outermost braces in the prose.

    Trailing commas, single quotes, comments and a cut-off end are mended (json_repair). ValueError if no object is there.
    """
    text = without_thoughts(text)
    candidates = [block for _, block in reversed(fenced_blocks(text)) if "{" in block]
    start, end = text.find("{"), text.rfind("}")
    if start >= 0:
        candidates += [text[start : end + 1] if end > start else text[start:], text[start:]]
    for candidate in dict.fromkeys(candidates):
        value = _loaded(candidate)
        if isinstance(value, dict) and value:
            return value
    raise ValueError("the reply holds no JSON object")


def _loaded(text: str) -> Any:
    """The value of JSON, mended where it is broken; None if there is none to be had within the bounds."""
    try:
        return all_storable(_mended(text))
    except (ValueError, RecursionError):
        return None


def _mended(text: str) -> Any:
    try:
        return json.loads(text)
    except ValueError:
        work = len(text) * (text.count("{") + text.count("["))
        if len(text) > _MENDED_CHARS or work > _MENDED_WORK or _depth(text) > _MENDED_DEPTH:
            raise
    return json_repair.loads(text, skip_json_loads=True)


def _depth(text: str) -> int:
    """How deep brackets stand in one another, at most; those in strings count too."""
    depth = deepest = 0
    for bracket in _BRACKETS.findall(text):
        depth = depth + 1 if bracket in "[{(" else max(0, depth - 1)
        deepest = max(deepest, depth)
    return deepest
