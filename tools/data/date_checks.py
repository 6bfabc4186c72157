"""The date columns of a task and their formats, and what must be asked before rows are cut along one of them."""

import datetime
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import DateFormat
from gome.tools.data.columns import nearest
from gome.tools.data.dates import (
    all_values,
    find_format,
    fits,
    is_text,
    mixes_offsets,
    most_fitting,
    parsed,
    same_order,
)

_RUN_TOGETHER = ("%d%m%Y", "%m%d%Y")


def date_formats(
    path: Path,
    tables: Sequence[pd.DataFrame],
    given: Mapping[str, str],
    time: str | None,
    skip: Collection[str] = (),
) -> dict[str, DateFormat]:
    """The format of each column of the first table that holds dates as text, decided over the rows of all `tables`.

    `given` formats go before. Raises GomeError for the file `path`: a given column that is not there, or a format that
    does not fit; or a `time` column whose order is not clear: no dates or numbers, several formats, or one that may be
    read in two ways.
    """
    names = [str(c) for c in tables[0].columns]
    for name in given:
        if name not in names:
            raise GomeError(f"{path}: 'dates' names {name!r}, which is no column{nearest(name, names)}.")
    formats: dict[str, DateFormat] = {}
    for name in names:
        values = all_values(name, tables)
        if name in given:
            formats[name] = _given(path, name, values, given[name])
        elif name not in skip and is_text(values) and (found := find_format(values)):
            formats[name] = found
    if time is not None:
        _check_time(path, time, all_values(time, tables), formats.get(time))
    return formats


def _given(path: Path, name: str, values: pd.Series, form: str) -> DateFormat:
    if not is_text(values):
        raise GomeError(
            f"{path}: {name!r} holds numbers or times, no text: it has no date format; leave it out of 'dates'."
        )
    if "%" not in form and form != "ISO8601":
        raise GomeError(f"dates: {form!r} of {name!r} is no format: write day, month, year as in '%d/%m/%Y'.")
    try:
        odd = values[~fits(values, form)]
    except ValueError as error:
        raise GomeError(f"dates: the format {form!r} of {name!r} is not valid ({error}).") from error
    if len(odd):
        raise GomeError(f"{path}: {name!r} holds {odd.iloc[0]!r}, which is not written as {form!r}.")
    return DateFormat(format=form)


def _check_time(path: Path, name: str, values: pd.Series, found: DateFormat | None) -> None:
    where = f"{path}: the time column {name!r}"
    if not is_text(values):
        if values.dtype.kind in "iu" and (form := _run_together(values)):
            raise GomeError(
                f"{where} holds dates as numbers such as {values.iloc[0]} ({form}), which do not sort by time; "
                "write them as 2020-12-31."
            )
        return
    if found is None:
        form, odd = most_fitting(values)
        if form is None:
            raise GomeError(f"{where} holds no dates or numbers, such as {odd!r}.")
        raise GomeError(f"{where} is not written in one way: most values are {form}, {odd!r} is not.")
    if found.other and not same_order(values, found):
        example = values[parsed(values, found.format) != parsed(values, found.other)].dropna().iloc[0]
        raise GomeError(
            f"{where}: dates such as {str(example)!r} may be {found.format} or {found.other}; say which in task.yaml, "
            f'dates: {{{name}: "{found.format}"}}, or by --date-format "{name}={found.format}".'
        )
    if mixes_offsets(values):
        raise GomeError(f"{where}: some times say their offset from UTC and some do not; write it for all.")
    latest = parsed(values, found.format).max()
    if "%y" in found.format and latest.year > datetime.date.today().year + 1:
        raise GomeError(
            f"{where} has years of two digits, by which the latest would be {latest:%Y}; write four."
        )


def _run_together(values: pd.Series) -> str | None:
    """The day-first or month-first format of whole numbers such as 31122020; None if they are none."""
    if not values.between(1_011_900, 31_122_100).all():
        return None
    texts = values.astype(str).str.zfill(8)
    if parsed(texts, "%Y%m%d").notna().all():
        return None
    for form in _RUN_TOGETHER:
        times = parsed(texts, form)
        if times.notna().all() and times.dt.year.between(1900, 2100).all():
            return form
    return None
