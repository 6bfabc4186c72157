"""Runs compared by what they would hand over: on the same rows, row by row, where they have graded the same ones."""

from collections.abc import Callable
from itertools import count, takewhile
from pathlib import Path

import pandas as pd
from typing_extensions import TypedDict

from gome.graph.run_layout import open_inputs
from gome.optimizer.ensemble import combine_folds
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.parts import Comparison
from gome.state.result import Member
from gome.state.task import Task
from gome.tools.data.splits import SplitPlan
from gome.tools.evaluation.bootstrap import FoldPredictions, compare
from gome.tools.evaluation.grading import GradingError, grade
from gome.tools.evaluation.kept_aside import kept_aside_rows
from gome.tools.evaluator import by_fold
from gome.tools.records.results import Results, result_name
from gome.tools.records.run_file import read_run

PARTS = ("search", "selection", "test")
"""The parts of the rows: steps were chosen by the first, programs by the second, nothing by the third."""
_SEED = 0


class PairedPart(TypedDict):
    """Two runs on the same graded rows of one part. `before` and `after` are their scores there, of the baseline and of
    the run; the comparison's gain is the run's over the baseline's, with its 90 % interval."""

    part: str
    rows: int
    before: float
    after: float
    comparison: Comparison


class AgainstBaseline(TypedDict):
    """A run against the baseline: the parts that are paired, and why each of the others is not, by its name."""

    run: str
    baseline: str
    paired: list[PairedPart]
    unpaired: dict[str, str]


def compare_runs(baseline: Path, run: Path) -> AgainstBaseline:
    """Compare what two runs would hand over now, reading both and writing to neither. GomeError: no run, no graders."""
    ours, theirs = _Graded(baseline), _Graded(run)
    found = AgainstBaseline(run=str(run), baseline=str(baseline), paired=[], unpaired={})
    for part in PARTS:
        try:
            before, after = ours.folds(part), theirs.folds(part)
            if part == "selection":  # seed by seed: those that both have
                least = min(len(before), len(after))
                before, after = before[:least], after[:least]
            _make_sure_they_are_the_same(ours, theirs, before, after)
            found["paired"].append(_paired(ours.task, part, before, after))
        except _Unpaired as why:
            found["unpaired"][part] = str(why)
        except GradingError as error:
            found["unpaired"][part] = f"the predictions cannot be graded: {error}"
    return found


class _Unpaired(Exception):
    """Why two runs have no rows in common; a sentence without its stop."""


class _Graded:
    """The predictions that stand behind a run's best, by part of the rows."""

    def __init__(self, run_dir: Path) -> None:
        run = read_run(run_dir)
        self.folder = RunFolder.read(run_dir)
        self.task, self.config = Task(**run["task"]), RunConfig(**run["config"])
        self.inputs = open_inputs(run_dir, self.task, SplitPlan.load(run_dir / "splits.npz"), self.config)
        self.results = Results(run_dir / "results", self.folder.artifacts)

    def folds(self, part: str) -> list[FoldPredictions]:
        """(answers, submission) of each fold of a part, on the selection part seed by seed. _Unpaired: there are none."""
        best = self.folder.best
        if self.task.self_reported:
            raise _Unpaired(f"{self.folder.path}: its scores are what programs say of themselves")
        if not best:
            raise _Unpaired(f"{self.folder.path}: no program was accepted")
        if part == "test":
            kept = kept_aside_rows(
                self.folder.path, self.task, self.inputs, self.folder.path / "solution" / "submission.csv"
            )
            if kept is None:
                raise _Unpaired(f"{self.folder.path}: no rows were kept aside")
            return [kept]
        of = self._search if part == "search" else self._selection
        return self._blended(best["members"], of)

    def _blended(
        self, members: list[Member], of: Callable[[Member], list[FoldPredictions]]
    ) -> list[FoldPredictions]:
        every = [of(member) for member in members]
        if len(every) == 1:
            return every[0]
        least = min(map(len, every))
        return combine_folds(self.task, [folds[:least] for folds in every], [m["weight"] for m in members])

    def _search(self, member: Member) -> list[FoldPredictions]:
        record = next((r for r in self.folder.records if r.id == member["id"]), None)
        evaluation = record.evaluation if record else None
        return self._read("search", [evaluation["predictions"] if evaluation else None])

    def _selection(self, member: Member) -> list[FoldPredictions]:
        program, folds = self.folder.text(member["code"]) or "", len(self.inputs.plan.folds("selection"))
        seeds = (
            [self.results.look(f"{result_name(program, 'selection', seed)}-f{fold}") for fold in range(folds)]
            for seed in count()
        )
        done = [result for of_seed in takewhile(all, seeds) for result in of_seed]
        if not done:
            raise _Unpaired(f"{self.folder.path}: {member['id']} was not run on the held-back part")
        return self._read("selection", [result.get("predictions") if result else None for result in done])

    def _read(self, split: str, refs: list[str | None]) -> list[FoldPredictions]:
        try:
            tables = [self.folder.artifacts.get_table(str(ref)) for ref in refs]
            return [pair for table in tables for pair in by_fold(self.inputs, split, table)]
        except ValueError:
            raise _Unpaired(f"{self.folder.path}: predictions on the {split} part were not kept") from None
        except (GomeError, OSError) as error:
            raise _Unpaired(f"{self.folder.path}: {error}") from None


def _make_sure_they_are_the_same(
    ours: _Graded, theirs: _Graded, before: list[FoldPredictions], after: list[FoldPredictions]
) -> None:
    """_Unpaired, with what differs, unless both were graded by the same metric on the same rows and labels."""
    for name in ("metric", "direction", "target", "prediction"):
        one, other = getattr(ours.task, name), getattr(theirs.task, name)
        if one != other:
            raise _Unpaired(f"{name} differs: {_said(one)} and {_said(other)}")
    pairs = zip(before, after, strict=False)
    if len(before) == len(after) and all(_same(a, b) for (a, _), (b, _) in pairs):
        return
    settings = [
        (name, getattr(ours.config, name), getattr(theirs.config, name)) for name in ("seed", "group", "time")
    ]
    for name, one, other in settings:
        if one != other:
            raise _Unpaired(f"other rows were graded: {name} {_said(one)} and {_said(other)}")
    raise _Unpaired(f"other rows were graded: the data in {ours.task.root} and {theirs.task.root} differ")


def _same(one: pd.DataFrame, other: pd.DataFrame) -> bool:
    return list(one) == list(other) and one.reset_index(drop=True).equals(other.reset_index(drop=True))


def _said(value: object) -> str:
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _paired(task: Task, part: str, before: list[FoldPredictions], after: list[FoldPredictions]) -> PairedPart:
    old, new = (
        sum(grade(task, submission, answers) for answers, submission in side) / len(side)
        for side in (before, after)
    )
    graded = pd.concat([answers for answers, _ in before])
    rows = len(graded[task.ids].drop_duplicates()) if task.ids else len(graded)
    comparison = compare(task, before, after, seed=_SEED)
    return PairedPart(part=part, rows=rows, before=old, after=new, comparison=comparison)
