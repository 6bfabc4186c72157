"""How the dates of a column are written: one format for all rows, decided over train and test together.

A library that guesses may read one file day first and the other month first. So nothing here guesses by row: a format
fits every value of the column or it is none, and if several fit and give different dates, the choice is told as one.
"""

import re
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import pandas as pd

from gome.state.task import DateFormat

ISO = "ISO8601"
"""pandas' name for year-month-day in all its variants, with or without a time and an offset."""
_SHAPE = re.compile(
    r"\s*(\d{4}[-/.]\d{1,2}\b|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4}\b|\d{1,2}[- ]?[A-Za-z]{3,9}\.?[- ]?\d{2,4}\b"
    r"|([A-Za-z]{3,9},? )?(\d{1,2} )?[A-Za-z]{3,9}[- ](\d{1,2},? )?(\d{2}:|\d{2,4}\b)|\d{1,2}/\d{4}\s*$)"
)
_CLOCKS = {
    0: ("", " %I %p"),
    1: (" %H:%M", " %I:%M %p", "T%H:%M"),
    2: (" %H:%M:%S", " %I:%M:%S %p", " %H:%M:%S.%f", "T%H:%M:%S", " %H:%M:%S %z", " %H:%M:%S %Z", " %H:%M:%S.%f %Z"),
}  # fmt: skip
"""What may follow a date, by the number of colons."""
_NAMED = (
    "%d {b} %Y", "%d-{b}-%Y", "%d{b}%Y", "%d-{b}-%y", "%d {b} %y", "{b} %d, %Y", "{b} %d %Y", "{b} %Y", "{b}-%Y",
    "{b}-%y", "%a, %d {b} %Y", "%A, %d {b} %Y", "%A, {b} %d, %Y",
)  # fmt: skip
_WHOLE = ("%a %b %d %H:%M:%S %z %Y", "%a %b %d %H:%M:%S %Y")
_OFFSET = re.compile(r"\d[T ]\d.*(?:Z|[+-]\d\d:?\d\d)\s*$")


def find_format(values: pd.Series) -> DateFormat | None:
    """The format that fits all of `values`, text with gaps; None if there is none.

    Where several fit and give different dates, the one by which all are firsts of a month is taken, else that with the
    fewest years, else day first, but with `/` month first; `other` is the next best.
    """
    texts = _texts(values)
    if not len(texts) or not texts.str.match(_SHAPE).all():
        return None
    readings: dict[str, pd.Series] = {}
    for candidate in _candidates(texts.iloc[0]):
        read = _try(texts, candidate)
        if read is not None and not any(read.equals(known) for known in readings.values()):
            readings[candidate] = read
            if candidate == ISO:
                break
    best = sorted(readings, key=lambda name: _oddness(readings[name]))
    return DateFormat(format=best[0], other=next(iter(best[1:]), None)) if best else None


def looks_like_dates(values: pd.Series) -> bool:
    """Whether some values are shaped like dates, so that it is worth looking at all of them."""
    texts = _texts(values) if is_text(values) else pd.Series(dtype=object)
    return len(texts) > 0 and bool(texts.str.match(_SHAPE).any())


def fits(values: pd.Series, form: str) -> pd.Series:
    """Which of `values` (n,) are missing or can be read by a format: (n,) bools."""
    return values.isna() | parsed(values, form).notna()


def parsed(values: pd.Series, form: str) -> pd.Series:
    """`values`, (n,) text with gaps, as points in time (UTC); what does not fit the format is missing."""
    text = values.astype(object).where(values.notna(), None)
    return pd.to_datetime(text.map(str, na_action="ignore"), format=form, errors="coerce", utc=True)


def with_dates(table: pd.DataFrame, dates: Mapping[str, DateFormat]) -> pd.DataFrame:
    """The table with the columns of `dates` as points in time."""
    known = [c for c in dates if c in table.columns and not pd.api.types.is_datetime64_any_dtype(table[c])]
    return table.assign(**{c: parsed(table[c], dates[c].format) for c in known}) if known else table


def seconds(times: pd.Series) -> np.ndarray:
    """Points in time as seconds since 1970, (n,) floats, NaN where missing."""
    since = (times - pd.Timestamp(0, tz="UTC")).dt.total_seconds()
    return since.to_numpy(dtype=float)


def all_values(name: str, tables: Sequence[pd.DataFrame]) -> pd.Series:
    """The values of the column `name` in all tables that have it; text unless all of them are numbers or times."""
    parts = [t[name] for t in tables if name in t.columns and t[name].notna().any()]
    if len({part.dtype.kind for part in parts}) > 1:
        parts = [part.astype(object).where(part.notna(), None).map(str, na_action="ignore") for part in parts]
    return pd.concat(parts, ignore_index=True) if parts else pd.Series(dtype=object)


def is_text(values: pd.Series) -> bool:
    """Whether a column holds text: neither numbers, nor truth values, nor times."""
    return values.dtype.kind not in "biufcmM"


def same_order(values: pd.Series, form: DateFormat) -> bool:
    """Whether both readings of an ambiguous column put its rows in the same order."""
    assert form.other is not None
    left, right = (parsed(values, name).rank(method="dense") for name in (form.format, form.other))
    return left.equals(right)


def mixes_offsets(values: pd.Series) -> bool:
    """Whether some of the values say their offset from UTC and some do not, so that their order is not known."""
    share = _texts(values).str.contains(_OFFSET).mean()
    return 0 < share < 1


def most_fitting(values: pd.Series) -> tuple[str | None, str]:
    """Of values that no format fits: the one that fits most of them, if any, and a value that it does not fit."""
    texts = _texts(values)
    if not len(texts):
        return None, ""
    shares = {
        name: float(parsed(texts, name).notna().mean())
        for example in texts.iloc[:3]
        for name in _candidates(example)
    }
    best = max(shares, key=lambda name: shares[name])
    if not shares[best]:
        return None, str(texts.iloc[0])
    return best, str(texts[parsed(texts, best).isna()].iloc[0])


def _texts(values: pd.Series) -> pd.Series:
    return pd.Series(values.dropna().astype(str).unique(), dtype=object)


def _try(texts: pd.Series, form: str) -> pd.Series | None:
    try:
        return pd.to_datetime(texts, format=form, utc=True)
    except (ValueError, OverflowError):
        return None


def _oddness(times: pd.Series) -> tuple[bool, int]:
    return bool((times.dt.day != 1).any()), int(times.dt.year.nunique())


def _candidates(example: str) -> Iterator[str]:
    """Formats that `example` may be written in, in the order of preference."""
    yield ISO
    clocks = _CLOCKS.get(example.count(":"), ())
    if re.search("[A-Za-z]{3}", example):
        yield from _WHOLE
        yield from (day.format(b=b) + clock for day in _NAMED for b in ("%b", "%B") for clock in clocks)
    separator = next((s for s in "/-." if s in example), None)
    if separator is None:
        return
    orders = ["%d %m %Y", "%m %d %Y", "%d %m %y", "%m %d %y", "%y %m %d", "%Y %m %d", "%Y %d %m", "%m %Y"]
    if separator == "/":  # as in the United States; elsewhere too, so it is told
        orders = ["%m %d %Y", "%d %m %Y", "%m %d %y", "%d %m %y", *orders[4:]]
    yield from (order.replace(" ", separator) + clock for order in orders for clock in clocks)
