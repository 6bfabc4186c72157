"""The rows on which one program is worst, and how another one does on the same rows."""

from collections.abc import Sequence

import numpy as np
import pandas as pd

from gome.state.evidence import Change, RowChange, RowChanges
from gome.state.task import Task
from gome.tools.evaluation.bootstrap import FoldPredictions
from gome.tools.evaluation.grading import aligned
from gome.tools.evaluation.row_losses import RowLosses, row_losses
from gome.tools.evaluation.shown_rows import first_of_each, predicted_of, worst_row
from gome.tools.evaluation.slices import short


def row_changes(
    task: Task,
    before: Sequence[FoldPredictions],
    after: Sequence[FoldPredictions],
    features: Sequence[pd.DataFrame],
    *,
    cells: bool,
) -> RowChanges | None:
    """A few rows, those on which `before` is worst; at most some 10 kB. None where no row is wrong, rows have no loss of
    their own, or both predict in different forms.

    Folds and `features` (the test tables that programs saw) are those of `evidence`. Without `cells` nothing of the data
    is in it, the losses alone.
    """
    try:
        ours, theirs = ([(a, aligned(task, a, s)) for a, s in folds] for folds in (before, after))
        was, now = row_losses(task, ours), row_losses(task, theirs)
        if was is None or now is None or was.name != now.name or not len(was.order):
            return None
        answers, old = (pd.concat([fold[side] for fold in ours], ignore_index=True) for side in (0, 1))
        new = pd.concat([submission for _, submission in theirs], ignore_index=True)
        table = pd.concat(features, ignore_index=True).drop(columns=task.ids, errors="ignore")
        rows = [
            RowChange(
                **worst_row(task, answers, old, table, at, _loss(was, at)),
                after=predicted_of(task, new, at),
                loss_after=_loss(now, at),
                change=_change(was, now, at),
            )
            for at in first_of_each(task, answers, was.order)
        ]
    except Exception:  # what a program predicted ends no step; `evidence` says what is wrong
        return None
    return RowChanges(metric=was.name, rows=rows if cells else [_without_cells(row) for row in rows])


def _loss(losses: RowLosses, at: int) -> float:
    return short(losses.of(np.array([at])))


def _change(was: RowLosses, now: RowLosses, at: int) -> Change:
    if _loss(was, at) == _loss(now, at):
        return "same"
    return "better" if now.worse[at] < was.worse[at] else "worse"


def _without_cells(row: RowChange) -> RowChange:
    return {**row, "row": {}, "truth": {}, "predicted": {}, "after": {}}
