"""The services of a simulated run: the product's own where they decide, in memory where they keep records."""

import tempfile
from functools import cache
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pandas as pd
from langgraph.store.memory import InMemoryStore

from benchmarks.lab.simulated_time import SimulatedTime
from benchmarks.lab.world import World
from gome.graph.persistence.momentum_store import StoredMomentum
from gome.state.config import RunConfig
from gome.state.parts import Evaluation
from gome.state.step import StepRecord
from gome.state.task import Direction
from gome.tools.budget import Budget
from gome.tools.evaluation.bootstrap import FoldPredictions
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.best_first import BestFirst
from gome.tools.records.by_step import ByStep
from gome.tools.records.history import History
from gome.tools.records.journal import Journal
from gome.tools.records.line_trials import BegunTrial, LineTrial, LineTrials
from gome.tools.services import RunServices

NOWHERE = Path(tempfile.gettempdir()) / "gome-lab-writes-nothing"
"""Where a run would have its folder; its disk is asked for room."""


class MemoryArtifacts(Artifacts):
    """Artifacts that are kept in this process. Equal texts share a reference; other values have one each."""

    def __init__(self) -> None:
        super().__init__(NOWHERE)
        self._kept: dict[str, Any] = {}

    def put_text(self, text: str, ext: str = "txt") -> str:
        self._kept[text] = text
        return text

    def get_text(self, ref: str) -> str:
        return str(self._kept[ref])

    def put_json(self, value: Any) -> str:
        ref = f"{len(self._kept)}.json"
        self._kept[ref] = value
        return ref

    def get_json(self, ref: str) -> Any:
        return self._kept[ref]


class MemoryHistory(History):
    """The history of a run, kept in this process."""

    def __init__(self) -> None:
        self._steps: ByStep[StepRecord] = ByStep()

    def append(self, record: StepRecord) -> None:
        self._steps.put(record)

    def records(self) -> list[StepRecord]:
        return self._steps.all()

    def accepted(self) -> list[StepRecord]:
        return [record for record in self._steps.all() if record.accepted]

    def best_first(self, direction: Direction) -> list[StepRecord]:
        return BestFirst(direction, self.accepted()).all()

    def record(self, trace: int, step: int) -> StepRecord | None:
        return self._steps.get(trace, step)


class MemoryLineTrials(LineTrials):
    """The trials of a line search, kept in this process."""

    def __init__(self) -> None:
        self._running: dict[str, BegunTrial] = {}
        self._ended: list[LineTrial] = []

    def begin(self, trial: BegunTrial) -> None:
        self._running[trial.program] = trial

    def add(self, trial: LineTrial) -> None:
        self._running.pop(trial.program, None)
        self._ended.append(trial)

    def all(self) -> list[LineTrial]:
        return self._ended

    def unfinished(self, base: str) -> list[BegunTrial]:
        return [trial for trial in self._running.values() if trial.base == base]


class SimulatedSlots:
    """What the decision whether step sizes are searched asks of slots; which are idle, simulated time knows."""

    level, slots = "none", 1

    def idle(self) -> bool:
        """Never: nothing runs here."""
        return False


class BankEvaluator:
    """What decisions ask of an evaluator, answered by the bank."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.scheduler = SimulatedSlots()
        self.results = SimpleNamespace(compact=lambda key: None)

    def predictions(self, evaluation: Evaluation) -> list[FoldPredictions]:
        """See Evaluator.predictions."""
        return self.world.predictions(evaluation["facts"]["number"])[: _folds(evaluation)]

    def features(self, split: str) -> list[pd.DataFrame]:
        """No columns: nobody reads here where errors lie."""
        return [pd.DataFrame(index=range(len(rows))) for rows in self.world.folds]


@cache
def evaluator_of(world: World) -> BankEvaluator:
    """One for all runs in a world: what was computed of programs in one of them is known in the next."""
    return BankEvaluator(world)


class LabServices(RunServices):
    """Services whose events nobody watches."""

    def emit(
        self, phase: str, text: str, trace: int | None = None, step: int | None = None, **more: Any
    ) -> None:
        """Nothing."""


def lab_services(world: World, config: RunConfig, time: SimulatedTime) -> LabServices:
    """The services of one run in a world."""
    nothing = cast(Any, None)
    return LabServices(
        run_dir=NOWHERE.parent,
        task=world.task,
        config=config,
        profile={},
        hardware=nothing,
        packages={},
        artifacts=MemoryArtifacts(),
        history=MemoryHistory(),
        advice=nothing,
        clock=cast(Any, time),
        budget=Budget(config, cast(Any, time), NOWHERE.parent, slots=config.slots),
        asker=cast(Any, SimpleNamespace(journal=Journal(NOWHERE))),
        evaluator=cast(Any, evaluator_of(world)),
        probes=nothing,
        provisional=cast(Any, SimpleNamespace(offer=lambda record, goodness, seconds: None)),
        momentum=StoredMomentum(InMemoryStore(), "lab"),
        line_trials=MemoryLineTrials(),
        earlier=(),
        writer=lambda event: None,
    )


def _folds(evaluation: Evaluation) -> int:
    race = evaluation.get("race")
    return race["folds"] if race else len(evaluation["score"]["folds"]) if evaluation["score"] else 0
