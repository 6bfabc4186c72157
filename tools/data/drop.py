"""Columns that the user leaves out: a task folder beside the user's own, whose train and test tables lack them."""

import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd
import pyarrow.parquet as parquet

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.columns import nearest
from gome.tools.data.input_files import InputLinks
from gome.tools.data.table_names import TableName
from gome.tools.data.tables import read_columns
from gome.tools.data.task_files import task_files


def check_drop(
    path: Path, drop: Sequence[str], columns: Sequence[str], roles: Mapping[str, Sequence[str]]
) -> None:
    """Raises GomeError where a column to be left out is not among `columns`, or has one of the `roles` of the task, or
    where no other column is left."""
    for name in drop:
        for role, names in roles.items():
            if name in names:
                raise GomeError(f"drop: {name!r} is the {role} of the task and cannot be left out.")
        if name not in columns:
            raise GomeError(f"{path}: no column {name!r} to leave out{nearest(name, columns)}.")
    if drop and not set(columns) - {*drop, *(name for names in roles.values() for name in names)}:
        raise GomeError(f"{path}: no column is left to predict from; leave fewer out.")


def leave_out(task: Task, drop: Sequence[str], workspace: Path) -> Task:
    """The task in a folder below `workspace`: train and test without the columns `drop`, all other files as links.

    Cells are copied as they are written. Raises GomeError: unknown column, one that the task cannot do without, no
    column left.
    """
    root, tables = Path(task.root), {task.train, task.test}
    names = {table: read_columns(root / table) for table in tables}
    roles = {"target": task.target, "id": [task.id], "group": [task.group or ""], "time": [task.time or ""]}
    roles["metric's column"] = task.metric_columns
    check_drop(root / task.train, drop, [*names[task.train], *names[task.test]], roles)
    workspace = workspace.resolve()
    workspace.mkdir(parents=True, exist_ok=True)
    draft = Path(tempfile.mkdtemp(prefix=".task-", dir=workspace))
    for table in tables:
        _copy_without(root / table, draft / table, names[table], set(drop))
    links = InputLinks(root, workspace / ".copies")
    for name in task_files(root, task.links_root):
        if name not in tables:
            links.link(name, draft / name)
    draft.chmod(0o755)
    folder = workspace / root.name
    shutil.rmtree(folder, ignore_errors=True)
    draft.rename(folder)
    dates = {name: form for name, form in task.dates.items() if name not in drop}
    # Links were followed, so the new folder holds none that lead out of it.
    new = {"root": str(folder), "drop": list(drop), "dates": dates, "links_root": None}
    return task.model_copy(update=new)


def _copy_without(source: Path, destination: Path, names: list[str], drop: set[str]) -> None:
    kept = [i for i, name in enumerate(names) if name not in drop]
    destination.parent.mkdir(parents=True, exist_ok=True)
    table = TableName.of(source)
    if table and table.format == "parquet":
        parquet.write_table(parquet.read_table(source).select(kept), destination)
        return
    separator = "\t" if table and table.format == "tsv" else ","
    cells = pd.read_csv(
        source, sep=separator, header=None, dtype=str, keep_default_na=False, encoding="utf-8-sig"
    )
    cells[kept].to_csv(destination, index=False, header=False, sep=separator)
