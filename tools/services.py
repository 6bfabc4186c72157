"""The services of one run: everything a node needs besides its state, handed to it and never global."""

import datetime
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

from gome.state.config import RunConfig
from gome.state.event import Event, Observer
from gome.state.parts import Hypothesis, fold_seconds, sign_of
from gome.state.plain import JsonObject
from gome.state.profile import DataProfile
from gome.state.prompt_context import Hardware, StepContext
from gome.state.step import EarlierStep, StepBrief, StepRecord
from gome.state.task import Task
from gome.tools.budget import Budget
from gome.tools.evaluator import Evaluator
from gome.tools.models.ask import Asker
from gome.tools.models.chat import name_of
from gome.tools.models.pictures import Picture, pictures_for
from gome.tools.models.prices import OFFLINE
from gome.tools.probes import Probes
from gome.tools.provisional import ProvisionalSubmission
from gome.tools.records.advice import Advice
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.clock import Clock
from gome.tools.records.history import History
from gome.tools.records.jsonl import append_line
from gome.tools.records.line_trials import LineTrials
from gome.tools.wording import readable


class Momentum(Protocol):
    """The momentum that all traces of a run share while they run."""

    def put(self, entry: StepBrief) -> None:
        """Insert or replace the entry under its id."""

    def entries(self) -> list[StepBrief]:
        """All entries of the run, failed ones too, by (trace, step)."""

    def claim(
        self,
        trace: int,
        step: int,
        hypothesis: str,
        component: str,
        *,
        unless: Callable[[], list[StepContext]] = list,
    ) -> list[StepContext]:
        """Say what a trace tries now, for siblings to see, unless something stands against it, which comes back.

        No other trace of the run claims meanwhile. A step that is executed again finds its own claim, and keeps it.
        """

    def withdraw(self, trace: int) -> None:
        """Take back what the trace claimed last: it has ended in the middle of a step."""

    def claims(self) -> list[StepContext]:
        """What each trace claimed last, by trace; its step may be done."""

    def starts(self, proposed: Sequence[Hypothesis]) -> list[Hypothesis]:
        """The first hypothesis of each trace, by trace: those that were proposed first hold for all; [] while there are
        none."""

    def grant(self, giver: int, receiver: int, steps: int) -> None:
        """Give the steps that a folded trace leaves over to another one; a trace gives once."""

    def granted(self, trace: int) -> int:
        """Steps that the trace was given by folded ones."""

    def fork(self, origin: str, *, first: int) -> int:
        """The number of the trace that was forked at `origin`: `first`, and one more for each other origin before it."""


@dataclass(frozen=True)
class RunServices:
    """Services of one run. `earlier` is what is known of other runs. `emit` sends a progress event to whoever watches and
    into events.jsonl."""

    run_dir: Path
    task: Task
    config: RunConfig
    profile: DataProfile
    hardware: Hardware
    packages: dict[str, str]
    artifacts: Artifacts
    history: History
    advice: Advice
    clock: Clock
    budget: Budget
    asker: Asker
    evaluator: Evaluator
    probes: Probes
    provisional: ProvisionalSubmission
    momentum: Momentum
    line_trials: LineTrials
    earlier: Sequence[EarlierStep]
    writer: Observer

    @property
    def sign(self) -> int:
        """+1 where larger scores are better, -1 where smaller ones are."""
        return sign_of(self.task.direction)

    def pictures(self, role: str) -> tuple[Picture, ...]:
        """Pictures of the task for a prompt to the model of a role: none where it takes none, or the task has none."""
        names = self.profile.get("pictures", [])
        if not names or self.private(role):
            return ()
        public = self.evaluator.inputs.input_dir("final", 0)
        return pictures_for(self.asker.models[role], public, names, self.config.send_images)

    def private(self, role: str) -> bool:
        """Whether no cell of the data may be in a prompt of a role; rules on this machine send nothing anywhere."""
        return self.config.private and name_of(self.asker.models[role]) not in OFFLINE

    def allowance(self, trace: int) -> float:
        """Steps that the trace may take: its own and those that folded traces left it; inf where steps have no cap."""
        steps = self.config.steps
        return math.inf if steps is None else steps + self.momentum.granted(trace)

    def note_accepted(self, record: StepRecord) -> tuple[float, float]:
        """Tell the budget of an accepted step; (goodness: larger is better, mean seconds of one program run)."""
        evaluation, score = record.evaluation, record.score
        if evaluation is None or score is None:
            raise ValueError(f"step {record.id} was accepted without a score")
        goodness, seconds = self.sign * score["value"], fold_seconds(evaluation)
        self.budget.note_accepted(evaluation["key"].split("-")[0], goodness, seconds)
        return goodness, seconds

    def emit(
        self, phase: str, text: str, trace: int | None = None, step: int | None = None, **more: Any
    ) -> None:
        """Record one progress event of a node or `phase`; the run's clock beats with it."""
        event: JsonObject = {
            "t": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"),
            "trace": trace,
            "step": step,
            "phase": phase,
            "text": readable(text),
            "elapsed": round(self.clock.beat(), 1),
            **{k: readable(v) for k, v in more.items() if v is not None},
        }
        append_line(self.run_dir / "events.jsonl", event)
        self.writer(cast(Event, event))

    def watched_by(self, writer: Observer) -> "RunServices":
        """The same services, its events also sent to `writer`."""
        return replace(self, writer=writer)
