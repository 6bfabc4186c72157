"""How much of the target one column tells by itself, out of sample: no model, only shares and means by range."""

import numpy as np
import pandas as pd

from gome.tools.data.columns import class_text, column_kind, time_values
from gome.tools.data.dates import seconds

SAMPLE = 10_000
RANGES = 64
FEWEST = 50


class Answer:
    """The target (n,), without gaps, as `single_column_score` reads it: ranks of numbers, or classes.

    `number`: the values, where they are numbers or two classes. `chance`: how often two rows agree by chance.
    """

    def __init__(self, target: pd.Series, *, classes: bool) -> None:
        self.classes = classes
        numeric = pd.to_numeric(target, errors="coerce")
        codes, labels = pd.factorize(class_text(target), sort=True)
        self.number: np.ndarray | None = numeric.to_numpy(dtype=float) if numeric.notna().all() else None
        self.codes: np.ndarray = codes
        if classes:
            if self.number is None and len(labels) == 2:
                self.number = codes.astype(float)
            shares = np.bincount(codes) / max(1, len(codes))
        else:
            self.codes = target.rank(pct=True).to_numpy(dtype=float)
            shares = np.unique(numeric.to_numpy(dtype=float), return_counts=True)[1] / max(1, len(target))
        self.chance = float((shares**2).sum())
        self.varies = len(labels) > 1

    def comparable(self, values: pd.Series) -> np.ndarray:
        """Values in the form in which equality with the target means something; rounded, as tables are."""
        if self.classes:
            return class_text(values).to_numpy()
        return pd.to_numeric(values, errors="coerce").to_numpy(dtype=float).round(9)


def single_column_score(values: pd.Series, answer: Answer) -> float:
    """Share of the target that `values` (n,) tell, at most 1; 0 or below where they tell nothing, or too few rows.

    Two halves of the rows foretell each other: a range or category of `values` by its commonest class or its mean rank
    in the other half. Of classes it is the share of the errors of always saying the commonest one that goes away; of
    numbers the explained variance of ranks. At most 10,000 evenly spaced rows are looked at.
    """
    n = len(values)
    if n < FEWEST:
        return 0.0
    rows = np.arange(n) if n <= SAMPLE else np.linspace(0, n - 1, SAMPLE).astype(int)
    cells = _cells(values.iloc[rows].reset_index(drop=True))
    if cells.max() < 1:
        return 0.0
    target = answer.codes[rows]
    half = np.random.default_rng(0).permutation(len(rows)) % 2 == 0
    score = _classes_told if answer.classes else _ranks_told
    return float(np.mean([score(cells, target, known) for known in (half, ~half)]))


def _cells(values: pd.Series) -> np.ndarray:
    """A number for each row: the range or category that its value is in; missing values are one of their own."""
    kind = column_kind(values)
    if kind in ("number", "integer", "date", "id") and (points := _points(values)) is not None:
        known = np.isfinite(points)
        ranges = max(2, min(RANGES, int(known.sum()) // 10))
        distinct = np.unique(points[known])
        if len(distinct) > ranges:
            distinct = np.unique(np.quantile(points[known], np.arange(1, ranges) / ranges))
        cells = np.searchsorted(distinct, points, side="left")
        cells[~known] = len(distinct) + 1
        return cells
    return pd.factorize(class_text(values).fillna(""))[0]


def _points(values: pd.Series) -> np.ndarray | None:
    times = time_values(values)
    if times is None:
        return None
    if pd.api.types.is_datetime64_any_dtype(times):
        return seconds(times)
    return times.to_numpy(dtype=float)


def _classes_told(cells: np.ndarray, codes: np.ndarray, known: np.ndarray) -> float:
    counts = np.zeros((cells.max() + 1, codes.max() + 1))
    np.add.at(counts, (cells[known], codes[known]), 1)
    common = counts.sum(axis=0).argmax()
    said = np.where(counts.any(axis=1), counts.argmax(axis=1), common)
    wrong = np.mean(said[cells[~known]] != codes[~known])
    plain = np.mean(common != codes[~known])
    return 1 - wrong / plain if plain > 0 else 0.0


def _ranks_told(cells: np.ndarray, ranks: np.ndarray, known: np.ndarray) -> float:
    size = cells.max() + 1
    rows = np.bincount(cells[known], minlength=size)
    total = np.bincount(cells[known], weights=ranks[known], minlength=size)
    mean = ranks[known].mean()
    said = np.where(rows > 0, total / np.maximum(rows, 1), mean)
    spread = np.mean((ranks[~known] - mean) ** 2)
    return 1 - np.mean((ranks[~known] - said[cells[~known]]) ** 2) / spread if spread > 0 else 0.0
