"""How rows are cut in two: by time, by group, with labels spread evenly."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import DateFormat
from gome.tools.data.columns import time_values
from gome.tools.data.dates import with_dates

SMOKE_TRAIN, SMOKE_TEST = 300, 100
FEWEST = 3
"""Graded rows of a part: the noise of fewer cannot be told from themselves."""


@dataclass(frozen=True)
class Split:
    """One program run's rows: positions in the train table, ascending, disjoint."""

    name: str
    fold: int
    train_rows: np.ndarray
    test_rows: np.ndarray


@dataclass
class RowSplitter:
    """Cuts row sets in two. Each cut grades labelled rows only and trains on what group and time allow."""

    labelled: np.ndarray
    order: np.ndarray
    classes: bool
    group: np.ndarray | None
    time: np.ndarray | None
    rng: np.random.Generator

    @property
    def kind(self) -> str:
        if self.time is not None:
            return "training rows are older than graded ones"
        return "drawn at random with labels spread evenly"

    def hold_out(self, name: str, rows: np.ndarray, parts: int) -> Split:
        """One of `parts` equal parts of `rows` as test: the latest, or the one nearest to its share in size."""
        if self.time is not None:
            return self._windows(name, rows, 1, parts)[0]
        tests = self._deal(rows, parts)
        share = self.labelled[rows].sum() / parts
        labels = [len(np.unique(self.order[test])) if self.classes else 0 for test in tests]
        best = min(range(len(tests)), key=lambda i: (-labels[i], abs(len(tests[i]) - share)))
        return self._split(name, 0, rows, tests[best])

    def search(self, rows: np.ndarray, n: int, asked: int | None = None) -> tuple[list[Split], str]:
        """The search folds on `rows`, `n` of them labelled, and how many in words; `asked`: so many, as far as the rows
        allow, 1 for a hold-out."""
        if asked == 1 or (asked is None and n >= 20_000):
            split = self.hold_out("search", rows, 5)
            return [split], f"search grades one hold-out of {len(split.test_rows)}"
        usual = 3 if n >= 2000 or self.time is not None else 5
        folds = min(asked or usual, max(2, n // FEWEST))
        if self.time is not None:
            windows = self._windows("search", rows, folds, folds + 2)
            return windows, f"search grades {len(windows)} windows in time, each after its training rows"
        if self.classes and len(counts := np.unique(self._labels(rows), return_counts=True)[1]) == 2:
            folds = min(folds, max(2, int(counts.min())))
        repeats = 2 if n < 300 and asked is None else 1
        tests = [test for _ in range(repeats) for test in self._deal(rows, folds)]
        splits = [self._split("search", i, rows, test) for i, test in enumerate(tests)]
        per = len(splits) // repeats
        return splits, f"search grades {'two times ' if repeats == 2 else ''}{per} folds of {n} rows"

    def smoke(self, rows: np.ndarray) -> Split:
        """A few hundred rows that keep the shape of a full split, classes included."""
        whole = self.hold_out("smoke", rows, 4)
        train, test = self._sample(whole.train_rows, SMOKE_TRAIN), self._sample(whole.test_rows, SMOKE_TEST)
        return Split("smoke", 0, train, test)

    def without(self, rows: np.ndarray, test: np.ndarray) -> np.ndarray:
        """`rows` that may be known before `test` is graded: not in it, in no group of it, older than all of it."""
        keep = ~np.isin(rows, test)
        if self.group is not None:
            keep &= ~np.isin(self.group[rows], self.group[test])
        if self.time is not None:
            keep &= self.time[rows] < self.time[test].min()
        return rows[keep]

    def _labels(self, rows: np.ndarray) -> np.ndarray:
        return self.order[rows[self.labelled[rows]]]

    def _split(self, name: str, fold: int, rows: np.ndarray, test: np.ndarray) -> Split:
        train = self.without(rows, test)
        if not self.labelled[train].any():
            raise GomeError(
                "no labelled rows are left to train on once group and time are kept apart; name only one."
            )
        return Split(name, fold, train, np.sort(test))

    def _deal(self, rows: np.ndarray, parts: int) -> list[np.ndarray]:
        """The labelled `rows` in `parts`, equal in size and in labels, groups whole."""
        rows = rows[self.labelled[rows]]
        units = np.arange(len(rows)) if self.group is None else pd.factorize(self.group[rows])[0]
        sizes = np.bincount(units)
        if len(sizes) < 3:
            raise GomeError(
                f"only {len(sizes)} groups have labelled rows; at least 3 are needed to hold rows back."
            )
        parts = min(parts, len(sizes))
        labels = np.bincount(units, weights=self.order[rows]) / sizes
        part = deal(labels, parts, self.rng, classes=self.classes, sizes=sizes)
        return [rows[part[units] == i] for i in range(parts)]

    def _windows(self, name: str, rows: np.ndarray, count: int, parts: int) -> list[Split]:
        """The last `count` of `parts` stretches of time, each with all that is older as its training rows."""
        assert self.time is not None
        known = rows[self.labelled[rows]]
        times = np.sort(self.time[known])
        starts = np.unique([times[len(times) * (parts - i) // parts] for i in range(count, 0, -1)])
        starts = starts[starts > times[0]]
        if not len(starts):
            if times[-1] == times[0]:
                raise GomeError(
                    "the time column has too few distinct values to grade on later rows than trained on."
                )
            starts = np.array([times[times > times[0]][0]])
        ends = [*starts[1:], times[-1] + 1]
        moments = self.time[known]
        tests = [known[(moments >= a) & (moments < b)] for a, b in zip(starts, ends, strict=True)]
        return [self._split(name, i, rows, test) for i, test in enumerate(tests)]

    def _sample(self, rows: np.ndarray, size: int) -> np.ndarray:
        """At most `size` of `rows`, with every class among them where `size` allows; numbers spread by rank."""
        rows = rows[self.labelled[rows]]
        if len(rows) <= size:
            return rows
        order = self.order[rows]
        shuffled = np.lexsort((self.rng.random(len(rows)), order))
        first = shuffled[np.unique(order[shuffled], return_index=True)[1]] if self.classes else shuffled[:0]
        first = first[: size // 2]
        even = shuffled[np.linspace(0, len(rows) - 1, size).round().astype(int)]
        chosen = list(dict.fromkeys([*first.tolist(), *self.rng.permutation(even).tolist()]))[:size]
        return np.sort(rows[chosen])


def hold_out(
    order: np.ndarray,
    parts: int,
    *,
    classes: bool,
    group: np.ndarray | None = None,
    time: np.ndarray | None = None,
    seed: int = 0,
) -> Split:
    """One of `parts` parts of all rows as test: the latest by `time` (ranks), else drawn by `order` (class codes or
    values), with no `group` (codes) on both sides. With both, older rows of the test's groups are on neither side.
    Raises GomeError where that cannot be done.
    """
    rows = np.arange(len(order))
    rng = np.random.default_rng(seed)
    return RowSplitter(np.ones(len(rows), dtype=bool), order, classes, group, time, rng).hold_out(
        "test", rows, parts
    )


def deal(
    labels: np.ndarray,
    parts: int,
    rng: np.random.Generator,
    *,
    classes: bool,
    sizes: np.ndarray | None = None,
) -> np.ndarray:
    """The part, 0 to `parts` - 1, of each unit (a row, or a group of `sizes` rows): (n,) ints.

    Units are sorted by label and dealt out like cards, so that all parts have the same share of each class, or of each
    range of a number; of groups the large ones go first. scikit-learn's stratified splitters do not take rare classes,
    numbers, or groups with numbers; this one rule takes them all.
    """
    n = len(labels)
    sizes = np.ones(n) if sizes is None else sizes
    sorted_ = np.lexsort((rng.random(n), labels, -np.floor(np.log2(sizes))))
    if (
        not classes
    ):  # shuffled within blocks of neighbours: a fixed order would give one part the larger values
        block = np.empty(n, dtype=np.int64)
        block[sorted_] = np.arange(n) // parts
        sorted_ = np.lexsort((rng.random(n), block))
    part = np.empty(n, dtype=np.int64)
    part[sorted_] = rng.permutation(parts)[np.arange(n) % parts]
    return part


def moments(table: pd.DataFrame, column: str, dates: Mapping[str, DateFormat], name: str) -> np.ndarray:
    """The points in time of a table's rows as ranks (rows,), text read by `dates`. Raises GomeError, for the table called
    `name`, if a value is no time."""
    values = time_values(with_dates(table[[column]], dates)[column])
    if values is None or values.isna().any():
        raise GomeError(f"{name}: column {column!r} holds values that are no time; fill or drop those rows.")
    return pd.factorize(values, sort=True)[0]
