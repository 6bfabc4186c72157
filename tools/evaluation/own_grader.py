"""Somebody's own grader, in the signature of MLE-bench: grade(submission, answers) -> float. It runs in a sandbox."""

from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Problem, Task
from gome.tools.evaluation.grader_process import GraderFailed, GraderProcess
from gome.tools.evaluation.metric import UNIT, GradingError, Metric
from gome.tools.evaluation.parse import true_codes

_KINDS: tuple[Problem, ...] = (
    "binary",
    "multiclass",
    "multilabel",
    "regression",
    "ranking",
    "detection",
    "text",
)


def load(name: str, root: str | Path | None = None) -> Metric:
    """The metric of `module:function` or `path/to/file.py:function`: in the task's folder `root`, or an installed module.

    It is called with the submission and with the answers: id and target columns and, where the submission has a
    column a class, these columns as 0 and 1. `direction` of the result stands for nothing; the task says it.
    Raises GomeError if the file lies outside the folder, there is no such module or function, or it fails to import.
    """
    return _loaded(name, None if root is None else Path(root).resolve())


@cache
def _loaded(name: str, root: Path | None) -> Metric:
    where, _, function = name.rpartition(":")
    file = _file(where, root)
    process = GraderProcess(f"input/{file.as_posix()}" if file else where, function, root)
    try:
        if not process.start():
            raise GomeError(f"metric {name!r}: {where} has no function {function!r}.")
    except GraderFailed as error:
        raise GomeError(f"metric: {file or where} cannot be imported: {error}") from None

    def measure(answers: pd.DataFrame, submission: pd.DataFrame) -> float:
        try:
            (value,) = process.values(submission, answers)
        except GraderFailed as error:
            raise GradingError(f"{name}: {error}") from None
        return value

    def on_rows(answers: pd.DataFrame, submission: pd.DataFrame, rows: list[np.ndarray]) -> np.ndarray:
        try:
            return np.fromiter(process.values(submission, answers, rows), float, len(rows))
        except GraderFailed as error:
            raise GradingError(f"{name}: {error}") from None

    return Metric(name, "maximize", _KINDS, "value", _frames, measure, own=True, together=on_rows)


def _frames(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[pd.DataFrame, pd.DataFrame]:
    """Both tables as a grader expects them: ids and labels, text to us, are numbers where that changes none of them."""
    ids = {c: _plain(pd.concat([answers[c], submission[c]], ignore_index=True)) for c in task.ids}
    typed = dict(zip(task.classes, _plain(pd.Series(task.classes, dtype=object)), strict=True))
    if task.problem in ("binary", "multiclass") and len(task.prediction) > 1:
        truth = true_codes(answers, task)
        classes = {c: (truth == i).astype(int) for i, c in enumerate(task.prediction) if c not in answers}
        answers = answers.assign(**classes)
    answers = answers.assign(**{c: _typed(answers[c], typed) for c in task.target})
    submission = submission.assign(**{c: _typed(submission[c], typed) for c in task.prediction})
    answers = answers.assign(**{c: both[: len(answers)].to_numpy() for c, both in ids.items()})
    submission = submission.assign(**{c: both[len(answers) :].to_numpy() for c, both in ids.items()})
    return answers.drop(columns=UNIT, errors="ignore"), submission


def _typed(column: pd.Series, typed: dict[str, Any]) -> pd.Series:
    """Labels as the grader knows them; what are no labels as they are, text as numbers where it is a number's."""
    if len(typed) and column.isin(typed).all():
        return column.map(typed)
    return _plain(column)


def _plain(column: pd.Series) -> pd.Series:
    """Text as numbers or truth values if each is spelled as those are; else, and what is no text, as it is."""
    if pd.api.types.is_numeric_dtype(column) or column.isna().any():
        return column
    if set(column.astype(str).str.lower()) <= {"true", "false"}:
        return column.astype(str).str.lower() == "true"
    try:
        numbers = pd.to_numeric(column, errors="coerce")
    except OverflowError:  # a whole number that no float holds
        return column
    return numbers if (numbers.astype(str) == column.astype(str)).all() else column


def _file(where: str, root: Path | None) -> Path | None:
    """The file of a grader, below the task's folder; None for a module that Python has to find."""
    named = (
        Path(where)
        if where.endswith(".py")
        else Path(*where.split(".")).with_suffix(".py")
        if where
        else None
    )
    if named is not None and root is not None and (root / named).is_file():
        path = (root / named).resolve()
        if not path.is_relative_to(root):
            raise GomeError(
                f"metric: {where} lies outside of the task's folder {root}: copy the file into it."
            )
        return path.relative_to(root)
    if where.endswith(".py"):
        raise GomeError(f"metric: {where}: no such file in the task's folder.")
    return None
