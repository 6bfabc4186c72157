"""A submission graded on the answers that a prepared competition keeps in its private folder."""

from pathlib import Path

import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.ids import respelled
from gome.tools.data.table_names import is_table
from gome.tools.data.tables import read_columns, read_table
from gome.tools.evaluation.grading import GradingError, grade

NOT_COUNTED = -1
"""A label of rows that were never part of the competition's test part."""


def private_score(task: Task, folder: Path, submission: Path) -> str:
    """The value by the task's metric; '' where no table in `folder` has the sample's columns, or the harness does not
    grade such a task."""
    columns = [*task.ids, *task.prediction]
    names = sorted(p for p in folder.glob("*") if not p.name.startswith("sample"))
    tables = [p for p in names if is_table(p) and set(columns) <= set(read_columns(p))]
    if not tables or not submission.is_file() or task.self_reported:
        return ""
    answers = read_table(tables[0], text=task.text_columns)
    given = read_table(submission, text=task.text_columns)
    counted = (answers[task.prediction] != NOT_COUNTED).all(axis=1)
    if "keep" in answers:
        counted &= answers["keep"].astype(bool)
    if task.problem == "regression":  # nobody knows what is empty
        counted &= answers[task.prediction].notna().all(axis=1)
    answers = answers[counted].reset_index(drop=True)
    kept = counted if not task.id else _is_in(given[task.id], answers[task.id])
    try:
        return f"{grade(task, given[kept.to_numpy()].reset_index(drop=True), _as_train(task, answers)):.4g}"
    except (GradingError, GomeError, KeyError, ValueError) as error:
        return f"none: {str(error)[:60]}"


def _is_in(ids: pd.Series, known: pd.Series) -> pd.Series:
    return respelled(ids, known).isin(known.astype(str))


def _as_train(task: Task, answers: pd.DataFrame) -> pd.DataFrame:
    """Answers in the sample's columns as the train table would say them."""
    if len(task.target) == len(task.prediction):
        named = answers.rename(columns=dict(zip(task.prediction, task.target, strict=True)))
        if task.positive is not None and set(named[task.target[0]].astype(str)) == {"0", "1"}:
            negative = next(c for c in task.classes if c != task.positive)
            named[task.target[0]] = named[task.target[0]].astype(str).map({"0": negative, "1": task.positive})
        return named
    if not task.classes:  # several columns are judged by one truth, which has its own name
        return answers
    classes = dict(zip(task.prediction, task.classes, strict=True))
    return answers[task.ids].assign(**{task.target[0]: answers[task.prediction].idxmax(axis=1).map(classes)})
