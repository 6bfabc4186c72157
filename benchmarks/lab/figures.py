"""From rows of results.jsonl to means with intervals: seeds are drawn within tasks, each task weighs the same."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy.stats import norm

RESAMPLES, LOW, HIGH = 2000, 2.5, 97.5


@dataclass(frozen=True)
class Figure:
    """A mean, its 95 % interval from resampling seeds within tasks, and how likely it is if the truth is 0."""

    mean: float
    low: float
    high: float
    p: float

    def words(self, sign: str = "", digits: int = 1) -> str:
        """'+3.1 (+1.0 to +5.2)'."""
        mean, low, high = (f"{v:{sign}.{digits}f}" for v in (self.mean, self.low, self.high))
        return f"{mean} ({low} to {high})"


def figure(values: pd.Series) -> Figure:
    """Of values indexed by (task, seed)."""
    parts = [part.dropna().to_numpy(dtype=float) for _, part in values.groupby("task")]
    parts = [part for part in parts if len(part) > 1]
    rng = np.random.default_rng(0)
    draws = np.mean([_means(part, rng) for part in parts], axis=0)
    mean = float(np.mean([part.mean() for part in parts]))
    error = np.sqrt(sum(part.var(ddof=1) / len(part) for part in parts)) / len(parts)
    p = float(2 * norm.sf(abs(mean) / error)) if error > 0 else float(mean == 0)
    low, high = np.percentile(draws, (LOW, HIGH))
    return Figure(mean, float(low), float(high), p)


def _means(part: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    return part[rng.integers(len(part), size=(RESAMPLES, len(part)))].mean(axis=1)


def holm(figures: Mapping[str, Figure]) -> dict[str, float]:
    """The p of each, corrected for their number (Holm 1979)."""
    order = sorted(figures, key=lambda name: figures[name].p)
    corrected, least = {}, 0.0
    for place, name in enumerate(order):
        least = max(least, min(1.0, (len(order) - place) * figures[name].p))
        corrected[name] = least
    return corrected


def wide(runs: pd.DataFrame, column: str = "worth") -> pd.DataFrame:
    """A column by (task, seed) and arm."""
    return runs.pivot(index=["task", "seed"], columns="arm", values=column)


def at(curve: list[list[float]], *, graded: float = np.inf, seconds: float = np.inf) -> float:
    """The worth of the best program after so many programs, or so many seconds; 0 before any."""
    worths = [worth for count, when, worth in curve if count <= graded and when <= seconds]
    return worths[-1] if worths else 0.0


def reaching(curve: list[list[float]], worth: float) -> tuple[float, float]:
    """After how many programs and seconds the best one was first worth so much; infinite if it never was."""
    return next(((count, when) for count, when, value in curve if value >= worth), (np.inf, np.inf))
