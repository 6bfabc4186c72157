"""A table in memory as Parquet: text stays text, and dates, categories, numbers and truth values what they are."""

import io

import numpy as np
import pandas as pd
import pyarrow
import pyarrow.parquet as parquet
from pyarrow import types

from gome.state.errors import GomeError


def as_parquet(table: pd.DataFrame) -> bytes:
    """The columns of `table` without its index. What no other program would read as it was meant (lists, times of day,
    bytes, cells of several types) is the text that CSV had of it. GomeError: two columns of one name."""
    names = [str(name) for name in table.columns]
    if twice := next((name for name in names if names.count(name) > 1), None):
        raise GomeError(f"rows: the column name {twice!r} occurs more than once; rename one of them")
    columns = {name: _column(table.iloc[:, at]) for at, name in enumerate(names)}
    buffer = io.BytesIO()
    parquet.write_table(pyarrow.table(columns), buffer)
    return buffer.getvalue()


def _column(values: pd.Series) -> pyarrow.Array:
    if isinstance(values.dtype, pd.SparseDtype):
        values = pd.Series(np.asarray(values))
    try:
        column = pyarrow.array(values, from_pandas=True)
        wanted = _kept(column.type)
        if wanted is not None:
            return column if wanted == column.type else column.cast(wanted)
    except (pyarrow.ArrowException, ValueError, TypeError, OverflowError):
        pass
    return pyarrow.array(
        values.astype(object).map(str, na_action="ignore"), pyarrow.string(), from_pandas=True
    )


def _kept(found: pyarrow.DataType) -> pyarrow.DataType | None:
    """The type under which a column is written; None for one that goes as text."""
    if types.is_dictionary(found):
        return found if _kept(found.value_type) == found.value_type else None
    if types.is_null(found) or types.is_decimal(found):
        return pyarrow.float64()
    if types.is_float16(found):
        return pyarrow.float32()
    if types.is_date(found):
        return pyarrow.timestamp("us")
    plain = (types.is_integer, types.is_floating, types.is_boolean, types.is_timestamp, types.is_string)
    return found if any(fits(found) for fits in (*plain, types.is_large_string)) else None
