"""What went wrong with a model call, read off the exception: providers raise their own classes, the signs are common."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from typing import Any, Literal

from gome.tools.secrets import masked

Kind = Literal["busy", "down", "odd", "too_long", "declined", "forbidden", "bad"]
"""busy: asked to wait. down: no answer, or the server's own fault. odd: an answer that is none. too_long: the prompt does
not fit. declined: the content is refused. forbidden: key, name, URL or account. bad: the request is refused otherwise."""

_TOO_LONG = re.compile(
    r"context.?(length|window|size)|maximum context|prompt is too long|too many (input )?tokens|input tokens exceed",
    re.IGNORECASE,
)
_DECLINED = re.compile(r"content.?(filter|policy|management)|moderation|safety system", re.IGNORECASE)
_NO_MONEY = re.compile(
    r"insufficient.?(quota|credit|balance|funds)|exceeded your current quota", re.IGNORECASE
)
_TOOLS = re.compile(r"\btools?\b|function.?call", re.IGNORECASE)
_FORBIDDEN = {401, 402, 403, 404}
_NO_TOOLS = {404, 500, 501}
"""By which some endpoints say that they know no tools, beside 400."""
_TOLD_TO_WAIT = {408, 409, 425, 429}
_TOO_LARGE = 413


@dataclass(frozen=True)
class Fault:
    """A failed call: what kind, in one line, and for how many seconds the server asks to wait, if it does."""

    kind: Kind
    text: str
    retry_after_s: float | None = None


def fault_of(error: Exception) -> Fault:
    """The fault that an exception of a chat model stands for. Servers like to quote the key that they refuse: it is
    masked here, before anything is shown or kept."""
    status, text = getattr(error, "status_code", None), " ".join(masked(str(error)).split())[:300]
    line = f"{status}: {text}" if isinstance(status, int) else f"{type(error).__name__}: {text}"
    signs = f"{getattr(error, 'code', None) or ''} {text}"
    return Fault(_kind(error, status, signs), line, _retry_after(error))


def _kind(error: Exception, status: Any, text: str) -> Kind:
    if isinstance(status, int):
        return _kind_of_status(status, text)
    if _TOO_LONG.search(text):
        return "too_long"
    names = {kind.__name__ for kind in type(error).__mro__}
    return "down" if any("Timeout" in n or "Connection" in n for n in names) else "odd"


def _kind_of_status(status: int, text: str) -> Kind:
    if status in _NO_TOOLS and _TOOLS.search(text):
        return "bad"
    if status in _FORBIDDEN or (status == 429 and _NO_MONEY.search(text)):
        return "forbidden"
    if status == 429:
        return "busy"
    if status in _TOLD_TO_WAIT or status >= 500:
        return "down"
    if status == _TOO_LARGE or _TOO_LONG.search(text):
        return "too_long"
    return "declined" if _DECLINED.search(text) else "bad"


def _retry_after(error: Exception) -> float | None:
    """Seconds from Retry-After-Ms or Retry-After (a number or an HTTP date, told from the server's own Date)."""
    headers: Mapping[str, str] = getattr(getattr(error, "response", None), "headers", None) or {}
    for name, unit in (("retry-after-ms", 1000.0), ("retry-after", 1.0)):
        try:
            return max(0.0, float(headers[name]) / unit)
        except (KeyError, ValueError):
            continue
    try:
        until, now = (parsedate_to_datetime(headers[name]) for name in ("retry-after", "date"))
        return max(0.0, (until - now).total_seconds())
    except (KeyError, TypeError, ValueError):
        return None
