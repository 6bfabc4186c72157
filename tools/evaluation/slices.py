"""Parts of a table on which the loss is worse than on the rest: ranges of numbers, categories, missing values."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from statistics import NormalDist

import numpy as np
import pandas as pd

from gome.tools.data.columns import class_text, column_kind, time_values
from gome.tools.data.dates import seconds

FEWEST_ROWS = 20
FEWEST_SHARE, MOST_SHARE = 0.005, 0.6
MOST_CATEGORIES = 20
CHANCE = (
    0.05  # of naming any slice at all where there is nothing to find (Bonferroni over all slices looked at)
)
_SAME = 0.8  # overlap from which two slices tell the same
_A_COLUMN = 2


@dataclass(frozen=True)
class Slice:
    """Rows (positions) of one part of a column; `z`: how many standard errors their mean loss is above the others'."""

    column: str
    name: str
    rows: np.ndarray
    z: float


def worst_slices(table: pd.DataFrame, loss: np.ndarray, count: int) -> list[Slice]:
    """At most `count` slices of `table` with a mean of `loss` (n,) surely above the others', surest first.

    A slice has at least 20 rows and 0.5 % of all, and at most 60 %: more are the rule, not a part. Of slices that hold
    nearly the same rows only the surest stays, and of one column at most two.
    """
    found = [part for column in table.columns for part in _column_slices(str(column), table[column], loss)]
    sure = NormalDist().inv_cdf(1 - CHANCE / max(1, len(found)))
    chosen: list[Slice] = []
    for part in sorted(found, key=lambda part: -part.z):
        if part.z < sure or len(chosen) == count:
            break
        crowded = sum(part.column == other.column for other in chosen) == _A_COLUMN
        if not crowded and not any(_overlap(part.rows, other.rows) > _SAME for other in chosen):
            chosen.append(part)
    return chosen


def _column_slices(column: str, values: pd.Series, loss: np.ndarray) -> Iterator[Slice]:
    part, names = parts(values)
    if len(names) > 1:
        z = _z_scores(part, len(names), loss)
        for i, name in enumerate(names):
            yield Slice(column, name, np.flatnonzero(part == i), float(z[i]))


def _z_scores(part: np.ndarray, count: int, loss: np.ndarray) -> np.ndarray:
    """Welch's z of the mean loss of each part against all other rows; 0 for parts too small or too large."""
    inside = part >= 0
    rows, total, squares = (
        np.bincount(part[inside], weights=w[inside], minlength=count)
        for w in (np.ones(len(loss)), loss, loss**2)
    )
    others = np.array([len(loss), loss.sum(), (loss**2).sum()])[:, None] - np.array([rows, total, squares])
    unfit = (rows < max(FEWEST_ROWS, FEWEST_SHARE * len(loss))) | (rows > MOST_SHARE * len(loss))
    with np.errstate(invalid="ignore", divide="ignore"):
        mean, rest = total / rows, others[1] / others[0]
        noise = (squares / rows - mean**2) / rows + (others[2] / others[0] - rest**2) / others[0]
        z = (mean - rest) / np.sqrt(np.maximum(noise, 0))
    return np.where(unfit | ~np.isfinite(z), 0, z)


def parts(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    """The part of each row, (n,) ints, -1 for none, and the parts' names; missing values are a part of their own.

    Numbers and times by quartile, texts by quartile of their length, others by value (the 20 most frequent).
    """
    kind = column_kind(values)
    if kind in ("id", "image", "constant") and values.notna().all():
        return np.full(len(values), -1), []
    if kind in ("number", "integer", "date") and values.nunique() > MOST_CATEGORIES // 2:
        part, names = _quartiles(_as_numbers(values), kind == "date")
    elif kind == "text":
        part, names = _quartiles(values.astype(object).str.len().to_numpy(dtype=float), False)
        names = [f"length {name}" for name in names]
    elif kind in ("id", "image", "constant"):
        part, names = np.full(len(values), -1), ["present"]
        part[values.notna().to_numpy()] = 0
    else:
        part, names = _categories(values)
    gap = values.isna().to_numpy()
    part[gap] = len(names) if gap.any() else -1
    return part, [*names, "missing"] if gap.any() else names


def _as_numbers(values: pd.Series) -> np.ndarray:
    times = time_values(values)
    if times is not None and pd.api.types.is_datetime64_any_dtype(times):
        return seconds(times)
    return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float)


def _quartiles(numbers: np.ndarray, times: bool) -> tuple[np.ndarray, list[str]]:
    known = np.isfinite(numbers)
    edges = np.unique(np.quantile(numbers[known], [0.25, 0.5, 0.75])) if known.any() else np.array([])
    edges = edges[edges < numbers[known].max()] if known.any() else edges
    part = np.searchsorted(edges, numbers, side="left")
    part[~known] = -1
    said = [str(pd.Timestamp(int(e), unit="s").date()) if times else f"{e:.4g}" for e in edges]
    names = [f"<= {said[0]}"] if said else ["any"]
    names += [f"{a} to {b}" for a, b in pairwise(said)]
    return part, [*names, f"> {said[-1]}"] if said else names


def _categories(values: pd.Series) -> tuple[np.ndarray, list[str]]:
    part, found = pd.factorize(class_text(values))
    most = np.argsort(-np.bincount(part[part >= 0], minlength=len(found)), kind="stable")[:MOST_CATEGORIES]
    renumbered = np.full(len(found) + 1, -1)  # the last one is for -1, what factorize gives to missing values
    renumbered[most] = np.arange(len(most))
    return renumbered[part], [str(found[i]) for i in most]


def _overlap(a: np.ndarray, b: np.ndarray) -> float:
    """Rows in both over rows in either; `a`, `b` are sorted."""
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common / (len(a) + len(b) - common)


def short(value: float) -> float:
    """Four significant digits."""
    return float(f"{value:.4g}")
