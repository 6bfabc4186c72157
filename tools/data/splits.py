"""Which rows a program trains on and which it is graded on: smoke, search folds and selection, fixed for a run.

Order of the cuts: the selection part is held back first and is seen by no other split; search and smoke are cut from
the rest. How many search folds: enough graded rows for the noise of a score to be small against the gain of a typical
step, and no more, as each fold is a program run of its own. A hold-out of n rows has a standard error of about
sd / sqrt(n), so of the rows left after selection: 1 fold from 20,000 (4,000 graded: accuracy known to 0.6 points),
3 folds from 2,000 (each row graded once), 5 folds below, and twice 5 folds under 300, where the cut itself is a source
of noise. In time order at most 3 windows, so that the oldest training part keeps 40 % of the rows.
"""

import json
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.columns import time_values
from gome.tools.data.probing import PROBES

MIN_ROWS = 20
SMOKE_TRAIN, SMOKE_TEST = 300, 100
DUPLICATE_SHARE = 0.01
NAMES = ("smoke", "search", "selection", "final")


@dataclass(frozen=True)
class Split:
    """One program run's rows: positions in the train table, ascending, disjoint."""

    name: str
    fold: int
    train_rows: np.ndarray
    test_rows: np.ndarray


@dataclass(frozen=True)
class SplitPlan:
    """All splits of a run. `reason` says in a sentence or two how the rows were cut and why."""

    splits: list[Split] = field(repr=False)
    reason: str

    def folds(self, name: str) -> list[Split]:
        """The folds of 'smoke', 'search', 'selection' or 'final' (all rows, none graded), in order; the
        probes have the rows of 'smoke'."""
        if name in PROBES:
            return [replace(split, name=name) for split in self.folds("smoke")]
        if name not in NAMES:
            raise ValueError(f"no split {name!r}; there are {', '.join(NAMES)}")
        return [split for split in self.splits if split.name == name]

    def save(self, path: Path) -> None:
        """Write the plan as one .npz file, whole or not at all."""
        arrays = {f"{s.name}-{s.fold}-{side}": rows for s in self.splits for side, rows in _sides(s).items()}
        draft = path.with_name(f".{path.name}.draft.npz")
        path.parent.mkdir(parents=True, exist_ok=True)
        np.savez_compressed(draft, reason=np.array(json.dumps(self.reason)), **arrays)  # type: ignore[arg-type]
        draft.replace(path)

    @classmethod
    def load(cls, path: Path) -> "SplitPlan":
        """The plan that `save` wrote."""
        with np.load(path, allow_pickle=False) as stored:
            keys = [key.rsplit("-", 2) for key in stored.files if key.endswith("-train")]
            splits = [
                Split(name, int(fold), stored[f"{name}-{fold}-train"], stored[f"{name}-{fold}-test"])
                for name, fold, _ in keys
            ]
            return cls(splits, json.loads(str(stored["reason"])))


def _sides(split: Split) -> dict[str, np.ndarray]:
    return {"train": split.train_rows, "test": split.test_rows}


def plan_splits(table: pd.DataFrame, task: Task, *, seed: int) -> SplitPlan:
    """The splits of the train table `table`; the same for the same rows, task and seed.

    Labels are spread evenly over the folds (classes by class, numbers by rank). With `task.group` no group is on both
    sides; with `task.time` all training rows are strictly older than the graded ones. Rows without a label are never
    graded, and train wherever group and time allow. Raises GomeError: fewer than 20 labelled rows, or fewer than
    three groups or points in time.
    """
    labelled = table[task.target].notna().all(axis=1).to_numpy()
    if labelled.sum() < MIN_ROWS:
        raise GomeError(
            f"{task.train}: {labelled.sum()} rows have a label; at least {MIN_ROWS} are needed to hold rows back."
        )
    rng = np.random.default_rng(seed)
    group, group_reason = _groups(table, task)
    order = _label_order(table, task)
    cut = _Cutter(labelled, order, task.problem != "regression", group, _times(table, task), rng)
    everything = np.arange(len(table))
    selection = cut.hold_out("selection", everything, 5 if labelled.sum() < 5000 else 6)
    rest = cut.without(everything, selection.test_rows)
    n = int(labelled[rest].sum())
    search, how = cut.search(rest, n)
    smoke = cut.smoke(rest)
    reason = (
        f"{len(selection.test_rows)} of {int(labelled.sum())} labelled rows are held back for the selection; "
        f"{how}; {cut.kind}{group_reason}."
    )
    final = Split("final", 0, everything, everything[:0])
    return SplitPlan([smoke, *search, selection, final], reason)


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


def _label_order(table: pd.DataFrame, task: Task) -> np.ndarray:
    """One number a row by which labels are spread: class code, code of the label combination, or the value."""
    if task.problem == "regression" and len(task.target) == 1:
        return pd.to_numeric(table[task.target[0]], errors="coerce").to_numpy(dtype=float)
    if task.problem == "regression":
        ranks = table[task.target].rank(pct=True)
        return ranks.mean(axis=1).to_numpy(dtype=float)
    if len(task.target) == 1:
        return pd.factorize(table[task.target[0]].astype(str))[0].astype(float)
    return table.groupby(task.target, dropna=False, sort=True, observed=True).ngroup().to_numpy(dtype=float)


def _times(table: pd.DataFrame, task: Task) -> np.ndarray | None:
    if task.time is None:
        return None
    values = time_values(table[task.time])
    if values is None or values.isna().any():
        raise GomeError(
            f"{task.train}: column {task.time!r} holds values that are no time; fill or drop those rows."
        )
    return pd.factorize(values, sort=True)[0]


def _groups(table: pd.DataFrame, task: Task) -> tuple[np.ndarray | None, str]:
    """Group codes: the task's column, else rows with the same features, if those are more than 1 % and under half."""
    if task.group is not None:
        return pd.factorize(table[task.group].astype(str))[0], f", no {task.group} on both sides"
    features = table.drop(columns=[c for c in [*task.target, task.id] if c in table.columns])
    if features.shape[1] == 0 or task.time is not None:
        return None, ""
    hashes = pd.util.hash_pandas_object(features.astype(_hashable(features)), index=False).to_numpy()
    codes, distinct = pd.factorize(hashes)
    few = pd.Series(hashes).duplicated(keep=False).mean() <= DUPLICATE_SHARE
    coarse = len(distinct) < len(table) / 2  # most rows repeat by nature, in the real test as well
    if few or coarse:
        return None, ""
    return codes, ", rows with the same features on one side"


def _hashable(features: pd.DataFrame) -> dict[str, type]:
    return {name: str for name in features.columns if features[name].dtype == object}


@dataclass
class _Cutter:
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

    def search(self, rows: np.ndarray, n: int) -> tuple[list[Split], str]:
        """The search folds on `rows`, `n` of them labelled, and how many in words."""
        if n >= 20_000:
            split = self.hold_out("search", rows, 5)
            return [split], f"search grades one hold-out of {len(split.test_rows)}"
        folds = 3 if n >= 2000 or self.time is not None else 5
        if self.time is not None:
            windows = self._windows("search", rows, folds, folds + 2)
            return windows, f"search grades {len(windows)} windows in time, each after its training rows"
        if self.classes and len(counts := np.unique(self._labels(rows), return_counts=True)[1]) == 2:
            folds = min(folds, max(2, int(counts.min())))
        repeats = 2 if n < 300 else 1
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
