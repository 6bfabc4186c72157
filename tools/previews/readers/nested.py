"""JSON, whole or a record a line, as a schema."""

import json
from pathlib import Path
from typing import Any

from gome.tools.previews.readers.seen import PIECE, Seen

KEYS, ITEMS, DEPTH, MANY = 14, 20, 5, 30
"""Keys of an object that are shown, items of a list that are looked at, levels, and keys from which on they are data."""


def read(path: Path) -> Seen:
    """The schema of the first megabytes."""
    with path.open("rb") as file:
        start = file.read(4 * PIECE).decode("utf-8-sig", errors="replace")
    whole = path.stat().st_size <= 4 * PIECE
    first, _, rest = start.partition("\n")
    if rest.strip() and (record := _record(first)) is not None:
        lines = {"records": start.count("\n") + (not start.endswith("\n"))} if whole else {}
        return Seen("JSON, a record a line", {**lines}, schema(record))
    content = json.loads(start if whole else closed(start))
    return Seen("JSON", {} if whole else {"looked at": "the beginning only"}, schema(content))


def _record(line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError:
        return None


def schema(value: Any, depth: int = 0) -> str:
    """The form of a value in one line: keys and types, numbers of items; objects of very many keys by one of them."""
    if isinstance(value, dict):
        if depth == DEPTH:
            return "{...}"
        if len(value) >= MANY:
            key = next(iter(value))
            return f"{{{json.dumps(key)}: {schema(value[key], depth + 1)}, ... {len(value):,} keys}}"
        shown = [f"{json.dumps(key)}: {schema(value[key], depth + 1)}" for key in list(value)[:KEYS]]
        return f"{{{', '.join(shown)}{', ...' if len(value) > KEYS else ''}}}"
    if isinstance(value, list):
        if depth == DEPTH or not value:
            return "[...]" if value else "[]"
        forms = dict.fromkeys(schema(item, depth + 1) for item in value[:ITEMS])
        return f"[{' or '.join(list(forms)[:2])}] x {len(value):,}"
    named = {bool: "true/false", int: "integer", float: "number", str: "text", type(None): "null"}
    return named[type(value)]


def closed(text: str) -> str:
    """JSON that breaks off, cut behind its last whole item and ended."""
    stack: list[str] = []
    cut, ends = 0, ""
    inside = escaped = False
    for at, char in enumerate(text):
        if inside:
            inside, escaped = escaped or char != '"', not escaped and char == "\\"
        elif char == '"':
            inside = True
        elif char in "{[":
            stack.append("}" if char == "{" else "]")
        elif char in "}]":
            stack.pop()
        elif char == ",":
            cut, ends = at, "".join(reversed(stack))
    return text[:cut] + ends
