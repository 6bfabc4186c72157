"""The harness: runs a program on every fold of a split, grades what it predicted, keeps each finished result."""

from collections.abc import Callable, Mapping
from functools import cached_property, partial
from pathlib import Path
from typing import cast

import pandas as pd

from gome.state.errors import GomeError
from gome.state.evidence import ShownRow
from gome.state.parts import Evaluation, Race, Score
from gome.state.task import Task
from gome.tools.budget import Budget
from gome.tools.data.inputs import Inputs
from gome.tools.data.label_probes import PROBES, probed_fold
from gome.tools.evaluation.bootstrap import FoldPredictions, score
from gome.tools.evaluation.fold_facts import evaluation_of_folds
from gome.tools.evaluation.metric import AnswersError, GradingError
from gome.tools.evaluation.shown_rows import example_rows
from gome.tools.execution.scheduler import Scheduler
from gome.tools.execution.slots import ASIDE
from gome.tools.fold_progress import FoldProgress
from gome.tools.fold_race import FoldRace, Look
from gome.tools.fold_runs import FOLD, Asked, FoldRuns, Limits
from gome.tools.interruption import Interruption
from gome.tools.locked_part import LockedPart
from gome.tools.parallel import in_parallel
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.results import FoldResult, Results
from gome.tools.self_reported import NO_CLAIM, claimed_score
from gome.tools.spans import figures_of, span
from gome.tools.time_limits import usual_s
from gome.tools.unreadable import log_with_traceback, unreadable_line

LONGER = 1.2
"""Times as long as a run was that was cut off, before it is worth another one."""


class Evaluator:
    """Grades programs by the evaluation contract (docs/evaluation.md).

    A finished fold is kept in `results` before anything uses it, so a killed run does not train the same program twice.
    A program with one of the `models`, by its text, only predicts, by what it has kept there.
    """

    def __init__(
        self,
        *,
        run_dir: Path,
        task: Task,
        inputs: Inputs,
        scheduler: Scheduler,
        artifacts: Artifacts,
        limits: Limits,
        budget: Budget,
        stop: Callable[[], bool],
        seed: int = 0,
        models: Mapping[str, Path] | None = None,
    ) -> None:
        self.run_dir, self.task, self.inputs, self.scheduler = run_dir, task, inputs, scheduler
        self.results = Results(run_dir / "results", artifacts)
        self.artifacts, self.limits, self.budget, self.stop, self.seed = artifacts, limits, budget, stop, seed
        self.runs = FoldRuns(
            run_dir, task, inputs, scheduler, artifacts, self.results, limits, budget, models or {}
        )
        self.locked = LockedPart(inputs, task, seed)

    def evaluate(
        self,
        program: str,
        split: str,
        *,
        seed: int = 0,
        trace: int = 0,
        step: int | None = None,
        on_fold: Callable[[int, int], None] = lambda done, folds: None,
        look: Look | None = None,
        give_way: Callable[[], bool] | None = None,
        limit_s: float | None = None,
    ) -> Evaluation:
        """Run and grade `program` on all folds of `split`, a probe's on one, side by side where slots are free.

        `trace` and `step` say for whom. The evaluation ends with the first fold, in their order, that fails: what runs
        behind it is stopped, and counts for nothing. `on_fold(done, n)` is called, maybe from other threads, when the
        first fold starts and as each of the n is done, but for the last. A `look` at the folds so far may end the
        evaluation before its last fold, without a score. One that may have to `give_way` runs its folds one by one, and
        raises GaveWay. With a `limit_s` of its own for each fold, what was cut off sooner is run again. Raises RunStopped
        when asked to stop, BudgetReached without budget, or when the time ends.
        """
        if self.task.self_reported and split == "final":
            split = "search"  # it was given all of the data there
        numbers = self._fold_numbers(program, split)
        folds = len(numbers)
        wall_s = limit_s or min(
            usual_s(self.inputs, split, self.limits.wall_s), self.budget.first_limit_s(split, folds)
        )
        asked = Asked(program, split, numbers, seed, trace, wall_s, limit_s, give_way)
        progress = FoldProgress(folds, on_fold)
        race = FoldRace(folds, look) if look and folds > 1 else None
        one = partial(self._fold, asked, progress, race)
        whose = None if trace == ASIDE else trace
        with span(f"program {split}", trace=whose, step=step, split=split, seed=seed) as figures:
            results = in_parallel(one, range(folds), most=1 if give_way else self.scheduler.slots)
            counted = [r for r in results[: progress.end] if r is not None]
            decided = race.decided if race and counted[-1]["status"] == "ok" else None
            evaluation = self._summed_up(asked, counted, decided)
            figures |= figures_of(evaluation)
        return evaluation

    def _fold(
        self, asked: Asked, progress: FoldProgress, race: FoldRace | None, place: int
    ) -> FoldResult | None:
        """The result of one of the folds, as kept or run now; None if it was dropped on the way."""
        split, fold = asked.split, asked.folds[place]
        result = self._finished(f"{asked.name}-f{fold}", asked.limit_s)
        try:
            if result is None:
                progress.start()
                self.budget.begin(split, asked.key)
                dropped = partial(progress.is_beyond_failure, place)
                cut = Interruption(split, self.budget, self.stop, dropped, asked.give_way)
                result = self.runs.run(asked, fold, cut)
        finally:
            progress.done(place, failed=result is None or result["status"] != "ok")
        if race and result and result["status"] == "ok":
            enough = race.done(place, partial(self._fold_predictions, split, fold, result))
            progress.decide(enough or len(asked.folds))
        return result

    def probed_fold(self, program: str) -> int:
        """The search fold that a probe of `program` runs on."""
        return probed_fold(program, len(self.inputs.plan.folds("search")), self.seed)

    def _fold_numbers(self, program: str, split: str) -> list[int]:
        if split in PROBES:
            return [self.probed_fold(program)]
        return list(range(len(self.inputs.plan.folds(split))))

    def predictions(self, evaluation: Evaluation) -> list[FoldPredictions]:
        """(answers, submission) of each fold of a graded evaluation, rows aligned."""
        table = self.artifacts.get_table(str(evaluation["predictions"]))
        return by_fold(self.inputs, evaluation["split"], table)

    def _fold_predictions(self, split: str, fold: int, result: FoldResult) -> FoldPredictions:
        table = self.artifacts.get_table(str(result.get("predictions")))
        return self.inputs.answers(split, fold), table.drop(columns=FOLD)

    def unread(self, evaluation: Evaluation, error: Exception) -> Evaluation:
        """The evaluation of a program whose predictions made their reader fail: a format fault, its traceback logged."""
        log = self.artifacts.get_text(str(evaluation["log"]))
        problems = [*evaluation["problems"], unreadable_line(error)]
        kept = self.artifacts.put_text(log_with_traceback(log, error), "log")
        return {**evaluation, "status": "format", "problems": problems, "log": kept}

    def submission(self, evaluation: Evaluation) -> pd.DataFrame:
        """The predictions of a one-fold split ('final', 'reduced'), aligned to the sample."""
        table = self.artifacts.get_table(str(evaluation["predictions"]))
        return table.drop(columns=FOLD)

    @cached_property
    def examples(self) -> list[ShownRow]:
        """A few whole rows with their targets, out of those that a search fold grades: none of the selection part, nor
        of the locked part. None where answers are not known here."""
        if self.task.self_reported:
            return []
        answers, features = self.inputs.answers("search", 0), self.inputs.features("search", 0)
        shown = ~self.locked.mask(0, answers)
        return example_rows(
            self.task, answers[shown], features[shown] if len(features) == len(shown) else features[:0]
        )

    def features(self, split: str) -> list[pd.DataFrame]:
        """What is known of the graded rows of each fold beside their answers."""
        return [self.inputs.features(split, part.fold) for part in self.inputs.plan.folds(split)]

    def _finished(self, name: str, limit_s: float | None) -> FoldResult | None:
        """The result that is kept, unless it was cut off in less time than there is now."""
        result = self.results.get(name)
        if result and result["status"] == "timeout" and (limit_s or 0.0) > LONGER * result["seconds"]:
            return None
        return result

    def _summed_up(self, asked: Asked, results: list[FoldResult], race: Race | None) -> Evaluation:
        name, split = asked.name, asked.split
        evaluation = evaluation_of_folds(name, split, asked.seed, results, race)
        if evaluation["status"] != "ok":
            return evaluation
        evaluation["predictions"] = results[-1]["predictions"]
        if len(results) > 1:
            tables = [self.artifacts.get_table(str(r["predictions"])) for r in results]
            evaluation["predictions"] = self.results.put_all_folds(name, pd.concat(tables, ignore_index=True))
        if race:
            self.results.put_score(name, evaluation["predictions"], None)
        elif split in ("search", "selection"):
            self._score(evaluation)
        return evaluation

    def _score(self, evaluation: Evaluation) -> None:
        """Set the score; predictions that the metric refuses, or cannot read, turn the status to 'format'."""
        try:
            evaluation["score"] = self._cached_score(evaluation)
        except AnswersError as error:
            raise GomeError(f"no program can be graded: {error}; choose another metric.") from error
        except GradingError as error:
            evaluation["status"] = "format"
            evaluation["problems"] = [*evaluation["problems"], str(error)]
        except (GomeError, OSError):
            raise
        except Exception as error:
            evaluation |= self.unread(evaluation, error)

    def _cached_score(self, evaluation: Evaluation) -> Score:
        if kept := self.results.score(evaluation["key"], evaluation["predictions"]):
            return cast(Score, kept)
        if self.task.self_reported:
            if (claimed := claimed_score(evaluation["facts"])) is None:
                raise GradingError(NO_CLAIM)
            return claimed
        value = score(self.task, self.predictions(evaluation), seed=self.seed)
        self.results.put_score(evaluation["key"], evaluation["predictions"], value)
        return value


def by_fold(inputs: Inputs, split: str, predictions: pd.DataFrame) -> list[FoldPredictions]:
    """(answers, submission) of each fold of a split out of the predictions for all of them."""
    return [
        (inputs.answers(split, int(str(fold))), part.drop(columns=FOLD).reset_index(drop=True))
        for fold, part in predictions.groupby(FOLD, sort=True)
    ]
