"""solution.json: what the modules of an exported solution have to know of the task, the programs and the run."""

import hashlib
import math
from pathlib import Path
from typing import Any

import pandas as pd
from typing_extensions import TypedDict

from gome.agents.blend import Part
from gome.kept_models import final_predictions
from gome.optimizer.blending import How
from gome.optimizer.ensemble import how_blended
from gome.rerun import Rerun
from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.new_rows.form import companions, text_columns
from gome.tools.data.new_rows.kinds import kind_of
from gome.tools.data.new_rows.rows import told, wanted_columns
from gome.tools.data.table_names import is_parquet
from gome.tools.data.tables import MISSING, header_of, read_cells, read_table
from gome.tools.evaluation.answer_form import answer_form
from gome.tools.evaluation.grading import metric_of
from gome.tools.evaluation.hand_over import spelling_of
from gome.tools.execution.job import Job
from gome.tools.execution.slots import Slots
from gome.tools.execution.workspace import environment

_OF_THE_MACHINE = ("PATH", "HOME", "TMPDIR", "USER", "CUDA_VISIBLE_DEVICES", "CUDA_DEVICE_ORDER")


class Exported(TypedDict):
    """A program: its `name` in model/, its `file`, its weight, and whether it keeps a model."""

    name: str
    file: str
    weight: float
    keeps_model: bool


class Rows(TypedDict):
    """The test table: its `columns`; of those that are not `text` whatever they look like, how they read (`kinds`) and
    the formats of `dates`. `text_columns` read as text only if some cell does, as in the rows `companions`. `missing` are
    the words for a gap. Without ids in a table they are `numbered`. `files`: columns that name files,
    with the values for which there is one."""

    columns: list[str]
    text: list[str]
    kinds: dict[str, str]
    dates: dict[str, str]
    text_columns: list[str]
    companions: list[list[Any]]
    missing: list[str]
    numbered: bool
    files: dict[str, list[str]]


class Answers(TypedDict):
    """Predictions: `form` is number, label, text or 'as written'; `as_text`: read as text. Numbers lie in `range`, None
    for no bound; `to_one`: rows are probabilities that sum to 1. Labels are `classes`, `ordered` numbers maybe, spelled
    as in `spelling` in the end. `how` programs are blended."""

    form: str
    as_text: bool
    range: list[float | None]
    to_one: bool
    classes: list[str]
    ordered: bool
    spelling: dict[str, str]
    how: How


class Sample(TypedDict):
    """The sample submission: its `columns`, the `header` as it is written, and its first `row`."""

    columns: list[str]
    header: list[str]
    row: dict[str, Any]


class Spec(TypedDict):
    """solution.json. `files`: names of train, test and sample; `environment`: variables that programs run with;
    `fingerprints`: SHA-256 of the tables that are learned from."""

    members: list[Exported]
    environment: dict[str, str]
    fingerprints: dict[str, str]
    files: dict[str, str]
    id: str
    prediction: list[str]
    rows: Rows
    sample: Sample
    answers: Answers


def spec_of(rerun: Rerun, members: list[Exported], parts: list[Part]) -> Spec:
    """The specification of a solution. GomeError if what an ensemble predicted is no longer known."""
    task, own = rerun.task, rerun.own
    sample = read_cells(own / task.sample)
    return Spec(
        members=members,
        environment=_environment(rerun),
        fingerprints={name: fingerprint(own / name) for name in dict.fromkeys((task.train, task.sample))},
        files={"train": task.train, "test": task.test, "sample": task.sample},
        id=task.id,
        prediction=task.prediction,
        rows=_rows(rerun),
        sample=Sample(
            columns=list(sample.columns),
            header=header_of(sample, own / task.sample),
            row={c: _plain(sample[c].iloc[0]) for c in sample.columns},
        ),
        answers=answers_of(task, _how(rerun, parts)),
    )


def fingerprint(path: Path) -> str:
    """SHA-256 of a file, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _environment(rerun: Rerun) -> dict[str, str]:
    """The variables that programs ran with, but for those that say where they ran."""
    job = Job(rerun.own, rerun.own, rerun.work, 0, 0, 0, 0, threads=Slots(rerun.scheduler.slots).threads)
    return {k: v for k, v in environment(job, home="", python=Path()).items() if k not in _OF_THE_MACHINE}


def _rows(rerun: Rerun) -> Rows:
    task, own = rerun.task, rerun.own
    columns, test = wanted_columns(task, own), own / task.test
    rows = Rows(
        columns=columns,
        text=text_columns(test) if is_parquet(test) else task.text_columns,
        kinds={},
        dates={},
        text_columns=[],
        companions=[],
        missing=list(MISSING),
        numbered=task.numbered,
        files=rerun.file_owners,
    )
    if not is_parquet(test):
        like, cells = read_table(test)[columns], read_cells(test)[columns]
        free = [c for c in columns if c not in task.text_columns]
        nothing = pd.DataFrame({c: [None] for c in columns}, dtype=object).assign(**{task.id: ""})
        beside = companions(nothing, cells, like, task, test)
        rows["kinds"] = {c: kind_of(column) for c, column in told(like, task, own).items() if c in free}
        rows["dates"] = {c: task.dates[c].format for c in free if c in task.dates}
        rows["text_columns"] = [c for c in free if kind_of(like[c]) == "text"]
        rows["companions"] = beside.astype(object).where(beside.notna(), None).to_numpy().tolist()
    return rows


def answers_of(task: Task, how: How) -> Answers:
    """The form of the task's predictions, as the check of submissions has it."""
    metric, form = metric_of(task), answer_form(task)
    lists = {task.problem, form} & {"ranking", "detection", "text"}
    labels = form == "label" and len(task.prediction) == 1
    as_written = metric.own and not (labels and task.classes)
    text = bool(lists) or (labels and not task.classes)
    return Answers(
        form="as written" if as_written else "text" if text else "label" if labels else "number",
        as_text=metric.form in ("label", "ranking", "detection", "text")
        or (metric.own and form in ("label", "text")),
        range=[None if math.isinf(bound) else bound for bound in (metric.low, metric.high)],
        to_one=not metric.own
        and metric.form == "probability"
        and bool(task.classes)
        and len(task.prediction) > 1,
        classes=task.classes,
        ordered=metric.ordered,
        spelling=spelling_of(task),
        how=how,
    )


def _how(rerun: Rerun, parts: list[Part]) -> How:
    """How the predictions of the parts are blended; it may depend on what they are."""
    tables = [final_predictions(rerun, part) for part in parts] if len(parts) > 1 else []
    if any(table is None for table in tables):
        raise GomeError(
            f"{rerun.run_dir}: predictions of the ensemble's programs are gone; resume a copy of the run"
        )
    return (
        how_blended(rerun.task, metric_of(rerun.task), [t for t in tables if t is not None])
        if tables
        else "mean"
    )


def _plain(value: Any) -> Any:
    """A cell as JSON knows it."""
    return None if pd.isna(value) else value.item() if hasattr(value, "item") else value
