"""A task that an adapter speaks for: found, asked for its units, cut, carved, and read for what its answers are."""

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import cast, get_args

import pandas as pd

from gome.state.errors import GomeError, named_as
from gome.state.task import Direction, Problem, Task, TaskSettings
from gome.tools.adapters.adapter import FILE, GROUP, ID, LABEL, TIME, About, Adapter, Limits
from gome.tools.adapters.carved import Unfit
from gome.tools.adapters.inputs import ANSWERS, FOLDER, UNITS, AdapterInputs, named, public_files
from gome.tools.adapters.trust import check_trusted
from gome.tools.data import mlebench
from gome.tools.data.checks import check_labels, direction_of
from gome.tools.data.made_sample import with_sample_file
from gome.tools.data.partial_task import TABLE_SETTINGS, PartialTask
from gome.tools.data.splits import SplitPlan, plan_splits
from gome.tools.data.tables import read_cells, read_columns, read_table, write_table
from gome.tools.data.task_folder import task_of_folder
from gome.tools.evaluation import metrics
from gome.tools.evaluation.metric import Metric
from gome.tools.evaluation.positive import with_positive

FEWEST_UNITS = 10
"""Of tables more rows are needed; a unit may be a whole slide with its mask, and few of these tell more than nothing."""
_MANY = 20
"""Different numbers from which on labels of units are spread by size, not as classes."""


def find_adapter(task: Path, given: str | None) -> Path | None:
    """The adapter's file: the one that is given, else adapter.py in the task's folder. None: the task is tables."""
    if given is not None:
        path = Path(given).expanduser().resolve()
        if not path.is_file():
            raise GomeError(f"--adapter {given}: no such file.")
        return path
    task = task.expanduser().resolve()
    folder = task.parent if task.name == "task.yaml" else task
    path = mlebench.public_folder(folder) / FILE if folder.is_dir() else folder / FILE
    return path if path.is_file() else None


def prepare_adapter_task(
    task: Path,
    file: Path,
    run_dir: Path,
    limits: Limits,
    *,
    said: TaskSettings,
    seed: int,
    folds: int | None = None,
) -> tuple[Task, AdapterInputs]:
    """The checked task and its inputs, all folds laid out. What is `said` goes before what the files say.
    GomeError with the line that says what to mend, in the task or in the adapter."""
    refuse_table_settings(said)
    own, partial = task_of_folder(task, said)
    kept = run_dir / FOLDER / FILE
    kept.parent.mkdir(parents=True, exist_ok=True)
    shutil.copyfile(file, kept)
    adapter = Adapter(_text(file), kept.parent, run_dir / "inputs" / ".carving", limits)
    with named(str(file)):
        about = adapter.about()
        partial = _with_settings(partial, about)
    root, partial = with_sample_file(own, partial, run_dir / "task", file)
    public = public_files(run_dir, root, partial.links_root, file)
    with named(str(file)):
        units = replace(adapter, public=public).units()
    write_table(units, kept.with_name(UNITS))
    said_ids = partial.ids is not None
    with named_as(own, public):
        partial = mlebench.with_metric(
            public, with_sample(public, mlebench.with_description(public, partial))
        )
    if not said_ids:
        _check_told_apart(public / partial.sample, partial.id)
    judged = metrics.get(partial.metric, root=kept.parent if partial.metric.startswith(f"{FILE}:") else root)
    with named(str(file)):
        target = _targets(about.settings.get("target") or partial.target, partial.target, judged)
    draft = _draft(root, partial, file, kept, judged, target)
    inputs = AdapterInputs(run_dir, draft, plan_units(units, draft, seed=seed, folds=folds), limits)
    checked = _with_problem(inputs, partial, judged)
    inputs = AdapterInputs(run_dir, checked, inputs.plan, limits)
    check_trusted(inputs, seed=seed)
    return checked, inputs


def plan_units(units: pd.DataFrame, task: Task, *, seed: int, folds: int | None = None) -> SplitPlan:
    """The splits of the table of units, as of a train table: by its labels, groups and times, as far as it has them."""
    table = units if LABEL in units else units.assign(**{LABEL: "unit"})
    labels = table[LABEL]
    numbers = pd.api.types.is_numeric_dtype(labels) and labels.nunique() > _MANY
    about_units = {
        "train": f"the units of {task.adapter_name}",
        "id": ID,
        "target": [LABEL],
        "problem": "regression" if numbers else "multiclass",
        "group": GROUP if GROUP in table else None,
        "time": TIME if TIME in table else None,
    }
    known = [c for c in (ID, LABEL, GROUP, TIME) if c in table]
    units_task = task.model_copy(update=about_units)
    return plan_splits(table[known], units_task, seed=seed, folds=folds, at_least=FEWEST_UNITS)


def _text(file: Path) -> str:
    try:
        return file.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise GomeError(f"{file}: not UTF-8 at byte {error.start}; save the file as UTF-8 again.") from error


def _with_settings(partial: PartialTask, about: About) -> PartialTask:
    """`partial` with what the adapter says where neither the caller nor task.yaml does."""
    said = about.settings
    own = f"{FILE}:grade" if "grade" in about.functions else ""
    for name, allowed in (("direction", get_args(Direction)), ("problem", get_args(Problem))):
        if (value := said.get(name)) and value not in allowed:
            raise Unfit(f"{name} = {value!r}: it is one of {', '.join(allowed)}.")
    return replace(
        partial,
        sample=partial.sample or said.get("sample", ""),
        ids=said.get("id") if partial.ids is None else partial.ids,
        direction=partial.direction or cast(Direction | None, said.get("direction")),
        problem=partial.problem or cast(Problem | None, said.get("problem")),
        metric=partial.metric or own or said.get("metric", ""),
        positive=partial.positive or said.get("positive", ""),
    )


def with_sample(public: Path, partial: PartialTask) -> PartialTask:
    """`partial` with the sample submission, its id and what is to be predicted as the public folder says them."""
    sample = partial.sample or mlebench.find_sample(public)
    if not (public / sample).is_file():
        raise GomeError(f"{public / sample}: no such file, though it is named as the sample submission.")
    columns = read_columns(public / sample)
    ids = columns[:1] if partial.ids is None else partial.ids
    target = [c for c in columns if c not in ids]
    if not set(ids) <= set(columns) or not target:
        needed = " and ".join(["a column to predict", *map(repr, ids)])
        raise GomeError(f"{sample}: {needed} are needed in the sample submission, which has {columns}.")
    return replace(partial, sample=sample, ids=ids, target=target)


def _check_told_apart(sample: Path, id_: str) -> None:
    if read_cells(sample)[id_].duplicated().any():
        raise GomeError(
            f"{sample.name}: {id_!r} does not tell its rows apart; give `id`: several columns that do, this one if rows "
            "of one id are told by their order, or [] if all are."
        )


def _targets(said: list[str], prediction: list[str], metric: Metric) -> list[str]:
    """The columns of the answers that hold the truth, as `said`, of the sample's that are no ids. Unfit."""
    if unknown := [c for c in said if c not in prediction]:
        raise Unfit(
            f"target = {unknown[0]!r}: that is none of the sample's columns beside the ids, {', '.join(prediction)}."
        )
    if metric.predictions and metric.predictions == len(prediction) and len(said) != 1:
        raise Unfit(
            f"metric {metric.name!r} judges {metric.predictions} columns by one truth: say which of "
            f"{', '.join(prediction)} holds it, as in target = {prediction[0]!r}."
        )
    return said


def _draft(
    root: Path, partial: PartialTask, file: Path, kept: Path, metric: Metric, target: list[str]
) -> Task:
    """The task as far as it is known before its answers are. Beside `target`, the columns of the truth, a metric may
    judge others; else what the sample has more repeats the test part, and is handed over as it stands."""
    return Task(
        name=partial.name,
        root=str(root),
        description=partial.description,
        metric=partial.metric if ":" in partial.metric else metric.name,
        metric_columns=list(metric.columns),
        metric_from=partial.metric_from,
        direction=direction_of(partial, metric.direction),
        problem="text",
        train="",
        test="",
        sample=partial.sample,
        id=partial.id,
        more_ids=(partial.ids or [])[1:],
        target=target,
        prediction=partial.target if metric.own or metric.predictions else target,
        links_root=partial.links_root,
        adapter=str(kept),
        adapter_name=str(file),
        time_limit_s=partial.time_limit_s,
        program_time_limit_s=partial.program_time_limit_s,
    )


def _all_answers(inputs: AdapterInputs) -> Path:
    """A table of the answers of all folds, each id once. Lays the folds out."""
    parts = []
    for part in (inputs.plan.splits[:1], inputs.plan.splits[1:]):  # what never ends is seen at the first fold
        inputs.lay_out(part)
    for split in inputs.plan.splits:
        if split.name in ("search", "selection"):
            parts.append(read_cells(inputs.run_dir / "answers" / f"{split.name}-{split.fold}.csv"))
    path = inputs.run_dir / FOLDER / ANSWERS
    write_table(pd.concat(parts, ignore_index=True).drop_duplicates(), path)
    return path


def _with_problem(inputs: AdapterInputs, partial: PartialTask, metric: Metric) -> Task:
    """The task with problem and classes as the answers show them. For a grader of one's own, unless the problem is said,
    numbers are numbers and all else is text."""
    task, answers = inputs.task, _all_answers(inputs)
    if metric.own and partial.problem in (None, "text"):
        sample = inputs.input_dir("final", 0) / task.sample
        values = partial.problem is None and _are_values([answers, sample], task.prediction)
        return task.model_copy(update={"problem": "regression" if values else "text"})
    labelled = replace(partial, train=str(answers), target=task.target)
    problem, classes = check_labels(Path(task.root), labelled, task.prediction, metric)
    return with_positive(task.model_copy(update={"problem": problem, "classes": classes}), partial.positive)


def _are_values(answers_and_sample: Sequence[Path], prediction: list[str]) -> bool:
    """Whether predictions may be averaged: answers are numbers, and these or the sample's have a point."""
    tables = [read_table(path, columns=prediction) for path in answers_and_sample]
    numbers = all(pd.api.types.is_numeric_dtype(tables[0][c]) for c in prediction)
    return numbers and any(pd.api.types.is_float_dtype(t[c]) for t in tables for c in prediction)


def refuse_table_settings(said: TaskSettings) -> None:
    """GomeError for settings that are about tables and their columns."""
    for name in TABLE_SETTINGS:
        if said.get(name):
            raise GomeError(
                f"`{name}` is about the columns of a train table; with an adapter the table of units says label, group "
                "and time."
            )
