"""A run as Python holds it: where it lies, what it has found, and what can be asked of it."""

import tempfile
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

import pandas as pd

from gome.cli.summary import summary_lines
from gome.driver import Models, Reviewer, drive
from gome.explanation.words import explain_run, explain_step
from gome.export.folder import export
from gome.face.figures import RunScore, leaderboard_of, score_of
from gome.face.pages import Report, Words, summary_html
from gome.face.threads import in_thread
from gome.face.watching import Watch, said, watched
from gome.prediction import Predictions, predict
from gome.report.page import write_report
from gome.run_folder import RunFolder, RunState
from gome.run_summary import RunSummary, summary_of
from gome.state.errors import RunStopped
from gome.state.task import Task
from gome.stopping import Stopper, stopped_by_keys
from gome.tools.data.uploads import write_rows
from gome.tools.evaluation.hand_over import write_as_sample
from gome.tools.records.run_file import read_run

T = TypeVar("T")
Rows = pd.DataFrame | str | Path
"""Rows to be predicted: a DataFrame, or the path of a CSV or Parquet file."""


class Run:
    """A run that `gome.fit` made, or that `gome.load` opened; also one that goes on, or was stopped.

    It holds the folder and nothing else: what is asked is read there each time, and pickling it keeps the path.
    """

    def __init__(self, path: str | Path) -> None:
        """The run in a folder. GomeError if it is none."""
        self.path = Path(path).resolve()
        read_run(self.path)

    def __repr__(self) -> str:
        return f"<gome.Run {self.path}: {self.score or 'no program was accepted'}, {self.state}>"

    def __str__(self) -> str:
        return "\n".join(summary_lines(self.path))

    def _repr_html_(self) -> str:
        return summary_html(self.path)

    @property
    def _folder(self) -> RunFolder:
        return RunFolder.read(self.path)

    @property
    def task(self) -> Task:
        """The task: metric, direction, columns, classes."""
        return Task(**read_run(self.path)["task"])

    @property
    def state(self) -> RunState:
        """finished, running, or stopped: `resume` goes on with it."""
        return self._folder.state

    @property
    def score(self) -> RunScore | None:
        """The score of what the run hands over, on the rows that fewest choices were made by: those kept aside, else the
        held-back part, else the search part. None if no program was accepted."""
        return score_of(self._folder)

    @property
    def summary(self) -> RunSummary:
        """The figures of the run, as `gome status --json` gives them."""
        return summary_of(self._folder)

    @property
    def program(self) -> str | None:
        """The text of the best program, for an ensemble that of its heaviest member; None if none was accepted."""
        best = self._folder.best
        members = sorted(best["members"], key=lambda m: -m["weight"]) if best else []
        return self._folder.text(members[0]["code"]) if members else None

    def leaderboard(self) -> pd.DataFrame:
        """All that was scored, a row each, best first: steps, ensemble, naive prediction."""
        return leaderboard_of(self._folder)

    def explain(self, step: str | None = None) -> Words:
        """The run, or one step 'trace:step', in plain words out of its records. GomeError: no such step."""
        return Words(explain_step(self._folder, step) if step else explain_run(self._folder))

    def report(self) -> Report:
        """The report, written anew: a path that a notebook shows as a page."""
        return Report(write_report(self.path))

    def predict(self, rows: Rows, *, progress: bool = True) -> pd.Series | pd.DataFrame:
        """Predictions for rows with the columns of the data that the run has learned from, in the form that its metric
        asks for (numbers, labels, or probabilities: `task.says_positive`): a Series, a DataFrame where the task predicts
        several columns, with the index of a DataFrame of rows. `progress`: say on standard error what is to be known.

        Raises GomeError: no accepted program, rows of another form, a program that fails on them; KeyboardInterrupt.
        """
        found = self._predicted(rows, progress)
        table = _as_handed_over(found)
        if isinstance(rows, pd.DataFrame):
            table.index = rows.index
        return table.iloc[:, 0] if table.shape[1] == 1 else table

    def evaluate(self, rows: Rows, *, progress: bool = True) -> RunScore | None:
        """The score of the predictions for rows with their labels; None, and said why, where they cannot be graded."""
        found = self._predicted(rows, progress)
        if found.score is None:
            said(progress)(f"no score: {found.unscored or 'the rows have no labels'}")
            return None
        return RunScore(found.score["value"], found.score["stderr"], found.task.metric, "rows")

    def export(self, folder: str | Path, *, progress: bool = True) -> Path:
        """Write the solution into a new folder that needs no Gome (docs/predict.md). GomeError; KeyboardInterrupt."""
        return _interruptible(lambda stop: export(self.path, Path(folder), say=said(progress), stop=stop))

    def resume(
        self,
        *,
        models: Models | None = None,
        progress: Watch = True,
        reviewer: Reviewer | None = None,
        stopper: Stopper | None = None,
    ) -> "Run":
        """Go on with the run to its end; a finished one stays as it is. Arguments: see `gome.fit`."""
        if self.state == "finished":
            return self
        try:
            with watched(self.path, progress) as observer:
                drive(
                    self.path, observer, reviewer or (lambda question: None), models=models, stopper=stopper
                )
        finally:
            write_report(self.path)
        return self

    async def apredict(self, rows: Rows, *, progress: bool = True) -> pd.Series | pd.DataFrame:
        """`predict` without blocking the event loop."""
        return await in_thread(partial(self.predict, rows, progress=progress))

    async def aevaluate(self, rows: Rows, *, progress: bool = True) -> RunScore | None:
        """`evaluate` without blocking the event loop."""
        return await in_thread(partial(self.evaluate, rows, progress=progress))

    async def aexport(self, folder: str | Path, *, progress: bool = True) -> Path:
        """`export` without blocking the event loop."""
        return await in_thread(partial(self.export, folder, progress=progress))

    async def aresume(self, **options: Any) -> "Run":
        """`resume` without blocking the event loop; cancelling it lets what is in flight finish."""
        stopper = options.pop("stopper", None) or Stopper()
        return await in_thread(partial(self.resume, stopper=stopper, **options), stopper)

    def _predicted(self, rows: Rows, progress: bool) -> Predictions:
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(rows) if isinstance(rows, str | Path) else write_rows(rows, Path(scratch))
            return _interruptible(lambda stop: predict(self.path, path, say=said(progress), stop=stop))


def _interruptible(work: Callable[[Callable[[], bool]], T]) -> T:
    """Do work that asks whether to stop; KeyboardInterrupt where keys stopped it."""
    with stopped_by_keys() as stop:
        try:
            return work(stop.is_set)
        except RunStopped:
            raise KeyboardInterrupt from None


def _as_handed_over(found: Predictions) -> pd.DataFrame:
    """The predictions as they stand in a submission: labels spelled as in the data, columns of one type."""
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "predictions.csv"
        write_as_sample(found.task, found.table, path)
        return pd.read_csv(path, keep_default_na=False, na_values=[""])[found.task.prediction]
