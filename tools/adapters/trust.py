"""Checks of an adapter before it is trusted: it carves the same twice, and its answers are graded as the truth is."""

import gzip
import hashlib
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from gome.state.parts import gain_of
from gome.state.task import Task
from gome.tools.adapters.adapter import ID, LABEL
from gome.tools.adapters.carved import Carved, Unfit
from gome.tools.adapters.form import check_form
from gome.tools.adapters.hidden import check_hidden, digest, of_answers
from gome.tools.adapters.inputs import ANSWERS, FOLDER, AdapterInputs, named
from gome.tools.data import archives
from gome.tools.data.tables import read_cells, write_table
from gome.tools.data.task_files import task_files
from gome.tools.evaluation.answers import answers_fault
from gome.tools.evaluation.grading import GradingError, measured, metric_of
from gome.tools.evaluation.metric import UNIT
from gome.tools.evaluation.submission import check_submission

_DEALS = 5
_DOUBT = 1e-4
"""Odds of an adapter to be refused for nothing, for each place where labels of few units are looked for."""


def check_trusted(inputs: AdapterInputs, *, seed: int) -> None:
    """Carve the first search fold twice more, with other hashes of Python, look in it for answers of units that are
    neither to be learned from nor graded there, do so with many units where it has few, and grade the answers.
    GomeError."""
    with named(inputs.task.adapter_name):
        _check_repeats(inputs)
        for split in ("smoke", "search"):
            _check_held_back(inputs, split)
        _check_many(inputs)
        _check_defined(inputs)
        for split in ("search", "selection"):
            sample, answers = inputs.sample(split, 0), inputs.answers(split, 0)
            _check_grading(inputs.task, answers, sample, seed)


def _check_repeats(inputs: AdapterInputs) -> None:
    scratch = inputs.adapter.scratch
    scratch.mkdir(parents=True, exist_ok=True)
    with (
        tempfile.TemporaryDirectory(dir=scratch) as first,
        tempfile.TemporaryDirectory(dir=scratch) as second,
    ):
        once, again = (_carved(inputs, Path(folder), seed=i) for i, folder in enumerate((first, second), 1))
        if not once.answers.equals(again.answers):
            raise Unfit("carve() gives other answers when it is called again: let nothing depend on chance.")
        left, right = dict(_contents(once)), dict(_contents(again))
        if differing := sorted(n for n in {*left, *right} if left.get(n) != right.get(n)):
            raise Unfit(
                f"carve() writes another {differing[0]} when it is called again: let nothing depend on chance."
            )


def _carved(inputs: AdapterInputs, folder: Path, seed: int) -> Carved:
    with inputs.carving(inputs.plan.folds("search")[:1], seed=seed) as take:
        return take(0, folder)


def _check_held_back(inputs: AdapterInputs, split: str) -> None:
    """Units that a fold neither trains on nor grades, such as those of the selection part, are not in its folder."""
    task, cut = inputs.task, inputs.plan.folds(split)[0]
    answers = read_cells(inputs.run_dir / FOLDER / ANSWERS)
    away = answers[~answers[UNIT].isin(inputs.units[ID].iloc[np.append(cut.train_rows, cut.test_rows)])]
    folder = inputs.input_dir(split, 0)
    check_hidden(folder, task_files(folder), of_answers(away, away[UNIT], task.ids, task.target))


def _check_many(inputs: AdapterInputs) -> None:
    """Where a fold grades too few units for a search to be sure: carve the selection the other way round, so that most of
    the units are graded, and doubt what tells nearly all of them."""
    task, scratch = inputs.task, inputs.adapter.scratch
    folds = (inputs.answers(cut.name, cut.fold) for cut in inputs.plan.folds("search"))
    if all(h.search.sure for a in folds for h in of_answers(a, a[UNIT], task.ids, task.target)):
        return
    selection, ids = inputs.plan.folds("selection")[0], inputs.units[ID].to_numpy()
    labelled = inputs.units[LABEL].notna().to_numpy() if LABEL in inputs.units else np.full(len(ids), True)
    graded = list(ids[selection.train_rows[labelled[selection.train_rows]]])
    with tempfile.TemporaryDirectory(dir=scratch) as folder:
        with inputs.adapter.carving([(list(ids[selection.test_rows]), graded)]) as take:
            carved = take(0, Path(folder))
        real = read_cells(inputs.input_dir("final", 0) / task.sample)
        units = check_form(carved, task.sample, task.ids, real, graded)
        hidden = of_answers(carved.answers, units, task.ids, task.target, doubt=_DOUBT)
        check_hidden(carved.folder, carved.names, hidden)


def _contents(carved: Carved) -> Iterator[tuple[str, str]]:
    """What each file holds: the public file that it is, or a hash; of what is packed, of what is in it."""
    yield from carved.linked.items()
    for name in carved.made:
        path = carved.folder / name
        if archives.is_archive(name):
            inside = archives.members(path, archives.member_names(path))
            for member, file in inside:
                yield f"{name}/{member}", hashlib.sha256(file.read()).hexdigest()
        elif name.endswith(".gz"):
            yield name, hashlib.sha256(gzip.decompress(path.read_bytes())).hexdigest()
        else:
            yield name, digest(path)


def _check_defined(inputs: AdapterInputs) -> None:
    """The metric is defined for the answers of every fold. A grader of one's own is not asked."""
    task, metric = inputs.task, metric_of(inputs.task)
    for cut in [] if metric.own else [*inputs.plan.folds("search"), *inputs.plan.folds("selection")]:
        answers = inputs.answers(cut.name, cut.fold)
        if fault := answers_fault(metric, task, answers, inputs.sample(cut.name, cut.fold)):
            raise Unfit(
                f"{fault}, in a fold that grades {len(cut.test_rows)} units: let `label` or `group` of units() spread "
                "them so that no fold is like that, or choose another metric."
            )


def _check_grading(task: Task, answers: pd.DataFrame, sample: pd.DataFrame, seed: int) -> None:
    """The answers are a valid submission, the best there is: better than the sample, and than answers dealt anew."""
    metric = metric_of(task)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "submission.csv"
        write_table(answers[list(sample.columns)], path)
        perfect, problems = check_submission(path, sample, task)
    if perfect is None:
        raise Unfit(f"carve(): the answers are no valid submission: {problems[0]}.")
    try:
        best = measured(metric, task, answers, perfect)
    except GradingError as error:
        raise Unfit(f"the answers cannot be graded against themselves: {error}.") from None
    values = {"the sample submission": _value(task, answers, sample)}
    dealt = list(_dealt(task, answers, perfect, np.random.default_rng(seed)))
    values["answers dealt to other rows"] = float(np.mean(dealt)) if dealt else None
    for what, value in values.items():
        if value is not None and gain_of(task.direction, best, value) <= 0:
            raise Unfit(
                f"{task.metric} ({task.direction}) gives the answers themselves {best:.6g} and {what} {value:.6g}: "
                "mend the grader, its direction, or the answers."
            )


def _dealt(
    task: Task, answers: pd.DataFrame, perfect: pd.DataFrame, rng: np.random.Generator
) -> Iterator[float]:
    for _ in range(_DEALS):
        other = perfect[task.prediction].iloc[rng.permutation(len(perfect))].reset_index(drop=True)
        value = _value(task, answers, perfect.assign(**{c: other[c] for c in task.prediction}))
        if value is not None:
            yield value


def _value(task: Task, answers: pd.DataFrame, submission: pd.DataFrame) -> float | None:
    try:
        return measured(metric_of(task), task, answers, submission)
    except GradingError:  # a placeholder that is no label
        return None
