"""The program log: lines `GOME {json}` that a solution prints about itself. Read as hostile: all of it bounded."""

import json
from typing import Any

from gome.state.plain import JsonObject
from gome.tools.execution.log_buffer import PROGRAM_LOG
from gome.tools.text import storable

PREFIX = PROGRAM_LOG.decode()
MAX_LINE, MAX_LINES, MAX_ITEMS, MAX_TEXT, MAX_DEPTH, MAX_REPEATED = 4096, 500, 100, 500, 3, 8
OURS = ("stages", "notes", "repeated", "by_fold", "folds", "of_last_fold")
"""Keys of the facts that only the harness sets."""
LARGEST = 1e100
"""Of numbers, either way: whatever is summed or squared of them later is still finite."""


def parse_log(text: str) -> JsonObject:
    """The facts of all program-log lines merged; never raises.

    A key holds what was said last under it; what was said several times is also kept apart, as repeated = {key: {"times",
    "values": the last eight in order}}. {"stage", "seconds"} lines collect as stages = {name: seconds}, the same name
    summed, {"note"} lines as notes. What is no JSON object, a number beyond 1e100 or nested deeper than a curve is
    dropped. At most 100 keys, 100 items of each (the last points of a curve), 500 characters of a text.
    """
    facts: JsonObject = {}
    said: dict[str, list[Any]] = {}
    lines = [line for line in text.splitlines() if line.startswith(PREFIX) and len(line) <= MAX_LINE]
    for line in lines[-MAX_LINES:]:
        for key, value in _facts(_parsed(line[len(PREFIX) :])).items():
            if key == "stages":
                _add_times(facts.setdefault(key, {}), value)
            elif key == "notes":
                facts[key] = [*facts.get(key, []), *value][-MAX_ITEMS:]
            elif key in facts or len(facts) < MAX_ITEMS:
                facts[key] = value
                said.setdefault(key, []).append(value)
    repeated = {key: values for key, values in said.items() if len(values) > 1}
    if repeated:
        facts["repeated"] = {
            key: {"times": len(values), "values": values[-MAX_REPEATED:]} for key, values in repeated.items()
        }
    return facts


def _parsed(line: str) -> JsonObject:
    try:
        entry = json.loads(line)
    except (ValueError, RecursionError):
        return {}
    return entry if isinstance(entry, dict) else {}


def _facts(entry: JsonObject) -> JsonObject:
    """What one line says, under the keys of the facts."""
    kept = _bounded(entry, MAX_DEPTH) or {}
    name, seconds, note = kept.pop("stage", None), kept.pop("seconds", None), kept.pop("note", None)
    facts = {key: value for key, value in kept.items() if value is not None and key not in OURS}
    if not isinstance(facts.get("importance", {}), dict):
        del facts["importance"]
    if isinstance(name, str) and isinstance(seconds, int | float):
        facts["stages"] = {name: seconds}
    if isinstance(note, str):
        facts["notes"] = [note]
    return facts


def _add_times(stages: dict[str, float], new: dict[str, float]) -> None:
    for name, seconds in new.items():
        if name in stages or len(stages) < MAX_ITEMS:
            stages[name] = round(stages.get(name, 0) + seconds, 3)


def _bounded(value: Any, depth: int) -> Any:
    """`value` within the bounds; None in place of what is not kept."""
    if isinstance(value, str):
        return storable(value[:MAX_TEXT])
    if isinstance(value, bool):
        return value
    if isinstance(value, int | float):
        return _plain_number(value) if abs(value) <= LARGEST else None  # NaN is not
    if depth == 0:
        return None
    if isinstance(value, dict):
        bounded = {storable(key[:MAX_TEXT]): _bounded(item, depth - 1) for key, item in value.items()}
        return _first({key: item for key, item in bounded.items() if item is not None})
    if isinstance(value, list):
        items = [_bounded(item, depth - 1) for item in value[-MAX_ITEMS:]]
        return [item for item in items if item is not None]
    return None


def _plain_number(value: float) -> float:
    """Whole numbers that not every store holds become floats."""
    return value if abs(value) < 2**53 else float(value)


def _first(items: JsonObject) -> JsonObject:
    return dict(list(items.items())[:MAX_ITEMS])
