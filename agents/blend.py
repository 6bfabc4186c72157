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
    """A program of a solution failed on all of the data: which `part`, and `why` in one line."""

    def __init__(self, part: str, why: str) -> None:
        super().__init__(f"{part} failed on all of the data: {why}")
        self.part, self.why = part, why


def blend(evaluator: Evaluator, parts: Sequence[Part]) -> pd.DataFrame:
    """The predictions of the parts for split 'final', side by side as slots are free, blended by their weights.

    Raises FitFailed; BudgetReached and RunStopped as `Evaluator.evaluate`.
    """

    def fit(part: Part) -> Evaluation:
        return evaluator.evaluate(part.program, "final", trace=part.trace, step=part.step)

    fits = in_parallel(fit, parts, evaluator.scheduler.slots)
    for part, evaluation in zip(parts, fits, strict=True):
        if evaluation["status"] != "ok":
            raise FitFailed(part.id, evaluation["problems"][0])
    tables = [evaluator.submission(evaluation) for evaluation in fits]
    if len(tables) == 1:
        return tables[0]
    return combine(evaluator.task, tables, [part.weight for part in parts])
