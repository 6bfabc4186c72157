"""Whole rows for a prompt, within a budget: examples with their targets, and those on which a program does worst."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from gome.state.evidence import ShownRow, WorstRow
from gome.state.task import Task
from gome.tools.data.columns import class_text
from gome.tools.text import begun, storable

ROWS, ROW_CHARS, CELL_CHARS, VALUES = 3, 800, 400, 6


def example_rows(task: Task, answers: pd.DataFrame, table: pd.DataFrame) -> list[ShownRow]:
    """A few rows with their targets, from the lowest target to the highest, or over the classes.

    `table` is what is known of each row beside its answer; maybe no column.
    """
    target = answers[task.target[0]]
    by = target if pd.api.types.is_numeric_dtype(target) else class_text(target).fillna("")
    order = np.argsort(by.to_numpy(), kind="stable")
    if not len(order):
        return []
    chosen = order[np.unique((np.arange(ROWS) * 2 + 1) * len(order) // (2 * ROWS))]
    return [_shown(task, answers, table, at) for at in chosen]


def worst_rows(
    task: Task,
    answers: pd.DataFrame,
    submission: pd.DataFrame,
    table: pd.DataFrame,
    order: np.ndarray,
    loss: Callable[[int], float],
) -> list[WorstRow]:
    """The first rows in `order` (positions), each id once; what is predicted of them beside it.

    `loss` is that of one row.
    """
    chosen = first_of_each(task, answers, order)
    return [worst_row(task, answers, submission, table, at, loss(at)) for at in chosen]


def first_of_each(task: Task, answers: pd.DataFrame, order: np.ndarray) -> np.ndarray:
    """The first positions in `order`, each id once."""
    ids = answers[task.id].iloc[order] if task.id in answers else pd.Series(order)
    return order[~ids.astype(str).duplicated().to_numpy()][:ROWS]


def worst_row(
    task: Task, answers: pd.DataFrame, submission: pd.DataFrame, table: pd.DataFrame, at: int, loss: float
) -> WorstRow:
    """The row at a position, with what is predicted of it and its `loss`."""
    shown = _shown(task, answers, table, at)
    return WorstRow(**shown, predicted=predicted_of(task, submission, at), loss=loss)


def _shown(task: Task, answers: pd.DataFrame, table: pd.DataFrame, at: int) -> ShownRow:
    known = table.iloc[at] if len(table) == len(answers) else pd.Series(dtype=object)
    ids = {task.id: answers[task.id].iloc[at]} if task.id in answers else {}
    row: dict[Any, Any] = {**ids, **known.drop(task.id, errors="ignore").to_dict()}
    return {
        "row": _within(row, ROW_CHARS),
        "truth": _within(answers[task.target].iloc[at].to_dict(), ROW_CHARS),
    }


def predicted_of(task: Task, submission: pd.DataFrame, at: int) -> dict[str, Any]:
    """What is predicted of the row at a position: of many columns, such as one a class, the largest."""
    row = submission[task.prediction].iloc[at]
    numbers = pd.to_numeric(row, errors="coerce")
    if len(row) > VALUES and numbers.notna().all():
        row = row.loc[numbers.sort_values(ascending=False, kind="stable").index[:VALUES]]
    return _within(row.to_dict(), ROW_CHARS)


def _within(row: Mapping[Any, Any], most: int) -> dict[str, Any]:
    """The first cells of a row that fit into `most` characters, empty ones left out, and how many there are more."""
    cells = {storable(str(name)): _cell(value) for name, value in row.items() if not _is_empty(value)}
    shown: dict[str, Any] = {}
    for name, value in cells.items():
        most -= len(name) + len(str(value))
        if most < 0 and shown:
            return {**shown, "...": f"{len(cells) - len(shown)} more"}
        shown[name] = value
    return shown


def _is_empty(value: Any) -> bool:
    return not isinstance(value, Sequence | np.ndarray | dict) and bool(pd.isna(value))


def _cell(value: Any) -> Any:
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, bool | int):
        return value
    if isinstance(value, float):
        return float(f"{value:.6g}")
    return begun(storable(str(value)), CELL_CHARS)
