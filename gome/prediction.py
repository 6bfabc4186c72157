"""Predictions of a finished run's solution for new rows: its programs, fitted again on all of the data."""

import math
import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gome.agents.blend import FitFailed, Part, blend
from gome.graph.run_layout import open_inputs
from gome.run_folder import RunFolder
from gome.solution import solution_of
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.parts import Score
from gome.state.result import RunFile
from gome.state.task import Task
from gome.tools.budget import Budget
from gome.tools.data.new_rows.inputs import NewRowInputs
from gome.tools.data.new_rows.rows import NewRows, read_new_rows
from gome.tools.data.splits import SplitPlan
from gome.tools.evaluation.bootstrap import score
from gome.tools.evaluation.grading import GradingError
from gome.tools.evaluator import Evaluator, Limits
from gome.tools.execution.access import open_scheduler
from gome.tools.execution.environment.runtime import ensure_runtime
from gome.tools.execution.workspace import remove_tree
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.clock import Clock
from gome.tools.records.run_file import read_run


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
    time for a program. `say` is told in lines what a person should know. Raises GomeError: no run, no program, rows that
    are not of the task's form, a program that fails; RunStopped when `stop()`.
    """
    folder, run = RunFolder.read(run_dir), read_run(run_dir)
    task, config = Task(**run["task"]), RunConfig(**run["config"])
    if not task.train:
        raise GomeError(
            f"{run_dir}: the task has no train and test tables ({task.adapter_name or 'self-reported'}), so rows of a "
            "table cannot stand in for its test part"
        )
    parts = solution_of(folder)
    plan = SplitPlan.load(run_dir / "splits.npz")
    own = open_inputs(run_dir, task, plan, config).input_dir("final", 0)
    new = read_new_rows(rows, task, own)
    for note in new.notes:
        say(note)
    with _workshop(run_dir) as scratch, ExitStack() as held:
        inputs = NewRowInputs(scratch, task, plan, own, new)
        evaluator = _evaluator(run_dir, run, config, inputs, held, say, stop)
        table = _blended(evaluator, parts, new, rows, say)
    return _scored(task, table, new, config.seed)


@contextmanager
def _workshop(run_dir: Path) -> Iterator[Path]:
    """A folder on the run's disk, so that files can be linked, for as long as it lasts."""
    scratch = Path(tempfile.mkdtemp(prefix=".predict-", dir=run_dir))
    try:
        yield scratch
    finally:
        remove_tree(scratch)


def _evaluator(
    run_dir: Path,
    run: RunFile,
    config: RunConfig,
    inputs: NewRowInputs,
    held: ExitStack,
    say: Callable[[str], None],
    stop: Callable[[], bool],
) -> Evaluator:
    """An evaluator like the run's own, on other inputs, and with the run's time no matter of its."""
    runtime = ensure_runtime(config.runtime, progress=say)
    if changed := runtime.changed(run.get("packages", runtime.packages)):
        say(f"the runtime has changed since the run, and so may predictions: {', '.join(changed[:8])}")
    scheduler = open_scheduler(config, run_dir, runtime, held)
    work, endless = inputs.run_dir, config.model_copy(update={"time_limit_s": math.inf})
    return Evaluator(
        run_dir=work,
        task=inputs.task,
        inputs=inputs,
        scheduler=scheduler,
        artifacts=Artifacts(work / "artifacts"),
        limits=Limits(config.program_time_limit_s, config.memory_limit_mb),
        budget=Budget(endless, Clock(work / "clock.jsonl"), work, slots=scheduler.slots),
        stop=stop,
        seed=config.seed,
    )


def _blended(
    evaluator: Evaluator, parts: list[Part], new: NewRows, rows: Path, say: Callable[[str], None]
) -> pd.DataFrame:
    """The predictions for the rows, and not for their companions."""
    say(f"fitting {', '.join(part.id for part in parts)} on all of the data, to predict {new.count} rows")
    try:
        return blend(evaluator, parts)[: new.count]
    except FitFailed as failed:
        raise GomeError(f"{rows}: {failed}") from None


def _scored(task: Task, table: pd.DataFrame, new: NewRows, seed: int) -> Predictions:
    if new.answers is None:
        return Predictions(task, table, None, 0, "")
    known = new.answers
    graded = table[table[task.id].isin(known[task.id])] if task.id else table
    try:
        reached, why = score(task, [(known, graded)], seed=seed), ""
    except (GradingError, GomeError) as error:
        reached, why = None, str(error)
    return Predictions(task, table, reached, len(known), why)
