"""The last fit: the preferred candidate on all of the data, and what comes in its place where that takes too long."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd

from gome.agents.blend import FitFailed, Part, blend
from gome.optimizer.selection import Candidate, clearly_worse
from gome.state.errors import BudgetReached
from gome.state.parts import fold_seconds
from gome.state.step import StepRecord
from gome.tools.budget import SHORTEST_RUN_S
from gome.tools.data.splits import REDUCED
from gome.tools.end_cost import makespan
from gome.tools.services import RunServices
from gome.tools.time_limits import longest_s

ROOM = 1.5
"""Times as long as on a search fold, for a fit on as many rows: the machine may be busier, the test table longer."""


@dataclass(frozen=True)
class Fitted:
    """A candidate with its submission, and the `split` whose training rows it has learned from."""

    chosen: Candidate
    submission: pd.DataFrame
    split: str


class FinalFit:
    """Fits candidates until one is done. `problems`: what went wrong, one line each."""

    def __init__(self, services: RunServices, programs: Mapping[str, StepRecord]) -> None:
        self.problems: list[str] = []
        self._services, self._programs = services, programs

    def first_of(self, order: Sequence[Candidate]) -> Fitted | None:
        """The first candidate that can be fitted; None if none can, or the time is up.

        A program that is quick on a search fold may take far longer on all rows. It has all the time that is left there,
        but for what it takes on the training rows of a search fold. Where it is cut off, those that are as good within
        noise have their turn on all of the data, then itself on these rows, then all others.
        """
        late: list[Candidate] = []
        task, seed = self._services.task, self._services.config.seed
        try:
            for chosen in order:
                while late and clearly_worse(task, late[0], chosen, seed=seed):
                    if fitted := self._on_fewer_rows(late.pop(0)):
                        return fitted
                if fitted := self._on_all(chosen, late):
                    return fitted
            return next((f for chosen in late if (f := self._on_fewer_rows(chosen))), None)
        except BudgetReached as reached:
            self.problems.append(f"not fitted on all of the data: {reached}")
            return None

    def _on_all(self, chosen: Candidate, late: list[Candidate]) -> Fitted | None:
        self._services.emit("final", f"fitting {_names(chosen)} on all of the data")
        limit_s = self._services.budget.seconds_left() - (self._spare_s(chosen) if self._reducible else 0.0)
        try:
            return self._fit(chosen, "final", max(SHORTEST_RUN_S, min(limit_s, self._longest_s("final"))))
        except FitFailed as failed:
            self.problems.append(str(failed))
            if failed.timed_out and self._reducible:
                late.append(chosen)
            return None

    def _on_fewer_rows(self, chosen: Candidate) -> Fitted | None:
        inputs = self._services.evaluator.inputs
        rows, of = (len(inputs.plan.folds(split)[0].train_rows) for split in (REDUCED, "final"))
        what = f"{_names(chosen)} on {rows} of {of} labelled rows, as many as a search fold has"
        self._services.emit("final", f"fitting {what}")
        try:
            fitted = self._fit(chosen, REDUCED, self._longest_s(REDUCED))
        except FitFailed as failed:
            self.problems.append(f"{failed.part} failed on {rows} of {of} labelled rows: {failed.why}")
            return None
        self.problems.append(f"handed over is {what}: on all of them it takes too long")
        return fitted

    def _fit(self, chosen: Candidate, split: str, limit_s: float) -> Fitted:
        artifacts = self._services.artifacts
        parts = [Part.of(self._programs[k], weight, artifacts) for k, weight in chosen["weights"].items()]
        return Fitted(chosen, blend(self._services.evaluator, parts, split, limit_s=limit_s), split)

    def _longest_s(self, split: str) -> float:
        evaluator = self._services.evaluator
        return longest_s(evaluator.inputs, split, evaluator.limits.wall_s)

    @property
    def _reducible(self) -> bool:
        """Whether rows of the train table can be left out."""
        return bool(self._services.task.train) and not self._services.task.self_reported

    def _spare_s(self, chosen: Candidate) -> float:
        """What is kept for a fit on fewer rows."""
        runs = [e for k in chosen["weights"] if (e := self._programs[k].evaluation)]
        return ROOM * makespan(map(fold_seconds, runs), self._services.evaluator.scheduler.slots)


def _names(chosen: Candidate) -> str:
    return ", ".join(chosen["weights"])
