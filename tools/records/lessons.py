"""Lessons across runs: a file of JSON lines that a run reads at its start and adds its steps to at its end."""

import fcntl
import os
from pathlib import Path

from pydantic import TypeAdapter, ValidationError

from gome.state.errors import GomeError
from gome.state.step import EarlierStep, StepBrief, brief_from_json
from gome.state.task import Task
from gome.tools.records.jsonl import append_line, parse_line

_entry = TypeAdapter(EarlierStep)


def read_lessons(path: Path) -> list[EarlierStep]:
    """The entries of a file of lessons, in order; none if there is no file yet.

    Raises GomeError: not to be read or written, or a line that is no entry.
    """
    if (
        path.is_dir()
        or not path.parent.is_dir()
        or not os.access(path if path.exists() else path.parent, os.W_OK)
    ):
        raise GomeError(f"lessons {path}: it must be a file that can be written, in a folder that exists")
    try:
        lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    except (OSError, UnicodeDecodeError) as error:
        raise GomeError(f"lessons {path} cannot be read as text: {error}") from None
    return [_read(path, number, line) for number, line in enumerate(lines, start=1) if line.strip()]


def _read(path: Path, number: int, line: str) -> EarlierStep:
    try:
        row = parse_line(line)
        return _entry.validate_python(
            brief_from_json(row) if row and {"trace", "step"} <= row.keys() else row
        )
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the line"
        raise GomeError(
            f"lessons {path}, line {number}: {where}: {first['msg'].lower()}; name a file that `lessons` made"
        ) from None


def add_run(path: Path, run: str, task: Task, entries: list[StepBrief]) -> int:
    """Add a run's steps to the file, once however often it is called; how many were added.

    Ids become 'run/trace:step'. Scores and programs are left out: they mean nothing to another run.
    """
    with path.open("a+", encoding="utf-8") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # several runs may end at the same time
        known = {entry["id"] for entry in read_lessons(path)}
        fresh = [e for e in entries if f"{run}/{e['id']}" not in known]
        for entry in fresh:
            kept = {**entry, "id": f"{run}/{entry['id']}", "score": None, "code": None}
            about = {"run": run, "task": task.name, "metric": task.metric, "direction": task.direction}
            append_line(path, {**kept, **about}, durable=True)
    return len(fresh)
