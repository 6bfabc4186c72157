"""Tables that come as rows instead of as a file."""

import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.tools.data.typed import as_parquet


def write_rows(rows: object, folder: Path, stem: str = "rows") -> Path:
    """A file of `rows` in `folder`, under a name that `stem` and its content give it: Parquet, which keeps the type of
    each column, or CSV of what has none.

    `rows` is CSV text, a mapping for each row, a mapping of columns to their values, or a DataFrame. GomeError for
    anything else, if mappings have different names, columns different lengths, or there is no row.
    """
    content, suffix = _as_file(rows)
    path = folder / f"{stem}-{hashlib.sha256(content).hexdigest()[:12]}.{suffix}"
    if not path.is_file():
        folder.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return path


def _as_file(rows: object) -> tuple[bytes, str]:
    if isinstance(rows, str):
        return rows.encode(), "csv"
    table = _frame(rows)
    if not isinstance(rows, pd.DataFrame) and table.map(lambda cell: isinstance(cell, str)).all(axis=None):
        return table.to_csv(
            index=False
        ).encode(), "csv"  # what csv.DictReader gives: nobody has said any type
    return as_parquet(table), "parquet"


def _frame(rows: object) -> pd.DataFrame:
    """`rows` as a table of at least one row."""
    if isinstance(rows, pd.DataFrame):
        table = rows
    elif isinstance(rows, Mapping):
        table = _of_columns(rows)
    elif isinstance(rows, Sequence) and not isinstance(rows, bytes):
        table = _of_objects(rows)
    else:
        raise GomeError(
            f"rows: a {type(rows).__name__} is no table; give CSV text, a list of objects, an object of columns, or a "
            "DataFrame"
        )
    if table.empty:
        raise GomeError("rows: there is no row with a value in it")
    return table


def _of_columns(columns: Mapping[str, object]) -> pd.DataFrame:
    lists: dict[str, list[object]] = {}
    for name, values in columns.items():
        if isinstance(values, str | bytes) or not isinstance(values, Sequence | np.ndarray | pd.Series):
            raise GomeError(f"rows: column {name!r} is a {type(values).__name__}; give a list of its values")
        lists[name] = list(values)
    lengths = {name: len(values) for name, values in lists.items()}
    if len(set(lengths.values())) > 1:
        short, long = min(lengths, key=lambda n: lengths[n]), max(lengths, key=lambda n: lengths[n])
        raise GomeError(
            f"rows: column {short!r} has {lengths[short]} values and {long!r} has {lengths[long]}; give all as many"
        )
    return pd.DataFrame(lists, dtype=object)


def _of_objects(rows: Sequence[object]) -> pd.DataFrame:
    names = list(rows[0]) if rows and isinstance(rows[0], Mapping) else []
    table: list[dict[str, object]] = []
    for number, row in enumerate(rows, 1):
        if not isinstance(row, Mapping):
            raise GomeError(
                f"rows: row {number} is a {type(row).__name__}; give an object, with a value for each column"
            )
        if odd := sorted(set(row) ^ set(names), key=str):
            raise GomeError(
                f"rows: row {number} and row 1 do not have the same columns: {odd[0]!r} is in one of them; "
                "give each row all columns, null where there is no value"
            )
        table.append(dict(row))
    return pd.DataFrame(table, columns=names, dtype=object)
