"""What is handed over, run: the programs of a solution on all of the data, their predictions put together by weight."""

from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from gome.optimizer.ensemble import combine
from gome.state.parts import Evaluation
from gome.state.step import StepRecord
from gome.tools.evaluator import Evaluator
from gome.tools.parallel import in_parallel
from gome.tools.records.artifacts import Artifacts


@dataclass(frozen=True)
class Part:
    """A program of a solution, with its weight and the step that it came from."""

    id: str
    program: str
    weight: float
    trace: int
    step: int

    @classmethod
    def of(cls, record: StepRecord, weight: float, artifacts: Artifacts) -> "Part":
        """The program of a step. ArtifactLost if its text is gone."""
        return cls(record.id, artifacts.get_text(str(record.code)), weight, record.trace, record.step)


class FitFailed(Exception):
    """A program of a solution failed on all of the data, or `timed_out`: which `part`, and `why` in one line."""

    def __init__(self, part: str, why: str, timed_out: bool) -> None:
        super().__init__(f"{part} failed on all of the data: {why}")
        self.part, self.why, self.timed_out = part, why, timed_out


def blend(
    evaluator: Evaluator, parts: Sequence[Part], split: str = "final", *, limit_s: float | None = None
) -> pd.DataFrame:
    """The predictions of the parts for the real test rows, side by side as slots are free, blended by their weights. They
    learn from all rows, those of 'final', or from those of 'reduced'; each within `limit_s` seconds.

    Raises FitFailed; BudgetReached and RunStopped as `Evaluator.evaluate`.
    """

    def fit(part: Part) -> Evaluation:
        return evaluator.evaluate(part.program, split, trace=part.trace, step=part.step, limit_s=limit_s)

    fits = in_parallel(fit, parts, evaluator.scheduler.slots)
    for part, evaluation in zip(parts, fits, strict=True):
        if evaluation["status"] != "ok":
            raise FitFailed(part.id, evaluation["problems"][0], evaluation["status"] == "timeout")
    tables = [evaluator.submission(evaluation) for evaluation in fits]
    if len(tables) == 1:
        return tables[0]
    return combine(evaluator.task, tables, [part.weight for part in parts])
