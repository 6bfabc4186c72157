"""A task.yaml written of what was understood, each key with what it was read from."""

from pathlib import Path
from typing import Any

import yaml

from gome.state.errors import GomeError
from gome.state.inspection import Inspection
from gome.state.task import Task
from gome.tools.data.mlebench import public_folder
from gome.tools.data.partial_task import TABLE_SETTINGS
from gome.tools.data.table_names import is_table
from gome.tools.data.tables import read_columns
from gome.tools.data.task_folder import TASK_FILE


def write_task_file(found: Inspection, task: Task, to: str) -> Path:
    """Write the task's file to the path `to`, or '' for the task folder, and return where it is.

    A guess, such as one of two readings of dates, is not written: it stays one. GomeError if the file is there already or
    cannot be written, and for one table without a path.
    """
    source = Path(found["path"])
    table = source if source.is_file() and is_table(source) else None
    if table and not to:
        raise GomeError(f"{table}: one table has no folder for a task file: give --write FILE.")
    file = Path(to).expanduser() if to else _folder(source) / TASK_FILE
    if file.is_dir():
        file = file / TASK_FILE
    if file.exists():
        raise GomeError(f"{file} is there already: give another path, --write FILE.")
    try:
        file.write_text("\n".join(_lines(found, task, table)) + "\n", encoding="utf-8")
    except OSError as error:
        raise GomeError(f"{file} cannot be written ({error.strerror}): give a path, --write FILE.") from error
    return file


def _folder(source: Path) -> Path:
    return public_folder(source if source.is_dir() else source.parent)


def _lines(found: Inspection, task: Task, table: Path | None) -> list[str]:
    lines = [f"# {found['path']}, as gome inspect understood it.", _entry("name", found["name"])]
    lines += [f"# Read by convention: {line}" for line in task.conventions]
    made = bool(task.conventions) and Path(task.root) != _folder(Path(found["path"]))
    for name, fact in found["facts"].items():
        value = fact["value"]
        if name == "direction" and ":" not in task.metric:
            continue
        if made and name in ("id", "sample", *TABLE_SETTINGS):
            continue  # of the tables that are made, not of this folder's files
        if name == "id" and table and value not in read_columns(table):
            continue  # made for this run
        if name == "dates":
            value = {column: form for column, form in value.items() if task.dates[column].other is None}
        if value:
            lines += ["", f"# {' '.join(fact['source'].split())}", _entry(name, value)]
    limits = {"time_limit": task.time_limit_s, "program_time_limit": task.program_time_limit_s}
    return lines + [_entry(name, value) for name, value in limits.items() if value is not None]


def _entry(name: str, value: Any) -> str:
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    return yaml.safe_dump({name: value}, sort_keys=False, allow_unicode=True, width=1000).rstrip()
