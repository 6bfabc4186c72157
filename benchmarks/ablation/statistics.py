"""From rows of results.jsonl to means with confidence intervals, paired over tasks and seeds."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

CORE = ("tree", "gradient 1", "gradient 0.5", "gradient 0")
"""Arms that must be there for a task and seed to count."""
RESAMPLES, LOW, HIGH = 4000, 2.5, 97.5


@dataclass(frozen=True)
class Interval:
    """A mean and its 95 % interval, from resampling the seeds within each task."""

    mean: float
    low: float
    high: float


def table(rows: Iterable[dict[str, Any]]) -> pd.DataFrame:
    """One line a run, of the tasks and seeds for which the core arms are whole, with two measures in percent.

    `improving`: the steps after the drafts that were accepted with a measured gain. `reached`:
    what a run gains on the hidden test rows, from the first program (the same in all arms) to what it hands over, is
    measured against the best core arm's gain on that task, averaged over seeds: 100 is as good as the best arm each time.
    """
    runs = pd.DataFrame(rows).drop_duplicates(["task", "seed", "arm"], keep="last")
    runs["gain"] = runs["sign"] * (runs["final"] - runs["first"])
    core = runs[runs["arm"].isin(CORE)].pivot(index=["task", "seed"], columns="arm", values="gain")
    core = core.reindex(columns=list(CORE)).dropna()
    scale = core.max(axis=1).groupby("task").mean().rename("scale")
    runs = runs.set_index(["task", "seed"]).loc[lambda r: r.index.isin(core.index)].reset_index()
    runs = runs.merge(scale, on="task")
    improving = 100 * runs["improved"] / runs["later"].clip(lower=1)
    return runs.assign(reached=100 * runs["gain"] / runs["scale"], improving=improving)


def mean(runs: pd.DataFrame, arm: str, column: str = "reached") -> Interval:
    """The mean of a column over an arm's runs, each task with the same weight."""
    return _interval(_wide(runs, column), lambda wide: wide[arm])


def difference(runs: pd.DataFrame, arm: str, other: str, column: str = "reached") -> Interval:
    """Mean of `arm` minus `other` in points, on the tasks and seeds that have both."""
    return _interval(_wide(runs, column), lambda wide: wide[arm] - wide[other])


def _wide(runs: pd.DataFrame, column: str) -> pd.DataFrame:
    return runs.pivot(index=["task", "seed"], columns="arm", values=column)


def _interval(wide: pd.DataFrame, pick: Callable[[pd.DataFrame], pd.Series]) -> Interval:
    values = pick(wide).dropna()
    parts = [part.to_numpy() for _, part in values.groupby("task")]
    rng = np.random.default_rng(0)
    draws = [np.mean([rng.choice(part, len(part)).mean() for part in parts]) for _ in range(RESAMPLES)]
    low, high = np.percentile(draws, (LOW, HIGH))
    return Interval(float(np.mean([part.mean() for part in parts])), float(low), float(high))
