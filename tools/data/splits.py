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

from gome.state.errors import GomeError, NotUnderstood
from gome.state.task import Task
from gome.tools.data.columns import time_values
from gome.tools.data.dates import with_dates
from gome.tools.data.label_probes import PROBES
from gome.tools.data.row_splits import FEWEST, RowSplitter, Split, moments

MIN_ROWS = 20
DUPLICATE_SHARE = 0.01
NAMES = ("smoke", "search", "selection", "final")
REDUCED = "reduced"
"""The task as it is, with the training rows of the first search fold alone: for programs that take too long on all."""
UNGRADED = ("final", REDUCED)
"""Splits that predict the real test rows."""


@dataclass(frozen=True)
class SplitPlan:
    """All splits of a run. `reason` says in a sentence or two how the rows were cut and why."""

    splits: list[Split] = field(repr=False)
    reason: str

    def folds(self, name: str) -> list[Split]:
        """The folds of 'smoke', 'search', 'selection' or 'final' (all rows, none graded), in order; the
        probes have the rows of those of 'search', 'reduced' the training rows of its first one."""
        if name in PROBES:
            return [replace(split, name=name) for split in self.folds("search")]
        if name == REDUCED:
            first = self.folds("search")[0]
            return [Split(REDUCED, 0, first.train_rows, first.test_rows[:0])]
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


def plan_splits(
    table: pd.DataFrame, task: Task, *, seed: int, folds: int | None = None, at_least: int = MIN_ROWS
) -> SplitPlan:
    """The splits of the train table `table`; the same for the same rows, task, seed and number of search `folds`.

    Labels are spread evenly over the folds (classes by class, numbers by rank). With `task.group` no group is on both
    sides; with `task.time` all training rows are strictly older than the graded ones. Rows without a label are never
    graded, and train wherever group and time allow. Raises NotUnderstood: fewer labelled rows than `at_least`; GomeError:
    fewer than three groups or points in time.
    """
    labelled = table[task.target].notna().all(axis=1).to_numpy()
    if labelled.sum() < at_least:
        raise NotUnderstood(
            f"{task.train}: {labelled.sum()} rows have a label; at least {at_least} are needed to hold rows back."
        )
    rng = np.random.default_rng(seed)
    group, group_reason = _groups(table, task)
    order = _label_order(table, task)
    time = None if task.time is None else moments(table, task.time, task.dates, task.train)
    cut = RowSplitter(labelled, order, task.problem != "regression", group, time, rng)
    everything = np.arange(len(table))
    parts = min(5 if labelled.sum() < 5000 else 6, int(labelled.sum()) // FEWEST)
    selection = cut.hold_out("selection", everything, parts)
    rest = cut.without(everything, selection.test_rows)
    n = int(labelled[rest].sum())
    search, how = cut.search(rest, n, folds)
    smoke = cut.smoke(rest)
    reason = (
        f"{len(selection.test_rows)} of {int(labelled.sum())} labelled rows are held back for the selection; "
        f"{how}; {cut.kind}{_time_reason(task)}{group_reason}."
    )
    if time is not None:
        _check_order([smoke, *search, selection], table, task)
    final = Split("final", 0, everything, everything[:0])
    return SplitPlan([smoke, *search, selection, final], reason)


def _check_order(splits: list[Split], table: pd.DataFrame, task: Task) -> None:
    """No cut may train on what is later than what it grades, by the times themselves and not the ranks it was made by."""
    assert task.time is not None
    times = time_values(with_dates(table[[task.time]], task.dates)[task.time])
    for split in splits:
        if times is None or times.iloc[split.train_rows].max() > times.iloc[split.test_rows].min():
            raise GomeError(f"{task.train}: the {split.name} split does not run forward along {task.time!r}.")


def _label_order(table: pd.DataFrame, task: Task) -> np.ndarray:
    """One number a row by which labels are spread: class code, code of the label combination, or the value."""
    if task.problem == "regression" and len(task.target) == 1:
        return pd.to_numeric(table[task.target[0]], errors="coerce").to_numpy(dtype=float)
    if task.problem == "regression":
        ranks = table[task.target].rank(pct=True)
        return ranks.mean(axis=1).to_numpy(dtype=float)
    if len(task.target) == 1:
        return pd.factorize(table[task.target[0]], use_na_sentinel=False)[0].astype(float)
    return table.groupby(task.target, dropna=False, sort=True, observed=True).ngroup().to_numpy(dtype=float)


def _time_reason(task: Task) -> str:
    """Along what, and how its dates were read."""
    if task.time is None:
        return ""
    read = task.dates.get(task.time)
    return f" by {task.time}" + (f", read as {read.format}" if read else "")


def _groups(table: pd.DataFrame, task: Task) -> tuple[np.ndarray | None, str]:
    """Group codes: the task's column, else rows with the same features, if those are more than 1 % and under half."""
    if task.group is not None:
        return pd.factorize(table[task.group], use_na_sentinel=False)[0], f", no {task.group} on both sides"
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
