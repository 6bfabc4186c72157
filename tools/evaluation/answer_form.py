"""What a task's programs have to write: labels, probabilities, numbers, ranked labels or boxes."""

from pathlib import Path

import pandas as pd

from gome.state.task import Task
from gome.tools.data.tables import read_table
from gome.tools.evaluation.metric import Form
from gome.tools.evaluation.metrics import of
from gome.tools.evaluation.parse import codes

SAMPLE_ROWS = 200


def answer_form(task: Task) -> Form:
    """The form that the metric is given; for an own grader, which does not say, the sample submission's.

    There, several columns for one class column are probabilities; one column is labels if it holds labels of the task.
    """
    metric = of(task)
    if not metric.own:
        return metric.form
    if task.problem in ("regression", "multilabel"):
        return "label" if task.problem == "multilabel" and len(task.target) == 1 else "value"
    if task.problem in ("ranking", "detection", "text"):
        return task.problem
    return "label" if _holds_labels(task) else "probability"


def _holds_labels(task: Task) -> bool:
    if len(task.prediction) > 1:
        return False
    path, column = Path(task.root) / task.sample, task.prediction[0]
    if pd.api.types.is_float_dtype(read_table(path, rows=SAMPLE_ROWS, columns=[column])[column]):
        return False  # numbers with a point stand for probabilities, even where each of them is 0.0 or 1.0
    given = read_table(path, rows=SAMPLE_ROWS, columns=[column], text=[column])[column].dropna()
    return bool((codes(given, task.classes) >= 0).all())
