"""How pandas reads a column of CSV, and which cells would make it read otherwise.

An exported solution carries this file as it is: it needs pandas alone.
"""

from collections.abc import Collection
from typing import Literal

import pandas as pd

Kind = Literal["numbers", "True and False", "text", "nothing"]
_TRUTH = ("True", "TRUE", "true", "False", "FALSE", "false")  # what pandas reads as such


def kind_of(column: pd.Series) -> Kind:
    """How pandas has read a column by itself."""
    if column.isna().all():
        return "nothing"
    if pd.api.types.is_bool_dtype(column):
        return "True and False"
    return "numbers" if pd.api.types.is_numeric_dtype(column) else "text"


def odd_cells(cells: pd.Series, kind: str, date: str | None, missing: Collection[str]) -> pd.Series:
    """Which cells (n,), text with gaps, have no place in a column of this kind, or of dates in the format `date`; what is
    in `missing` is a gap."""
    known = cells.notna() & ~cells.isin(list(missing))
    if date is not None:
        return known & pd.to_datetime(cells.where(known), format=date, errors="coerce", utc=True).isna()
    if kind == "numbers":
        return known & pd.to_numeric(cells, errors="coerce").isna()
    return known & ~cells.isin(_TRUTH) if kind == "True and False" else known & False


def reads_as_text(cells: pd.Series, missing: Collection[str]) -> pd.Series:
    """Which cells (n,) make pandas read their column as text."""
    known = cells.notna() & ~cells.isin([*missing, *_TRUTH])
    return known & pd.to_numeric(cells, errors="coerce").isna()
