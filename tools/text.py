"""Text from outside: as every store can hold it, and as it can stand in a prompt."""

import re
from typing import Any

_UNKNOWN = "\N{REPLACEMENT CHARACTER}"


def storable(text: str) -> str:
    """The text without what UTF-8 (a lone half of a surrogate pair) or Postgres (NUL) cannot hold."""
    return text.encode("utf-8", "replace").decode().replace("\0", _UNKNOWN)


def is_utf8(text: str) -> bool:
    """Whether UTF-8 can hold the text: the name of a file, on Linux, may be any bytes."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def all_storable(value: Any) -> Any:
    """Plain JSON with every text in it, keys too, made `storable`."""
    if isinstance(value, str):
        return storable(value)
    if isinstance(value, dict):
        return {storable(str(key)): all_storable(item) for key, item in value.items()}
    return [all_storable(item) for item in value] if isinstance(value, list) else value


def begun(text: str, most: int) -> str:
    """The text; of a long one the first `most` characters, and how many it has."""
    return text if len(text) <= most else f"{text[:most]}[... {len(text)} characters]"


def fenced(text: str, language: str = "") -> str:
    """Foreign text as a block of Markdown that nothing in it can end: the fence is longer than any run of backticks."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{text}\n{fence}"
