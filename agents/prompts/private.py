"""Prompts of a private run: names and statistics of the data, and no cell of it (docs/what-a-model-is-sent.md).

What programs print may quote cells, and so may the message of an error: of both only what cannot is left.
"""

import re
from collections.abc import Mapping
from typing import Any, cast

from gome.state.plain import JsonObject
from gome.state.prompt_context import PromptContext

_OF_COLUMNS = (
    *("name", "kind", "dtype", "missing", "test_missing", "unique", "mean", "mean_words", "std", "skew"),
    *("image_size", "drift", "count", "kinds", "template", "format", "other"),
)
_OF_TARGETS = ("kind", "dtype", "missing", "unique", "counts", "mean", "std", "skew")
_OF_PROGRAMS = ("train_score", "valid_score", "gpu_peak_mb")
_OF_SLICES = ("column", "rows", "loss", "z")
_ENDED = re.compile(r"ended with exit code \S+?(?=:|$)")
_CLASS = re.compile(r"\b[A-Za-z_][\w.]*(?:Error|Exception|Warning|Exit|Interrupt)\b")
_FRAME = re.compile(r'\s*File "[^"]*main\.py", (line \d+)')
_QUOTED = re.compile(r"""'[^'\n]*'|"[^"\n]*\"""")
_STEPS = ("history", "siblings", "claimed", "momentum")


def without_cells(context: PromptContext, texts: Mapping[str, Any]) -> tuple[PromptContext, JsonObject]:
    """The context and the texts of a prompt without anything that quotes a cell; class names stay."""
    shown: JsonObject = dict(context)
    for name, part in (("data", _data), ("evidence", _evidence), ("error", _error)):
        if shown.get(name):
            shown[name] = part(shown[name])
    # Whatever has `facts` tells of a program, and these are what it printed.
    programs = [name for name, part in shown.items() if isinstance(part, dict) and "facts" in part]
    shown |= {name: _program(shown[name]) for name in programs}
    for name in _STEPS:
        if shown.get(name):
            shown[name] = [_step(row) for row in shown[name]]
    if shown.get("previews"):
        shown["previews"] = [
            {k: v for k, v in p.items() if k not in ("example", "problem")} for p in shown["previews"]
        ]
    said = dict(texts)
    if "traceback" in said:
        said["traceback"] = traceback_of(said["traceback"])
    if "earlier" in said:
        said["earlier"] = [said_of(line) for line in said["earlier"]]
    return cast(PromptContext, shown), said


def said_of(problem: str) -> str:
    """What may be told of a problem: how the program ended and by which class of error, or the sentence without what it
    quotes."""
    if ended := _ENDED.search(problem):
        classes = _CLASS.findall(problem[ended.end() :])
        return f"{problem[: ended.end()]}: {classes[0]}" if classes else problem[: ended.end()]
    return _QUOTED.sub("'...'", problem)


def traceback_of(log: str) -> str:
    """What may be told of what a program printed: its lines that were at work, and the class of the error."""
    lines = [f"main.py, {frame[1]}" for line in log.splitlines() if (frame := _FRAME.match(line))]
    last = next((line for line in reversed(log.splitlines()) if line and not line[0].isspace()), "")
    if found := _CLASS.match(last):
        lines.append(found.group(0))
    return "\n".join(lines) or "(what the program printed is left out: the run is private)"


def _data(data: JsonObject) -> JsonObject:
    left = {k: v for k, v in data.items() if k not in ("examples", "warnings", "leaks", "notes", "tables")}
    left["columns"] = [_part(column, _OF_COLUMNS) for column in data.get("columns", [])]
    left["target"] = {name: _part(column, _OF_TARGETS) for name, column in data.get("target", {}).items()}
    return left


def _evidence(evidence: JsonObject) -> JsonObject:
    left = {k: v for k, v in evidence.items() if k not in ("worst_rows", "unread")}
    if slices := evidence.get("worst_slices"):
        left["worst_slices"] = [_part(row, _OF_SLICES) for row in slices]
    return left


def _error(error: JsonObject) -> JsonObject:
    left = {k: v for k, v in error.items() if k != "stages"}
    return {**left, "problems": [said_of(line) for line in error.get("problems", [])]}


def _program(about: JsonObject) -> JsonObject:
    facts = {k: v for k, v in (about.get("facts") or {}).items() if k in _OF_PROGRAMS}
    return {**about, "facts": facts, "problems": [said_of(line) for line in about.get("problems") or []]}


def _step(row: JsonObject) -> JsonObject:
    """A step; of a failed one, whose words quote its error, the class of that alone."""
    left = {k: v for k, v in row.items() if row.get("verdict") != "failed" or k not in ("feedback", "lesson")}
    if "problems" in left:
        left["problems"] = [said_of(line) for line in left["problems"]]
    return left


def _part(row: JsonObject, keys: tuple[str, ...]) -> JsonObject:
    return {key: row[key] for key in keys if key in row}
