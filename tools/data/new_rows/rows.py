"""New rows as they are read: columns, ids, labels and categories checked, every fault told in one line."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.columns import class_text, nearest
from gome.tools.data.dates import is_text
from gome.tools.data.ids import id_text
from gome.tools.data.inventory import few
from gome.tools.data.labels import shown
from gome.tools.data.new_rows.form import as_cells, as_schema, check_cells, companions, text_columns
from gome.tools.data.new_rows.kinds import kind_of
from gome.tools.data.table_names import is_parquet
from gome.tools.data.tables import read_cells, read_columns, read_table

CATEGORIES = 1000
"""A column with more values than that, or a new one in every other row, is text or a key: new ones are no news."""


@dataclass(frozen=True)
class NewRows:
    """`count` rows to be predicted, in the form of the task's test table; behind them in `table` stand companions, rows
    of that table by whose cells columns read as they should. `answers`: id and `task.answer_columns` of the rows whose
    labels are known; None if none is. `notes` are lines for people."""

    table: pd.DataFrame
    count: int
    answers: pd.DataFrame | None
    notes: list[str]


def read_new_rows(path: Path, task: Task, folder: Path) -> NewRows:
    """The rows of the CSV or Parquet file `path`, for the task as it lies in `folder` (the input of split 'final').

    Columns that the task's test table does not have are left out, labels among them. Raises GomeError: a column that is
    missing or reads otherwise, an id that is empty or there twice, whatever `read_table` raises.
    """
    names = read_columns(path)
    wanted = wanted_columns(task, folder)
    numbered = task.numbered and task.id not in names
    if absent := [c for c in wanted if c not in names and not (numbered and c == task.id)]:
        raise GomeError(
            f"{path}: no column {few([repr(c) for c in absent])}, which programs were given in {task.test}"
            f"{nearest(absent[0], names)}; add it, with empty fields where nothing is known"
        )
    given = _read(path, folder / task.test)
    if numbered:
        given.insert(0, task.id, np.arange(len(given)))
    ids = _checked_ids(path, given[task.id])
    answers, notes = _answers(path, task, ids, names)
    extra = [c for c in names if c not in (*wanted, *task.answer_columns, *task.drop)]
    if extra:
        notes.append(f"left out of {path.name}, as {task.test} has no such columns: {few(extra)}")
    table = _in_form(path, given[wanted], task, folder)
    notes += _new_categories(table[: len(given)], task, folder)
    return NewRows(table, len(given), answers, notes)


def wanted_columns(task: Task, folder: Path) -> list[str]:
    """The columns of the test table; the id alone where that is the sample submission."""
    if task.test == task.sample:
        return [task.id]
    return [c for c in read_columns(folder / task.test) if c not in task.target]


def _read(path: Path, test: Path) -> pd.DataFrame:
    """The rows, typed where the test table is; else cells as they stand, or typed ones of Parquet."""
    return read_table(path, text=text_columns(test)) if is_parquet(test) else read_cells(path)


def _checked_ids(path: Path, column: pd.Series) -> pd.Series:
    ids = id_text(column)
    if ids.isna().any():
        raise GomeError(f"{path}, row {int(ids.isna().argmax()) + 1}: the id {column.name!r} is empty")
    if (twice := ids.duplicated()).any():
        raise GomeError(
            f"{path}, row {int(twice.argmax()) + 1}: {column.name} = {shown(ids[twice].iloc[0])} is there before; each "
            "id may stand once"
        )
    return ids


def _answers(
    path: Path, task: Task, ids: pd.Series, names: list[str]
) -> tuple[pd.DataFrame | None, list[str]]:
    """The answers that the rows hold, and what is to be said of them."""
    labels = [c for c in task.target if c in names]
    absent = [c for c in task.answer_columns if c not in names]
    if not labels:
        return None, []
    if absent:
        return None, [f"no score: {path.name} has {few(labels)}, but not {few(absent)}"]
    table = read_table(path, columns=task.answer_columns, text=task.text_columns)
    table.insert(0, task.id, ids.to_numpy())
    known = table[task.target].notna().all(axis=1)
    gaps = int((~known).sum())
    notes = [f"{gaps} of {len(table)} rows have no label, and count for no score"] if gaps else []
    return (table[known].reset_index(drop=True) if known.any() else None), notes


def _in_form(path: Path, given: pd.DataFrame, task: Task, folder: Path) -> pd.DataFrame:
    """The rows as the test table's program finds them, with companions where columns would read otherwise."""
    test = folder / task.test
    like = read_table(test)
    if is_parquet(test):
        table = as_schema(given, test, path)
        written = [c for c in task.dates if c in table and is_text(like[c])]
        check_cells(table, like[written], task.dates, task.text_columns, path)
        return table
    cells = as_cells(given, like, task.dates, path) if is_parquet(path) else given
    check_cells(cells, told(like, task, folder), task.dates, task.text_columns, path)
    beside = companions(cells, read_cells(test), like, task, path)
    return pd.concat([cells, beside[cells.columns]], ignore_index=True) if len(beside) else cells


def told(like: pd.DataFrame, task: Task, folder: Path) -> pd.DataFrame:
    """The test table; of columns that say nothing there, train's."""
    empty = [c for c in like.columns if kind_of(like[c]) == "nothing"]
    train = folder / task.train
    known = [c for c in empty if c in read_columns(train)]
    return (
        like.drop(columns=empty).join(read_table(train, columns=known)) if known else like.drop(columns=empty)
    )


def _new_categories(table: pd.DataFrame, task: Task, folder: Path) -> Iterator[str]:
    """A line for each column of categories with values that no training row has."""
    path, skipped = folder / task.train, {*task.text_columns, *task.dates}
    names = [c for c in read_columns(path) if c in table and c not in skipped]
    train = read_table(path, columns=names) if names else table[:0]
    for name in names:
        known, cells = train[name], class_text(table[name])
        if kind_of(known) != "text" or known.nunique() > min(CATEGORIES, known.notna().sum() / 2):
            continue
        new = cells[cells.notna() & ~cells.isin(class_text(known))]
        if len(new):
            values = few([repr(v) for v in new.unique()])
            yield f"{name}: no training row has {values} ({len(new)} of {len(table)} rows)"
