"""Reading what a model wrote: JSON inside prose, fences and think tags; code blocks."""

import re
from typing import Any

import json_repair

_THINK = re.compile(r"<(think|thinking|reasoning)>.*?</\1>", re.DOTALL | re.IGNORECASE)
_FENCE = re.compile(r"^```[ \t]*([\w+-]*)[^\n]*\n(.*?)^```[ \t]*$", re.DOTALL | re.MULTILINE)


def without_thoughts(text: str) -> str:
    """The reply without its think tags; an opening tag that is never closed is left alone, a closing one that was
    never opened (some servers strip the first) ends the thoughts."""
    text = _THINK.sub("", text)
    return re.sub(r"\A.*?</(think|thinking|reasoning)>", "", text, count=1, flags=re.DOTALL | re.IGNORECASE)


def fenced_blocks(text: str) -> list[tuple[str, str]]:
    """All fenced blocks as (language, content)."""
    return [(m.group(1).lower(), m.group(2)) for m in _FENCE.finditer(without_thoughts(text))]


def extract_json(text: str) -> Any:
    """The JSON object of a reply: the last fenced block that holds one, else the outermost braces in the prose.

    Trailing commas, single quotes, comments and a cut-off end are mended (json_repair). ValueError if no object is there.
    """
    text = without_thoughts(text)
    candidates = [block for _, block in reversed(fenced_blocks(text)) if "{" in block]
    start, end = text.find("{"), text.rfind("}")
    if start >= 0:
        candidates += [text[start : end + 1] if end > start else text[start:], text[start:]]
    for candidate in candidates:
        value = json_repair.loads(candidate)
        if isinstance(value, dict) and value:
            return value
    raise ValueError("the reply holds no JSON object")
