"""A column for each class: what rows of probabilities are worth, computed by hand."""

import math
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.splits import plan_splits
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.task_folder import load_task
from gome.tools.data.task_tables import read_task_table
from gome.tools.evaluation.grading import grade
from gome.tools.evaluation.naive import naive_scores, naive_submission
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


@pytest.mark.parametrize("metric", ["log_loss", "auc", "average_precision", "brier"])
def test_what_is_graded_is_what_is_handed_over(tmp_path: Path, metric: str) -> None:
    """By any grader's arithmetic: to divide rows by their sums changes an AUC by columns, so the rows change."""
    order = ["a", "b", "tie"]
    task, inputs = one_hot(tmp_path, order)
    task = task.model_copy(
        update={"metric": metric, "direction": "maximize" if metric != "log_loss" else "minimize"}
    )
    answers = inputs.answers("search", 0)
    raw = np.random.default_rng(3).uniform(0.05, 1, (len(answers), 3))
    path = tmp_path / "submission.csv"
    answers[["id"]].assign(**dict(zip(order, raw.T, strict=True))).to_csv(path, index=False)
    rows, said = check_submission(path, inputs.sample("search", 0), task)
    assert rows is not None
    assert any("do not sum to 1" in line for line in said)
    shares, truth = rows[order].to_numpy(), answers[order].to_numpy()
    np.testing.assert_allclose(shares, raw / raw.sum(axis=1, keepdims=True))
    by_hand = {
        "log_loss": -np.log((shares * truth).sum(axis=1)).mean(),
        "auc": np.mean([_auc(truth[:, c], shares[:, c]) for c in range(3)]),
        "average_precision": np.mean([_precision(truth[:, c], shares[:, c]) for c in range(3)]),
        "brier": ((shares - truth) ** 2).sum(axis=1).mean(),  # Brier 1950: summed over classes
    }[metric]
    unscaled = np.mean([_auc(truth[:, c], raw[:, c]) for c in range(3)])
    assert grade(task, rows, answers) == pytest.approx(by_hand)
    assert metric != "auc" or abs(unscaled - by_hand) > 0.001  # the case would tell the two apart


@pytest.mark.parametrize("metric", ["log_loss", "auc", "accuracy"])
def test_one_hot_targets_have_a_naive_score_and_submission(tmp_path: Path, metric: str) -> None:
    """Shares of 40 in 120 each; of one class always, a third is right."""
    task, inputs = one_hot(tmp_path, ["tie", "a", "b"])
    task = load_task(tmp_path / "task", metric=metric)
    naive = naive_scores(task, inputs, seed=0)
    right = {"log_loss": math.log(3), "auc": 0.5, "accuracy": 1 / 3}[metric]
    assert naive["search"] is not None, naive["why"]
    assert naive["search"]["value"] == pytest.approx(
        right, abs=0.03
    )  # folds need not have a third of each class
    given, _ = naive_submission(task, inputs)
    given.to_csv(tmp_path / "naive.csv", index=False)
    assert check_submission(tmp_path / "naive.csv", inputs.sample("final", 0), task)[0] is not None


def _auc(truth: np.ndarray, score: np.ndarray) -> float:
    """The share of pairs that stand in the right order."""
    return float((score[truth == 1][:, None] > score[truth == 0][None, :]).mean())


def _precision(truth: np.ndarray, score: np.ndarray) -> float:
    """The mean, over the true rows, of the share of true rows among those that score as much."""
    return float(np.mean([truth[score >= s].mean() for s in score[truth == 1]]))


def ninety_nine(root: Path, metric: str) -> tuple[Task, TableInputs]:
    """99 classes with a column each, two or more rows of each class in every part."""
    names = [f"c{n:02}" for n in range(99)]
    train = pd.DataFrame({"id": range(1980), "x": range(1980), "y": [names[n % 99] for n in range(1980)]})
    (root / "task").mkdir()
    train.to_csv(root / "task/train.csv", index=False)
    test = pd.DataFrame({"id": range(5000, 5099), "x": range(99)})
    test.to_csv(root / "task/test.csv", index=False)
    test[["id"]].assign(**dict.fromkeys(names, 0.5)).to_csv(root / "task/sample_submission.csv", index=False)
    task = load_task(root / "task", metric=metric, target="y")
    plan = plan_splits(read_task_table(task, "train.csv"), task, seed=0)
    return task, TableInputs(root / "run", task, plan)


@pytest.mark.parametrize(("metric", "right"), [("log_loss", math.log(99)), ("auc", 0.5)])
def test_99_columns_of_one_half_are_99_equal_shares(tmp_path: Path, metric: str, right: float) -> None:
    task, inputs = ninety_nine(tmp_path, metric)
    sample = inputs.sample("search", 0)
    sample.to_csv(tmp_path / "submission.csv", index=False)
    rows, said = check_submission(tmp_path / "submission.csv", sample, task)
    assert rows is not None
    assert (rows[task.prediction] - 1 / 99).abs().max(axis=None) < 1e-12
    assert any("such as 49.5 for" in line for line in said)
    assert grade(task, rows, inputs.answers("search", 0)) == pytest.approx(right)


@pytest.mark.parametrize("metric", ["log_loss", "auc", "average_precision", "brier", "balanced_log_loss"])
def test_one_column_for_the_probabilities_of_three_classes_is_refused(tmp_path: Path, metric: str) -> None:
    train = pd.DataFrame({"id": range(120), "x": range(120), "y": ["a", "b", "c"] * 40})
    train.to_csv(tmp_path / "train.csv", index=False)
    train[["id", "x"]].to_csv(tmp_path / "test.csv", index=False)
    train[["id"]].assign(y=0.5).to_csv(tmp_path / "sample_submission.csv", index=False)
    with pytest.raises(
        GomeError, match=rf"sample_submission\.csv: metric '{metric}' needs .* 3 classes, and 'y'"
    ):
        load_task(tmp_path, metric=metric, target="y")
    assert load_task(tmp_path, metric="accuracy", target="y").problem == "multiclass"


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
