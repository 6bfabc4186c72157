"""The locked part of the probes: graded rows whose truths no probe is shown, and on which steps are not compared.

It is the last search fold, on which a probe trains and predicts as a program does; of a single hold-out it is a third of
the rows, drawn by the seed. The best of many variants judged on it has luck on it, and brings that luck along into the
score. So from the first variant on that was judged in a run, gains are measured on the other rows.
"""

from collections.abc import Sequence
from functools import cached_property

import numpy as np
import pandas as pd

from gome.state.task import Task
from gome.tools.data.inputs import Inputs
from gome.tools.evaluation.bootstrap import FoldPredictions
from gome.tools.evaluation.metric import UNIT

SHARE = 1 / 3
"""Of the rows of a single hold-out."""


class LockedPart:
    """Which graded rows of the search folds are locked; the same for the same plan and seed."""

    def __init__(self, inputs: Inputs, task: Task, seed: int) -> None:
        self.inputs, self.task, self.seed = inputs, task, seed

    @cached_property
    def fold(self) -> int:
        """The search fold whose folder a probe finds."""
        return len(self.inputs.plan.folds("search")) - 1

    def mask(self, fold: int, answers: pd.DataFrame) -> np.ndarray:
        """Which of the rows of `answers`, those of a search fold, are locked, (rows,)."""
        return np.isin(self._units(fold, answers), self._locked)

    def alone(self, part: FoldPredictions) -> list[FoldPredictions]:
        """Of predictions on the search fold `self.fold` those of the locked rows, as the one fold to be graded."""
        return [_rows(part, self.mask(self.fold, part[0]))]

    def without(self, folds: Sequence[FoldPredictions]) -> list[FoldPredictions]:
        """Of predictions on the first search folds, or all, those of the rows that are not locked."""
        left = [_rows(part, ~self.mask(fold, part[0])) for fold, part in enumerate(folds)]
        return [part for part in left if len(part[0])]

    @cached_property
    def _locked(self) -> np.ndarray:
        answers = self.inputs.answers("search", self.fold)
        units = np.unique(self._units(self.fold, answers))
        if self.fold > 0:
            return units
        drawn = np.random.default_rng(self.seed).permutation(len(units))
        return units[drawn[: max(1, round(SHARE * len(units)))]]

    def _units(self, fold: int, answers: pd.DataFrame) -> np.ndarray:
        """What is locked as a whole: a unit of an adapter, a group of a single hold-out, else a row of train; (rows,)."""
        if UNIT in answers:
            return answers[UNIT].astype(str).to_numpy()
        if self.fold == 0 and (group := self.task.group):
            known = answers if group in answers else self.inputs.features("search", fold)
            if group in known:
                return known[group].astype(str).to_numpy()
        return self.inputs.plan.folds("search")[fold].test_rows


def _rows(part: FoldPredictions, at: np.ndarray) -> FoldPredictions:
    answers, predicted = (table[at].reset_index(drop=True) for table in part)
    return answers, predicted
