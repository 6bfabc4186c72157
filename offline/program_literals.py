"""Values as Python literals in a program's text."""

import json
from typing import Any

WIDTH = 110


def literal(value: Any) -> str:
    """A Python literal with double quotes where that needs no escapes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if value.isprintable() else repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{literal(k)}: {literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(literal(v) for v in value) + ("," if len(value) == 1 else "") + ")"
    return repr(value)


def wrapped_list(values: Any) -> str:
    """A Python list, wrapped at commas if one line does not hold it."""
    items = [literal(value) for value in values]
    line = "[" + ", ".join(items) + "]"
    if len(line) <= WIDTH - 20:
        return line
    return "[\n" + "".join(f"    {item},\n" for item in items) + "]"
