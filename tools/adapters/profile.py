"""A task without tables in a few lines: the tree that a program will see, with examples, and what its units are."""

import os
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from gome.state.errors import GomeError
from gome.state.profile import DataProfile
from gome.state.task import Task
from gome.tools.adapters.inputs import AdapterInputs
from gome.tools.data.other_files import count_suffixes
from gome.tools.data.table_names import is_table, suffix_of
from gome.tools.data.tables import read_columns
from gome.tools.data.task_files import task_files

LINES, LIKE, EXAMPLES = 60, 8, 3
"""Most lines of a tree, folders of one folder from which on only some are shown, and names shown of a kind of files."""


def profile_files(task: Task, inputs: AdapterInputs) -> DataProfile:
    """The data profile as far as there is one: how many units and rows, files by suffix, the tree. No columns."""
    public = inputs.input_dir("final", 0)
    return {
        "rows": len(inputs.units),
        "test_rows": len(inputs.sample("final", 0)),
        "columns": [],
        "files": count_suffixes(task_files(public)),
        "tree": tree(public),
        "notes": [
            f"{task.adapter_name} names {len(inputs.units)} labelled units: `rows`; `test_rows` are the sample's"
        ],
    }


def tree(folder: Path) -> list[str]:
    """What lies in a folder, a line for each folder and each kind of files in it, with a few of their names."""
    lines = list(_below(folder, ""))
    return lines if len(lines) <= LINES else [*lines[:LINES], f"... and {len(lines) - LINES} more lines"]


def _below(root: Path, name: str) -> Iterator[str]:
    entries = sorted(os.scandir(root / name), key=lambda e: e.name)
    folders = [e.name for e in entries if e.is_dir()]
    kinds = defaultdict(list)
    for entry in entries:
        if not entry.is_dir():
            kinds[suffix_of(entry.name)].append(entry.name)
    prefix = f"{name}/" if name else ""
    for suffix, names in kinds.items():
        if len(names) <= EXAMPLES or not name:
            yield from (f"{prefix}{n}{_columns(root / prefix / n)}" for n in names[: 4 * EXAMPLES])
        else:
            yield f"{prefix}: {len(names)} {suffix or 'other'} files: {', '.join(names[:EXAMPLES])}, ..."
    alike = len(folders) > LIKE
    if alike:
        yield f"{prefix}: {len(folders)} folders: {', '.join(folders[:EXAMPLES])}, ..."
    for inner in folders[:2] if alike else folders:
        yield from _below(root, f"{prefix}{inner}")


def _columns(path: Path) -> str:
    """The columns of a table, for its line; '' for what is none."""
    if not is_table(path):
        return ""
    try:
        names = read_columns(path)
    except GomeError:
        return ""
    return f" (columns {', '.join(names[:12])}{', ...' if len(names) > 12 else ''})"
