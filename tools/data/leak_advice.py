"""What to do about a sign that the task's own tables give the answer away (see `gome.tools.data.leaks`)."""

import shlex
from collections.abc import Mapping
from typing import Any

_COLUMNS = ("later row", "earlier row", "group mean")


def leak_line(leak: Mapping[str, Any]) -> str:
    """What was found and what to do about it, on one line."""
    return f"{leak.get('text', '')} {_advice(str(leak.get('kind', '')), str(leak.get('where', '')))}".strip()


def _advice(kind: str, where: str) -> str:
    if kind == "column":  # the text asks whether it is known
        return f"Unless it is known, leave it out: --drop {shlex.quote(where)}"
    if kind in _COLUMNS:
        return f"If it is not known when predicting, leave it out: --drop {shlex.quote(where)}"
    if kind == "table":
        return "If it is not known when predicting, take it out of that table."
    if kind == "id":
        return "If ids are not given out so when predicting, number the rows anew."
    if kind == "order":
        return "If rows do not come so when predicting, shuffle them."
    if kind == "same rows":
        return (
            "A score on the test part says less than it seems to: take these rows out of one of the tables."
        )
    return ""
