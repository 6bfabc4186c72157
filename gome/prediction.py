"""Predictions of a run's solution for new rows."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pandas as pd

from gome.agents.blend import FitFailed, Part, blend
from gome.kept_models import kept_model
from gome.rerun import Rerun, open_rerun
from gome.run_folder import RunFolder
from gome.solution import solution_of
from gome.state.errors import GomeError
from gome.state.parts import Score
from gome.state.task import Task
from gome.tools.data.ids import id_text
from gome.tools.data.new_rows.files import check_files
from gome.tools.data.new_rows.rows import NewRows, read_new_rows
from gome.tools.evaluation.bootstrap import score
from gome.tools.evaluation.grading import GradingError
from gome.tools.parallel import in_parallel


@dataclass(frozen=True)
class Predictions:
    """`table`: the task's id and prediction columns, a row for each new row, in their order. `score` is that of the
    `scored` rows whose labels are known, None if there are none, or they cannot be graded: `unscored` says why."""

    task: Task
    table: pd.DataFrame
    score: Score | None
    scored: int
    unscored: str


def predict(
    run_dir: Path,
    rows: Path,
    *,
    say: Callable[[str], None] = lambda line: None,
    stop: Callable[[], bool] = lambda: False,
) -> Predictions:
    """Predict the rows of a CSV or Parquet file as the run's submission predicts the task's own test rows.

    The programs of the solution run in the run's sandbox and environment, with its seeds, each within the run's limit of
    time for a program: by the models that they have kept, or fitted again. `say` is told in lines what a person should
    know. Raises GomeError: no run, no program, rows that are not of the task's form, a program that fails; RunStopped
    when `stop()`.
    """
    parts = solution_of(RunFolder.read(run_dir))
    with open_rerun(run_dir, say, stop) as rerun:
        new = read_new_rows(rows, rerun.task, rerun.own)
        check_files(rows, new.table[: new.count], rerun.file_owners)
        for note in new.notes:
            say(note)
        try:
            table = _blended(rerun, parts, new)
        except FitFailed as failed:
            raise GomeError(f"{rows}: {failed.part} failed on these rows: {failed.why}") from None
        return _scored(rerun.task, table, new, rerun.config.seed)


def _blended(rerun: Rerun, parts: list[Part], new: NewRows) -> pd.DataFrame:
    """The predictions for the rows, and not for their companions."""
    kept = in_parallel(partial(kept_model, rerun), parts, rerun.scheduler.slots)
    models = {part.program: model for part, model in zip(parts, kept, strict=True) if model}
    evaluator = rerun.evaluator(new, models, train=len(models) < len(parts))
    return blend(evaluator, parts)[: new.count]


def _scored(task: Task, table: pd.DataFrame, new: NewRows, seed: int) -> Predictions:
    if new.answers is None:
        return Predictions(task, table, None, 0, "")
    known = new.answers
    graded = table[id_text(table[task.id]).isin(known[task.id]).to_numpy()]
    try:
        reached, why = score(task, [(known, graded)], seed=seed), ""
    except (GradingError, GomeError) as error:
        reached, why = None, str(error)
    return Predictions(task, table, reached, len(known), why)
