"""What programs keep of their fitting: made once, proved on the task's own test rows, and used from then on.

A program may declare that it fits and predicts in two stages. That is believed only after its second stage, without the
train table, has predicted the test rows exactly as the run's submission has them.
"""

import secrets
from pathlib import Path

import pandas as pd

from gome.agents.blend import Part
from gome.rerun import Rerun
from gome.state.errors import RunStopped
from gome.tools.data.new_rows.rows import NewRows, wanted_columns
from gome.tools.data.tables import read_cells
from gome.tools.evaluation.grading import aligned
from gome.tools.execution.exit_status import failure_line, status_of
from gome.tools.execution.job import Job
from gome.tools.execution.program_log import parse_log
from gome.tools.execution.resources import keeps_model, resources_of
from gome.tools.execution.scheduler import run_to_its_end
from gome.tools.execution.workspace import remove_tree, remove_work_dir, take_model
from gome.tools.fold_runs import FOLD
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.results import Results, program_name

FOLDER, REFUSED = "models", "refused.txt"
"""In the run folder: a folder for each program, by its hash, with its model/, or why that is not used."""


def kept_model(rerun: Rerun, part: Part) -> Path | None:
    """The folder that the program's second stage predicts by, made if it was not there yet; None where there is none, and
    the program has to be fitted again, which is said. RunStopped when `rerun.stop()`."""
    folder = rerun.run_dir / FOLDER / program_name(part.program)
    if (folder / "model").is_dir():
        return folder / "model"
    why = _why_not(rerun, part, folder)
    if not why:
        return folder / "model"
    rerun.say(f"{part.id} is fitted again on all of the data: {why}")
    return None


def _why_not(rerun: Rerun, part: Part, folder: Path) -> str:
    """Make and prove the model of a program; '' or why it has none."""
    if not keeps_model(part.program):
        return "the program keeps no model"
    if not rerun.here:
        return "what it keeps stays where it runs"
    if (folder / REFUSED).is_file():
        return (folder / REFUSED).read_text(encoding="utf-8")
    rerun.say(f"{part.id} is fitted once on all of the data, to keep its model")
    draft = rerun.work / secrets.token_hex(8)
    why = _fit(rerun, part, draft / "model") or _difference(rerun, part, draft / "model")
    if why:
        remove_tree(draft)
        draft.mkdir()
        (draft / REFUSED).write_text(why, encoding="utf-8")
    folder.parent.mkdir(exist_ok=True)
    if not folder.exists():  # else another process was first; its model is the same
        draft.rename(folder)
    return why


def _fit(rerun: Rerun, part: Part, target: Path) -> str:
    """Run the first stage, and take its model to `target`; '' or what went wrong."""
    artifacts, limits = Artifacts(rerun.run_dir / "artifacts"), rerun.limits
    work = rerun.work / secrets.token_hex(8)
    job = Job(
        program=artifacts.path(artifacts.put_text(part.program, "py")),
        input_dir=rerun.own,
        work_dir=work,
        seed=0,
        wall_s=limits.wall_s,
        memory_mb=limits.memory_mb,
        output_mb=limits.output_mb,
        resources=resources_of(part.program),
        stage="fit",
        shown=rerun.shown,
    )
    outcome = run_to_its_end(rerun.scheduler, job, trace=part.trace, stop=rerun.stop)
    try:
        if outcome.reason == "stopped":
            raise RunStopped("the program in flight was stopped")
        if status_of(outcome) != "ok":
            return f"its first stage failed: {failure_line(outcome, parse_log(outcome.log))}"
        target.parent.mkdir(parents=True)
        return take_model(work, target, int(limits.output_mb * 2**20) // 2)
    finally:
        remove_work_dir(work)


def final_predictions(rerun: Rerun, part: Part) -> pd.DataFrame | None:
    """What the program predicted for the task's own test rows in the run; None if that is gone."""
    results = Results(rerun.run_dir / "results", Artifacts(rerun.run_dir / "artifacts"))
    final = results.first_fold(part.program, rerun.split)
    if final is None or not final.get("predictions"):
        return None
    return results.artifacts.get_table(str(final["predictions"])).drop(columns=FOLD)


def _difference(rerun: Rerun, part: Part, model: Path) -> str:
    """How the second stage predicts the task's own test rows otherwise than the run has it; '' if it does not."""
    wanted = final_predictions(rerun, part)
    if wanted is None:
        return "its predictions of the test rows are no longer there to hold its model to"
    table = read_cells(rerun.own / rerun.task.test)[wanted_columns(rerun.task, rerun.own)]
    evaluator = rerun.evaluator(NewRows(table, len(table), None, []), {part.program: model}, train=False)
    evaluation = evaluator.evaluate(part.program, "final", trace=part.trace, step=part.step)
    if evaluation["status"] != "ok":
        return f"its second stage failed: {evaluation['problems'][0]}"
    found = aligned(rerun.task, wanted, evaluator.submission(evaluation))
    return (
        ""
        if _same(found, wanted, rerun.task.prediction)
        else "by its model it predicts the test rows otherwise"
    )


def _same(found: pd.DataFrame, wanted: pd.DataFrame, columns: list[str]) -> bool:
    return bool(found[columns].reset_index(drop=True).equals(wanted[columns].reset_index(drop=True)))
