"""The submission as it is handed over: in the words of the sample."""

from collections.abc import Callable
from pathlib import Path

import pandas as pd

from gome.state.task import Task
from gome.tools.data.tables import read_table, write_table
from gome.tools.evaluation.answer_form import answer_form


def write_as_sample(task: Task, submission: pd.DataFrame, path: Path) -> None:
    """Write checked rows, which have the sample's ids and order, with the sample's header and spelling of labels."""
    if spelling := spelling_of(task):
        column = task.prediction[0]
        submission = submission.assign(**{column: submission[column].map(lambda c: spelling.get(c, c))})
    write_table(submission, path, like=Path(task.root) / task.sample)


def spelling_of(task: Task) -> dict[str, str]:
    """How the sample spells the task's classes; {} where that is not known, or where no labels are predicted."""
    if not task.classes or len(task.prediction) > 1 or answer_form(task) != "label":
        return {}
    column = task.prediction[0]
    cells = read_table(Path(task.root) / task.sample, columns=[column], text=[column])[column]
    return spelled_like(list(cells.dropna().unique()), task.classes)


def _whole(label: str) -> str:
    return label.removesuffix(".0")


def _pointed(label: str) -> str:
    return f"{label}.0" if label.lstrip("-").isdigit() else label


_STYLES: tuple[Callable[[str], str], ...] = (str, _whole, _pointed, str.lower, str.upper, str.capitalize)


def spelled_like(examples: list[str], classes: list[str]) -> dict[str, str]:
    """How each of `classes` is spelled where `examples` are some of them: `TRUE` as `True`, `1.0` as `1`. Where no one
    style explains the examples, as it is."""
    for style in _STYLES:
        spelling = {c: style(c) for c in classes}
        if set(examples) <= set(spelling.values()) and len(set(spelling.values())) == len(classes):
            return spelling
    return {}
