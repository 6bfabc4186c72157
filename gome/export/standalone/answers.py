"""What a program has predicted, brought to one form: a row for each id, numbers in their range, labels as known."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gome.export.standalone.solution import Refused, Spec


def read_answers(spec: Spec, path: Path, ids: pd.Series, program: str) -> pd.DataFrame:
    """The submission of a program: its predictions for each of `ids`, in their order. Refused: other ids, a prediction
    that is none."""
    columns, words = spec["prediction"], [""] if spec["answers"]["as_text"] else spec["rows"]["missing"]
    gaps = {spec["id"]: [""], **dict.fromkeys(columns, words)}
    table = pd.read_csv(path, dtype=str, keep_default_na=False, na_values=gaps, encoding="utf-8-sig")
    if absent := [c for c in [spec["id"], *columns] if c not in table]:
        raise Refused(f"{program} predicted no column {', '.join(map(repr, absent))}")
    at = _keys(table[str(spec["id"])]).get_indexer(_keys(ids))
    if len(table) != len(ids) or min(at) < 0:
        raise Refused(f"{program} predicted other ids than it was given")
    table = table.iloc[at].reset_index(drop=True)[columns]
    table.insert(0, spec["id"], ids.to_numpy())
    for column in columns:
        table[column] = _in_form(spec, table[column], program)
    return _to_one(spec, table) if spec["answers"]["to_one"] else table


def as_submission(spec: Spec, table: pd.DataFrame, count: int) -> pd.DataFrame:
    """The first `count` rows under the columns of the sample, labels spelled as there."""
    spelling = spec["answers"]["spelling"]
    if spelling:
        column = spec["prediction"][0]
        table = table.assign(**{column: table[column].map(lambda label: spelling.get(label, label))})
    return table[spec["sample"]["columns"]][:count]


def _keys(ids: pd.Series) -> pd.Index:
    """Ids by which rows are told apart: as they stand, or, where all are numbers, by their value."""
    text = ids.astype(str)
    numbers = pd.to_numeric(text, errors="coerce")
    by_value = numbers.notna().all() and not numbers.duplicated().any()
    return pd.Index(numbers.astype(float) if by_value else text)


def _in_form(spec: Spec, values: pd.Series, program: str) -> pd.Series:
    if spec["answers"]["form"] == "text":
        return values.fillna("")
    if values.isna().any():
        raise Refused(f"{program} left {int(values.isna().sum())} predictions of {values.name!r} empty")
    if spec["answers"]["form"] == "label":
        return _labels(spec, values, program)
    if spec["answers"]["form"] == "as written":
        return values if values.str.fullmatch(r"-?\d+").all() else _numbers(values, values)
    numbers = _numbers(values, None)
    if numbers is None or not np.isfinite(numbers).all():
        raise Refused(f"{program} predicted something other than finite numbers in {values.name!r}")
    low, high = (
        np.inf * sign if bound is None else bound
        for bound, sign in zip(spec["answers"]["range"], (-1, 1), strict=True)
    )
    return numbers.clip(low, high)


def _numbers(values: pd.Series, otherwise: Any) -> Any:
    """Text as floats, exact to the last bit: pandas 2 is not. `otherwise` where some of it is no number."""
    try:
        return values.map(float).astype(float)
    except ValueError:
        return otherwise


def _labels(spec: Spec, values: pd.Series, program: str) -> pd.Series:
    """Labels as they are known, also where a program has spelled them as other numbers or in other letters."""
    classes = spec["answers"]["classes"]
    plain = [_plain(label) for label in classes]
    known = {short: label for short, label in zip(plain, classes, strict=True) if plain.count(short) == 1}
    text = values.map(lambda label: label if label in classes else known.get(_plain(label), label))
    if spec["answers"]["ordered"]:
        text = _nearest(text, classes)
    if not text.isin(classes).all():
        raise Refused(f"{program} predicted {text[~text.isin(classes)].iloc[0]!r}, which is no known label")
    return text


def _nearest(labels: pd.Series, classes: list[str]) -> pd.Series:
    """Numbers that are no label as the nearest one."""
    ordered = sorted(classes, key=float)
    numbers = np.array(ordered, dtype=float)
    given = pd.to_numeric(labels, errors="coerce").to_numpy(dtype=float)
    odd = ~labels.isin(classes).to_numpy() & np.isfinite(given)
    at = np.searchsorted((numbers[1:] + numbers[:-1]) / 2, given[odd])
    return labels.mask(odd, pd.Series(np.array(ordered, dtype=object)[at], index=labels.index[odd]))


def _plain(label: str) -> str:
    try:
        return repr(float(label))
    except ValueError:
        return label.strip().lower()


def _to_one(spec: Spec, table: pd.DataFrame) -> pd.DataFrame:
    """Rows of class probabilities that miss the sum 1 by more than rounding, divided by their sum."""
    total = table[spec["prediction"]].sum(axis=1)
    if (total <= 0).any():
        raise Refused("all probabilities of a row are 0")
    if ((total - 1).abs() > 1e-3).any():
        table[spec["prediction"]] = table[spec["prediction"]].div(total, axis=0)
    return table
