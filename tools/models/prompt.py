"""What a model is sent that is not its own: prompts, and the JSON block in them."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from numbers import Integral, Real

from gome.tools.models.pictures import Picture

_ESCAPED = {ord("<"): "\\u003c", ord(">"): "\\u003e"}


@dataclass(frozen=True)
class Prompt:
    """One request: the role's system text, which only the first one of a conversation needs, the user text, and
    `pictures` that are shown behind it. `shorter` makes a shorter one, None when nothing is left that may be left out."""

    system: str
    user: str
    shorter: Callable[[], "Prompt | None"] = lambda: None
    pictures: tuple[Picture, ...] = ()

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.system) + len(self.user)


def context_block(context: dict) -> str:
    """A part of the context as one JSON block; absent values are left out, numbers rounded.

    Angle brackets in it are escaped as JSON has it, so that nothing a program or a column is called can end the block.
    """
    block = json.dumps(_trim(context), ensure_ascii=False, allow_nan=False)
    return f"<context>\n{block.translate(_ESCAPED)}\n</context>"


def _trim(value: object) -> object:
    if isinstance(value, dict):
        return {str(k): _trim(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_trim(v) for v in value]
    if isinstance(value, Integral):  # numpy's too, which JSON does not know
        return value if isinstance(value, bool) else int(value)
    if isinstance(value, Real):
        value = float(value)
        return float(f"{value:.6g}") if value == value and abs(value) != float("inf") else None
    return value
