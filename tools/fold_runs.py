"""Runs of a program on single folds: each a job of the scheduler, graded as it ended, kept before anything uses it."""

import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.budget import Budget
from gome.tools.data.inputs import Inputs
from gome.tools.evaluation.fold_facts import fold_result, graded_run
from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.resources import resources_of
from gome.tools.execution.scheduler import Scheduler, run_to_its_end
from gome.tools.execution.workspace import remove_work_dir
from gome.tools.interruption import Interruption
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.results import FoldResult, Results, result_name
from gome.tools.unreadable import log_with_traceback, unreadable_line

FOLD = "__fold__"
"""The column of a table of predictions that says of which fold a row is."""


@dataclass(frozen=True)
class Limits:
    """What one program run may use."""

    wall_s: float
    memory_mb: int
    output_mb: float = 512.0


@dataclass(frozen=True)
class Asked:
    """A program to be graded on some folds of a split, each in `wall_s`. With a `limit_s` what was cut off in less is run
    again."""

    program: str
    split: str
    folds: list[int]
    seed: int
    trace: int
    wall_s: float
    limit_s: float | None
    give_way: Callable[[], bool] | None

    @cached_property
    def name(self) -> str:
        """Of its results, less the fold."""
        return result_name(self.program, self.split, self.seed)

    @property
    def key(self) -> str:
        """Of the program."""
        return self.name.split("-")[0]


@dataclass(frozen=True)
class FoldRuns:
    """Runs programs of a run; one of the `models`, by its text, only predicts, by what it has kept there."""

    run_dir: Path
    task: Task
    inputs: Inputs
    scheduler: Scheduler
    artifacts: Artifacts
    results: Results
    limits: Limits
    budget: Budget
    models: Mapping[str, Path]

    def run(self, asked: Asked, fold: int, cut: Interruption) -> FoldResult | None:
        """The graded result, kept; None if it was dropped on the way. Raises what `cut` does, and GomeError or OSError
        for what is the task's or the machine's fault."""
        (self.run_dir / "work").mkdir(exist_ok=True)
        work = self.run_dir / "work" / secrets.token_hex(8)  # programs see it: it says nothing of the split
        program, split = asked.program, asked.split
        job = Job(
            program=self.artifacts.path(self.artifacts.put_text(program, "py")),
            input_dir=self.inputs.input_dir(split, fold),
            work_dir=work,
            seed=asked.seed,
            wall_s=asked.wall_s,
            memory_mb=self.limits.memory_mb,
            output_mb=self.limits.output_mb,
            resources=resources_of(program),
            smoke=split == "smoke" and bool(self.task.self_reported),
            stage="predict" if program in self.models else "",
            model=self.models.get(program),
            shown=self.inputs.shown,
        )
        outcome = run_to_its_end(self.scheduler, job, trace=asked.trace, stop=cut)
        if outcome.reason == "stopped":
            remove_work_dir(work)
            cut.after()
            return None
        result = self._kept(f"{asked.name}-f{fold}", outcome, split, fold)
        self.budget.note_run(asked.key, split, asked.seed)
        remove_work_dir(work)
        return result

    def _kept(self, name: str, outcome: Outcome, split: str, fold: int) -> FoldResult:
        """The graded result, kept. Whatever goes wrong with what the program wrote is the program's fault."""
        try:
            log = self.artifacts.put_text(outcome.log, "log")
            sample = partial(self.inputs.sample, split, fold)
            result, frame = graded_run(outcome, sample, self.task, log)
            return self.results.put(name, result, None if frame is None else frame.assign(**{FOLD: fold}))
        except (GomeError, OSError):  # the task's and the machine's
            raise
        except Exception as error:
            log = self.artifacts.put_text(log_with_traceback(outcome.log, error), "log")
            failed = fold_result(outcome, "format", [unreadable_line(error)], log, facts={})
            return self.results.put(name, failed, None)
