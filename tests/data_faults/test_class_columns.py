"""A column for each class: what rows of probabilities are worth, computed by hand."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.state.task import Task
from gome.tools.data.splits import plan_splits
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.task_folder import load_task
from gome.tools.data.task_tables import read_task_table
from gome.tools.evaluation.grading import grade
from gome.tools.evaluation.submission import check_submission


def one_hot(root: Path, order: list[str]) -> tuple[Task, TableInputs]:
    """Who wins: a, b or tie, as three columns of 0 and 1; the sample names them in `order`."""
    names = ["a", "b", "tie"]
    bits = np.eye(3, dtype=int)[np.arange(120) % 3]
    train = pd.DataFrame({"id": range(120), "x": range(120), **dict(zip(names, bits.T, strict=True))})
    (root / "task").mkdir()
    train.to_csv(root / "task/train.csv", index=False)
    test = train[["id", "x"]].assign(id=range(500, 620))
    test.to_csv(root / "task/test.csv", index=False)
    test[["id"]].assign(**dict.fromkeys(order, 0.333)).to_csv(
        root / "task/sample_submission.csv", index=False
    )
    task = load_task(root / "task", metric="log_loss")
    return task, TableInputs(
        root / "run", task, plan_splits(read_task_table(task, "train.csv"), task, seed=0)
    )


@pytest.mark.parametrize("order", [["a", "b", "tie"], ["tie", "a", "b"]])
def test_one_hot_targets_are_one_class_column(tmp_path: Path, order: list[str]) -> None:
    task, inputs = one_hot(tmp_path, order)
    assert (task.problem, task.classes, sorted(task.target)) == ("multiclass", order, ["a", "b", "tie"])
    answers = inputs.answers("search", 0)
    uniform = answers[["id"]].assign(**dict.fromkeys(order, 1 / 3))
    assert grade(task, uniform, answers) == pytest.approx(1.0986, abs=1e-4)  # ln 3
    sure = answers[["id"]].assign(**{name: 0.1 + 0.7 * answers[name] for name in order})
    assert grade(task, sure, answers) == pytest.approx(-math.log(0.8 / 1.0))


def test_rows_that_do_not_sum_to_one_are_rescaled(tmp_path: Path) -> None:
    """As Kaggle's multi-class log loss does: each row is divided by its sum."""
    task, inputs = one_hot(tmp_path, ["a", "b", "tie"])
    answers = inputs.answers("search", 0)
    path = tmp_path / "submission.csv"
    answers[["id"]].assign(a=0.5, b=0.5, tie=0.25).to_csv(path, index=False)
    rows, said = check_submission(path, inputs.sample("search", 0), task)
    assert rows is not None
    assert any("do not sum to 1" in line for line in said)
    np.testing.assert_allclose(rows[["a", "b", "tie"]], np.tile([0.4, 0.4, 0.2], (len(rows), 1)))
    counts = answers[["a", "b", "tie"]].sum()
    by_hand = -(counts["a"] * math.log(0.4) + counts["b"] * math.log(0.4) + counts["tie"] * math.log(0.2))
    assert grade(task, rows, answers) == pytest.approx(by_hand / len(answers))
