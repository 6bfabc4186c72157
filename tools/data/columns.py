"""What a column holds: its kind, read from its values, and its values as points in time."""

import difflib
import re
from collections.abc import Iterable
from pathlib import PurePosixPath
from typing import Any, Literal

import numpy as np
import pandas as pd

from gome.tools.data.dates import find_format, parsed

Kind = Literal["number", "integer", "category", "boolean", "date", "text", "image", "id", "constant"]

IMAGE_SUFFIXES = (".jpg", ".jpeg", ".png", ".bmp", ".gif", ".tif", ".tiff", ".webp")
_TRUTH = {"true", "false", "yes", "no", "t", "f", "y", "n"}
_PROBE = 500
_SAMPLE = 20_000


def nearest(name: str, names: Iterable[str], count: int = 3) -> str:
    """The names most like `name`, as the end of an error message: "; nearest: a, b" or "; there are: a, b, c"."""
    names = list(names)
    by_lower = {n.lower(): n for n in reversed(names)}
    found = [by_lower[n] for n in difflib.get_close_matches(name.lower(), by_lower, n=count, cutoff=0.5)]
    if found:
        return "; nearest: " + ", ".join(found)
    shown = ", ".join(names[:12]) + (", ..." if len(names) > 12 else "")
    return f"; there are: {shown}" if names else ""


def time_values(series: pd.Series) -> pd.Series | None:
    """`series` as numbers or as points in time (UTC), missing values kept; None if it holds neither.

    Of a task's tables, take what `with_dates` gives: the format of a column is that of all its rows.
    """
    if pd.api.types.is_bool_dtype(series):
        return None
    if pd.api.types.is_numeric_dtype(series):
        return series
    if pd.api.types.is_datetime64_any_dtype(series):
        return pd.to_datetime(series, utc=True)
    found = find_format(series)
    return parsed(series, found.format) if found else None


def class_text(values: pd.Series) -> pd.Series:
    """Class labels as text, (n,) objects, None where missing: 1 and 1.0 become '1', True becomes 'True'."""
    codes, unique = pd.factorize(values)
    text = np.array([*map(_label_text, unique), None], dtype=object)
    return pd.Series(text[codes], index=values.index, name=values.name, dtype=object)


def _label_text(label: Any) -> str:
    if isinstance(label, float | np.floating) and float(label).is_integer():
        return str(int(label))
    return str(label)


def column_kind(series: pd.Series) -> Kind:
    """The kind of a column, told from at most 20,000 of its values; an all-missing column is constant.

    "id": whole numbers or short strings, nearly all different (numbers: only with an id-like name or in steps of one);
    "text": long strings, five words or more on average and mostly different; "image": names of image files.
    """
    values = series.dropna()
    if len(values) > _SAMPLE:
        values = values.iloc[np.linspace(0, len(values) - 1, _SAMPLE).astype(int)]
    unique = values.astype(str).nunique() if values.dtype == object else values.nunique()
    if unique <= 1:
        return "constant"
    if pd.api.types.is_bool_dtype(values):
        return "boolean"
    if pd.api.types.is_datetime64_any_dtype(values):
        return "date"
    if pd.api.types.is_numeric_dtype(values):
        return _number_kind(str(series.name), values, unique)
    return _string_kind(values.astype(str), unique)


def _number_kind(name: str, values: pd.Series, unique: int) -> Kind:
    numbers = values.to_numpy(dtype=float)
    if not np.all(np.isfinite(numbers)) or not np.all(numbers == np.floor(numbers)):
        return "number"
    if unique == 2 and set(np.unique(numbers)) == {0.0, 1.0}:
        return "boolean"
    if unique == len(values) >= 20 and (_named_like_id(name) or np.all(np.diff(numbers) == 1)):
        return "id"
    return "integer"


def _named_like_id(name: str) -> bool:
    return bool(
        re.search(r"(^|[_\W])(id|key|uuid|guid|index)$", name, re.I) or re.search(r"[a-z](Id|ID)$", name)
    )


def _string_kind(values: pd.Series, unique: int) -> Kind:
    probe = values.head(_PROBE)
    if probe.map(lambda v: PurePosixPath(v).suffix.lower() in IMAGE_SUFFIXES).mean() > 0.95:
        return "image"
    if unique == 2 and set(values.str.lower().unique()) <= _TRUTH:
        return "boolean"
    if find_format(values) is not None:
        return "date"
    words = probe.map(lambda v: len(v.split())).mean()
    if words >= 5 and unique > 0.5 * len(values):
        return "text"
    if unique >= 0.98 * len(values) and len(values) >= 20:
        return "id" if words < 2 and probe.str.len().mean() <= 64 else "text"
    return "category"
