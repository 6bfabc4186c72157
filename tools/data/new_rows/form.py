"""The form of new rows: each column reads as it does in the task's own test table, or is refused in one line.

Programs were tried on tables whose columns read in a certain way. pandas decides how a column of CSV reads by the rows
that are there: of few rows, text may read as numbers, and a column without any value as floats. What reads otherwise is
refused where a cell is to blame, and else mended by `companions`, rows of the task's own test table set beside.
"""

import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet as parquet

from gome.state.errors import GomeError
from gome.state.task import DateFormat, Task
from gome.tools.data.columns import class_text
from gome.tools.data.dates import ISO
from gome.tools.data.ids import id_text
from gome.tools.data.labels import shown
from gome.tools.data.new_rows.kinds import kind_of, odd_cells, reads_as_text
from gome.tools.data.tables import MISSING, read_table, write_table


def as_cells(
    table: pd.DataFrame, like: pd.DataFrame, dates: dict[str, DateFormat], path: Path
) -> pd.DataFrame:
    """A typed table of the file `path` as cells of CSV, text with gaps: dates as the task writes them, truth values as
    the table `like` does. GomeError: a column of lists."""
    cells = {}
    for name, column in table.items():
        if column.map(lambda cell: isinstance(cell, list | dict | np.ndarray)).any():
            raise GomeError(
                f"{path}: the column {name!r} holds lists; the task's test table is CSV and has none."
            )
        if pd.api.types.is_bool_dtype(column) and name in like and kind_of(like[name]) == "numbers":
            column = column.astype(int)
        elif pd.api.types.is_datetime64_any_dtype(column):
            form = dates[str(name)].format if name in dates else ISO
            column = column.map(str, na_action="ignore") if form == ISO else column.dt.strftime(form)
        cells[name] = class_text(column)
    return pd.DataFrame(cells)


def check_cells(
    cells: pd.DataFrame, like: pd.DataFrame, dates: dict[str, DateFormat], skip: Iterable[str], path: Path
) -> None:
    """Raises GomeError for the first cell, text with gaps, that is no number, no truth value or no date where the table
    `like`, as pandas reads it, holds nothing else. Columns in `skip` are text, whatever they look like."""
    for name in (c for c in cells.columns if c in like and c not in set(skip)):
        written = dates[name].format if name in dates else None
        odd = odd_cells(cells[name], kind_of(like[name]), written, MISSING)
        if odd.any():
            row, wanted = int(odd.argmax()), f"dates as {written!r}" if written else kind_of(like[name])
            raise GomeError(
                f"{path}, row {row + 1}: {name!r} is {shown(cells[name].iloc[row])} where the task has {wanted}; mend "
                "the cell, or leave it empty if nothing is known"
            )


def companions(
    cells: pd.DataFrame, test: pd.DataFrame, like: pd.DataFrame, task: Task, path: Path
) -> pd.DataFrame:
    """The fewest rows of the task's test table by which columns of `cells` that would read otherwise read as text.

    `test` are its cells, `like` the same as pandas reads them. None of them has an id of `cells`. GomeError where there
    is no such row.
    """
    read, skip = _as_read(cells), task.text_columns
    wanting = [
        c for c in cells if c not in skip and kind_of(like[c]) == "text" and kind_of(read[c]) != "text"
    ]
    free = ~id_text(test[task.id]).isin(id_text(cells[task.id])).to_numpy()
    helps = pd.DataFrame({c: reads_as_text(test[c], MISSING) & free for c in wanting}, index=test.index)
    chosen: list[int] = []
    while wanting:
        at = int(helps[wanting].sum(axis=1).argmax())
        gained = [c for c in wanting if helps[c].iloc[at]]
        if not gained:
            raise GomeError(
                f"{path}: no cell of {wanting[0]!r} reads as text, as the task's own do; give rows that have a value"
            )
        chosen.append(at)
        wanting = [c for c in wanting if c not in gained]
    return test.iloc[chosen]


def _as_read(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells as pandas reads them from a file."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "rows.csv"
        write_table(cells, path)
        return read_table(path)


def text_columns(path: Path) -> list[str]:
    """The columns of text of a Parquet table."""
    return [field.name for field in parquet.read_schema(path) if _is_text(field.type)]


def as_schema(table: pd.DataFrame, test: Path, path: Path) -> pd.DataFrame:
    """The rows of the file `path` with the types of the Parquet table `test`. GomeError for a column that does not go
    into its type."""
    schema, columns = parquet.read_schema(test), {}
    for name, column in table.items():
        wanted = schema.field(str(name)).type
        try:
            columns[str(name)] = _cast(column, wanted)
        except (pyarrow.ArrowException, ValueError, TypeError, OverflowError) as error:
            said = str(error).splitlines()[0][:160]
            raise GomeError(
                f"{path}: the column {name!r} is not {wanted}, as the task's own is ({said}); mend its cells, or leave "
                "them empty if nothing is known"
            ) from None
    return pyarrow.table(columns).to_pandas()


def _cast(column: pd.Series, wanted: pyarrow.DataType) -> Any:
    if pyarrow.types.is_timestamp(wanted) or pyarrow.types.is_date(wanted):
        column = pd.to_datetime(column, format=None if column.dtype.kind == "M" else ISO)
        if getattr(wanted, "tz", None) is None and column.dt.tz is not None:
            column = column.dt.tz_convert("UTC").dt.tz_localize(None)
    elif _is_text(wanted):
        column = class_text(column)
    elif pyarrow.types.is_boolean(wanted) and not column.dropna().isin([True, False]).all():
        raise ValueError("neither True nor False")
    return pyarrow.array(column, type=wanted, from_pandas=True)


def _is_text(kind: pyarrow.DataType) -> bool:
    kind = kind.value_type if pyarrow.types.is_dictionary(kind) else kind
    return bool(pyarrow.types.is_string(kind) or pyarrow.types.is_large_string(kind))
