"""Where a program's errors lie, in a few measured lines: what the next diagnosis reads."""

from typing import cast

import numpy as np
import pandas as pd

from gome.state.evidence import CalibrationBin, Confusion, Evidence, ResidualBin, Residuals
from gome.state.task import Task
from gome.tools.data.dates import with_dates
from gome.tools.evaluation.bootstrap import FoldPredictions
from gome.tools.evaluation.grading import GradingError, aligned
from gome.tools.evaluation.parse import codes, numbers, probabilities, true_codes
from gome.tools.evaluation.row_losses import are_chances, row_losses
from gome.tools.evaluation.shown_rows import worst_rows
from gome.tools.evaluation.slices import short, worst_slices
from gome.tools.text import begun
from gome.tools.unreadable import unreadable_line

SLICES, PAIRS, BINS, NAME_CHARS = 6, 6, 5, 60
_FEWEST_A_BIN = 10
_LOG_METRICS = ("rmsle",)
"""They compare logarithms: a bias in the target's own units says nothing of what they lose on."""


def evidence(
    task: Task,
    folds: list[FoldPredictions],
    features: list[pd.DataFrame],
    *,
    slices: int = SLICES,
    unshown: np.ndarray | None = None,
) -> Evidence:
    """What the graded rows of all folds say together; JSON, at most about 6 kB, keys left out where nothing is known.

    `features` are the test tables that the program saw, rows aligned with the fold's answers. Rows that are `unshown`
    (rows of all folds,), those of the locked part, count in all figures and are none of the single rows.

    loss, pooled, rows: what rows are judged by (see `row_losses`: the task's metric if it is a mean over rows, else what
    tells under it), its value over all of them, and how many there are. worst_slices: parts of the rows on which it is
    worse than on the others by more than chance (see `slices`). worst_rows: a few single rows that are wrong, whole.
    confusion: pairs of classes most often taken for one another, `share` of the true class. residuals (regression):
    `bias` = mean of predicted - true, `too_low` = share of rows predicted below the truth, by ranges of the target
    (`bins`: where even the best prediction is drawn to the middle) and of the prediction (`by_prediction`: what could be
    mended). calibration (binary probabilities): mean `predicted` against `observed` share, by ranges of the prediction.
    """
    pooled = [(a, aligned(task, a, submission)) for a, submission in folds]
    answers = pd.concat([a for a, _ in pooled], ignore_index=True)
    submission = pd.concat([s for _, s in pooled], ignore_index=True)
    table = pd.concat(features, ignore_index=True).drop(columns=task.ids, errors="ignore")
    found: Evidence = {}
    try:
        hidden = np.zeros(len(answers), dtype=bool) if unshown is None else unshown
        found = _losses(task, pooled, answers, submission, table, slices, hidden)
        if task.problem in ("binary", "multiclass"):
            found |= _classes(task, answers, submission)
        elif task.problem == "regression":
            found["residuals"] = _residuals(task, answers, submission)
    except GradingError:  # predictions that these parts cannot read, such as those for a grader of one's own
        pass
    except (
        Exception
    ) as error:  # a program's predictions end no run; what is wrong here has to be seen all the same
        found["unread"] = unreadable_line(error)
    return cast(Evidence, {key: value for key, value in found.items() if value not in (None, [], {})})


def _losses(
    task: Task,
    pooled: list[FoldPredictions],
    answers: pd.DataFrame,
    submission: pd.DataFrame,
    table: pd.DataFrame,
    count: int,
    unshown: np.ndarray,
) -> Evidence:
    rows = row_losses(task, pooled)
    if rows is None:
        return {}
    known = len(table) == len(answers)
    found = worst_slices(with_dates(table, task.dates), rows.worse, count) if known else []
    return {
        "loss": rows.name,
        "pooled": short(rows.pooled),
        "rows": len(answers),
        "worst_slices": [
            {
                "column": begun(part.column, NAME_CHARS),
                "slice": begun(part.name, NAME_CHARS),
                "rows": len(part.rows),
                "loss": short(rows.of(part.rows)),
                "z": round(part.z, 1),
            }
            for part in found
        ],
        "worst_rows": worst_rows(
            task,
            answers,
            submission,
            table,
            rows.order[~unshown[rows.order]],
            lambda at: short(rows.of(np.array([at]))),
        ),
    }


def _classes(task: Task, answers: pd.DataFrame, submission: pd.DataFrame) -> Evidence:
    truth = true_codes(answers, task)
    if not are_chances(task, submission):
        return {"confusion": _confusion(task, truth, codes(submission[task.prediction[0]], task.classes))}
    positive, chance = probabilities(answers, submission, task)
    if task.problem == "multiclass":
        return {"confusion": _confusion(task, truth, chance.argmax(axis=1))}
    predicted = np.where(chance[:, 0] >= 0.5, task.positive_code, 1 - task.positive_code)
    return {
        "confusion": _confusion(task, truth, predicted),
        "calibration": _calibration(positive[:, 0], chance[:, 0]),
    }


def _confusion(task: Task, truth: np.ndarray, predicted: np.ndarray) -> list[Confusion]:
    wrong = (truth != predicted) & (predicted >= 0)
    pairs, rows = np.unique(np.stack([truth[wrong], predicted[wrong]], axis=1), axis=0, return_counts=True)
    most = np.argsort(-rows, kind="stable")[:PAIRS]
    return [
        {
            "true": begun(task.classes[pairs[i][0]], NAME_CHARS),
            "predicted": begun(task.classes[pairs[i][1]], NAME_CHARS),
            "rows": int(rows[i]),
            "share": short(rows[i] / (truth == pairs[i][0]).sum()),
        }
        for i in most
    ]


def _calibration(positive: np.ndarray, chance: np.ndarray) -> list[CalibrationBin]:
    return [
        {
            "predicted": short(chance[rows].mean()),
            "observed": short(positive[rows].mean()),
            "rows": len(rows),
        }
        for rows in _ranges(chance)
    ]


def _residuals(task: Task, answers: pd.DataFrame, submission: pd.DataFrame) -> Residuals:
    """Of the target that is predicted worst for its spread; under a metric of logarithms those of log1p."""
    truth, predicted = numbers(answers, task.target), numbers(submission, task.prediction)
    if truth.shape != predicted.shape:
        return {}
    log = task.metric in _LOG_METRICS
    seen, told = (np.log1p(truth), np.log1p(predicted)) if log else (truth, predicted)
    error = told - seen
    worst = int(np.argmax((error**2).mean(axis=0) / np.maximum(seen.var(axis=0), 1e-300)))
    truth, predicted, error = truth[:, worst], predicted[:, worst], error[:, worst]
    scale: Residuals = {"scale": "log1p"} if log else {}
    return {
        "target": begun(task.target[worst], NAME_CHARS),
        **scale,
        "bias": short(error.mean()),
        "too_low": _too_low(error),
        "rmse": short(np.sqrt((error**2).mean())),
        "bins": [_bin(truth, error, rows) for rows in _ranges(truth)],
        "by_prediction": [_bin(predicted, error, rows) for rows in _ranges(predicted)],
    }


def _bin(values: np.ndarray, error: np.ndarray, rows: np.ndarray) -> ResidualBin:
    return {
        "from": short(values[rows].min()),
        "to": short(values[rows].max()),
        "rows": len(rows),
        "bias": short(error[rows].mean()),
        "too_low": _too_low(error[rows]),
        "rmse": short(np.sqrt((error[rows] ** 2).mean())),
    }


def _too_low(error: np.ndarray) -> float:
    """The share of rows predicted below the truth; what is met exactly counts half."""
    return short((error < 0).mean() + (error == 0).mean() / 2)


def _ranges(values: np.ndarray) -> list[np.ndarray]:
    """Rows by quantile of `values`, `BINS` parts or fewer; equal values stay together."""
    edges = np.unique(np.quantile(values, np.arange(1, BINS) / BINS))
    part = np.searchsorted(edges, values, side="left")
    rows = [np.flatnonzero(part == i) for i in range(len(edges) + 1)]
    return [r for r in rows if len(r) >= _FEWEST_A_BIN]
