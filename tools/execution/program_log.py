"""The program log: `GOME {json}` lines that a solution prints as evidence. Read as hostile: bounded, numbers finite."""

import json
import math
from typing import Any

PREFIX = "GOME "
MAX_LINE, MAX_LINES, MAX_ITEMS = 8_000, 500, 40


def parse_log(text: str) -> dict[str, Any]:
    """The lines merged into one mapping; `stage` lines become stages = {name: seconds}. Bad lines are passed over."""
    facts: dict[str, Any] = {}
    lines = [line for line in text.splitlines() if line.startswith(PREFIX) and len(line) <= MAX_LINE]
    for line in lines[-MAX_LINES:]:
        try:
            found = json.loads(line[len(PREFIX) :])
        except (ValueError, RecursionError):
            continue
        if isinstance(found, dict):
            _merge(facts, found)
    return facts


def _merge(facts: dict[str, Any], found: dict[str, Any]) -> None:
    if "stage" in found:
        seconds = found.get("seconds")
        if isinstance(seconds, int | float) and math.isfinite(seconds):
            facts.setdefault("stages", {})[str(found["stage"])[:40]] = round(float(seconds), 3)
        return
    for key, value in list(found.items())[:MAX_ITEMS]:
        kept = _bounded(value, depth=3)
        if kept is not None and len(facts) < MAX_ITEMS:
            facts[str(key)[:40]] = kept


def _bounded(value: Any, depth: int) -> Any:
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int | float):
        return value if math.isfinite(value) and abs(value) < 1e300 else None
    if isinstance(value, str):
        return value[:500]
    if depth == 0:
        return None
    if isinstance(value, dict):
        return {str(k)[:60]: _bounded(v, depth - 1) for k, v in list(value.items())[:MAX_ITEMS]}
    if isinstance(value, list):
        return [_bounded(v, depth - 1) for v in value[-MAX_ITEMS:]]
    return None
