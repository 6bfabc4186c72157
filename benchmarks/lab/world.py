"""One task as the runs of some seeds see it: which rows are graded, and what every program does on them."""

from collections.abc import Mapping
from functools import cache, cached_property
from pathlib import Path

import numpy as np

from benchmarks.lab.outcomes import BANK, Outcomes, load_with_strengths
from benchmarks.lab.space import SIZE, Point
from benchmarks.lab.strengths import KINDS, NAMED, strengths_of
from gome.optimizer.racing import plainly_worse
from gome.state.parts import Comparison, Score, sign_of
from gome.tools.evaluation.bootstrap import FoldPredictions, compare, score
from gome.tools.evaluation.unit_gains import PairedUnits

SAMPLES = 5
"""Draws of rows of a task; seeds share them, as what was compared once need not be compared again."""


class World:
    """A bank with half of its search rows and of its selection rows, another half for each `sample`: what is luck of the
    rows in one is not in the next. All figures are the product's own, computed once."""

    def __init__(self, outcomes: Outcomes, sample: int) -> None:
        self.outcomes, self.sample = outcomes, sample
        self.task, self.space = outcomes.task, outcomes.space
        rng = np.random.default_rng(sample)
        folds = [np.flatnonzero(outcomes.fold == k) for k in np.unique(outcomes.fold)]
        self.folds = [np.sort(rng.choice(rows, len(rows) // 2, replace=False)) for rows in folds]
        selection = np.arange(len(outcomes.truth["selection"]))
        self.selection = np.sort(rng.choice(selection, len(selection) // 2, replace=False))
        self._scores: dict[int, Score] = {}
        self._compared: dict[tuple[int, int, int, int], Comparison] = {}
        self._paired: dict[int, PairedUnits] = {}
        self._raced: dict[tuple[int, int], int | None] = {}
        self._predictions: dict[tuple[int, str], list[FoldPredictions]] = {}

    @property
    def sign(self) -> int:
        """+1 where larger scores are better."""
        return sign_of(self.task.direction)

    @cached_property
    def worth(self) -> np.ndarray:
        """The hidden score of each program, larger is better, as the share of the way from the median program, 0, to
        the best one, 1, of those that are plain or regularised; one that a line search reaches can be better."""
        return (self.sign * self.outcomes.hidden - self.middle) / self.metric_unit

    @cached_property
    def metric_unit(self) -> float:
        """What a worth of 1 is in the metric's units."""
        return float((self.sign * self.outcomes.hidden[self._plain]).max() - self.middle)

    @cached_property
    def middle(self) -> float:
        """The hidden score of the median program, larger is better: a worth of 0."""
        return float(np.median(self.sign * self.outcomes.hidden[self._plain]))

    @cached_property
    def _plain(self) -> np.ndarray:
        """Which programs are plain or regularised, as the reasoner makes them: by these all are measured."""
        size = self.space.names.index(SIZE)
        return np.array([point[size] in NAMED for point in self.outcomes.points])

    @cached_property
    def seconds(self) -> np.ndarray:
        """What each program takes on a search fold, in times of the median one. The machine was shared while they ran, so
        it is the product of what each level of each coordinate took in the median; of a strength, evenly on the
        logarithm, what plain and regularised ones took."""
        found, plain, known = np.ones(len(self.outcomes.points)), self._plain, self.outcomes.seconds
        for place in range(len(self.space.names)):
            levels = np.array([point[place] for point in self.outcomes.points])
            took = {v: np.median(known[plain & (levels == v)]) for v in np.unique(levels[plain])}
            for level in np.unique(levels):
                found[levels == level] *= took[level] if level in took else _between(took, level)
        return found / np.median(found[plain])

    def number(self, point: Point) -> int:
        """The number of a program."""
        return self.outcomes.place[point]

    def predictions(self, number: int, part: str = "search") -> list[FoldPredictions]:
        """(answers, submission) of each fold of the graded rows of a part."""
        key = number, part
        if key not in self._predictions:
            rows = {"search": self.folds, "selection": [self.selection], "hidden": [self._hidden_rows]}[part]
            said = self.outcomes
            self._predictions[key] = [
                (said.answers(part, at), said.predictions(number, part, at)) for at in rows
            ]
        return self._predictions[key]

    @cached_property
    def _hidden_rows(self) -> np.ndarray:
        return np.arange(len(self.outcomes.truth["hidden"]))

    def score(self, number: int) -> Score:
        """The search score of a program."""
        if number not in self._scores:
            self._scores[number] = score(self.task, self.predictions(number), seed=self.sample)
        return self._scores[number]

    def compare(self, incumbent: int, candidate: int, *, folds: int, resamples: int = 400) -> Comparison:
        """The paired bootstrap of two programs on the first so many folds."""
        key = incumbent, candidate, folds, resamples
        if key not in self._compared:
            ours, theirs = self.predictions(incumbent)[:folds], self.predictions(candidate)[:folds]
            self._compared[key] = compare(self.task, ours, theirs, seed=self.sample, resamples=resamples)
        return self._compared[key]

    def raced(self, incumbent: int, candidate: int) -> int | None:
        """After how many folds a race of the candidate against the incumbent ends; None if it runs all of them."""
        key = incumbent, candidate
        if key not in self._raced:
            if incumbent not in self._paired:
                paired = PairedUnits(self.task, self.predictions(incumbent), seed=self.sample)
                self._paired[incumbent] = paired
            self._raced[key] = self._race(self._paired[incumbent], self.predictions(candidate))
        return self._raced[key]

    def _race(self, paired: PairedUnits, candidate: list[FoldPredictions]) -> int | None:
        folds = len(candidate)
        return next((k for k in range(1, folds) if plainly_worse(paired.of(candidate[:k]), folds)), None)


def _between(took: Mapping[str, float], size: str) -> float:
    """The seconds of a size that is neither plain nor regularised, from those of both."""
    strength = sum(strengths_of(size).values()) / len(KINDS)
    return float(took["plain"] * (took["regularised"] / took["plain"]) ** strength)


@cache
def world_of(name: str, sample: int, bank: Path = BANK) -> World:
    """The world of a task and a sample of its rows, made once in a process."""
    return World(_bank(name, bank), sample)


@cache
def _bank(name: str, bank: Path) -> Outcomes:
    return load_with_strengths(name, bank)
