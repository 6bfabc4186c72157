"""A metric that is not defined for the labels is told before anything runs; no program is debugged for it."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.graph.run_layout import prepare_run
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.data.task_folder import load_task
from gome.tools.evaluation.grading import grade
from gome.tools.evaluation.metric import AnswersError, GradingError
from tests.graded import make_task, table

RNG = np.random.default_rng(7)


def write_table(path: Path, y: np.ndarray) -> Path:
    pd.DataFrame({"x": RNG.normal(size=len(y)), "y": y}).to_csv(path, index=False)
    return path


def amounts(n: int = 200) -> np.ndarray:
    return RNG.gamma(2.0, size=n) + 0.1


def write_folder(folder: Path, train: pd.DataFrame) -> Path:
    """A task folder of `train`, which has a target y, and 50 rows to predict."""
    folder.mkdir()
    n = len(train)
    train.assign(id=range(n)).to_csv(folder / "train.csv", index=False)
    test = train.drop(columns="y").head(50).assign(id=range(n, n + 50))
    test.to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(y=0.5).to_csv(folder / "sample_submission.csv", index=False)
    return folder


@pytest.mark.parametrize(
    ("metric", "odd", "said"),
    [
        ("rmsle", [-3.25], "is below 0, and 1 of 200 values of 'y' are, such as -3.25"),
        ("gini_normalized", [-3.25], "is below 0, and 1 of 200 values of 'y' are, such as -3.25"),
        ("mape", [0.0, 0.0], "is 0, and 2 of 200 values of 'y' are, such as 0"),
        ("rmse", [np.inf], "is infinite, and 1 of 200 values of 'y' are, such as inf"),
        ("mae", [-np.inf], "is infinite, and 1 of 200 values of 'y' are, such as -inf"),
        ("pinball@0.9", [np.inf], "is infinite, and 1 of 200 values of 'y' are, such as inf"),
        ("r2", [np.inf], "is infinite, and 1 of 200 values of 'y' are, such as inf"),
    ],
)
def test_values_outside_of_the_domain_are_one_line(
    tmp_path: Path, metric: str, odd: list[float], said: str
) -> None:
    y = np.concatenate([odd, amounts(200 - len(odd))])
    folder = write_folder(tmp_path / "task", pd.DataFrame({"x": RNG.normal(size=200), "y": y}))
    with pytest.raises(GomeError) as caught:
        load_task(folder, target="y", metric=metric)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(
        f"{folder / 'train.csv'}: metric {metric!r} is not defined where the target {said}"
    )


def test_of_one_table_the_users_file_is_named(tmp_path: Path) -> None:
    path = write_table(tmp_path / "sums.csv", np.concatenate([[-1.5] * 50, amounts(150)]))
    with pytest.raises(GomeError) as caught:
        load_task(path, target="y", metric="rmsle", workspace=tmp_path / "work")
    assert str(caught.value).startswith(f"{path}: metric 'rmsle'")
    assert "train.csv" not in str(caught.value)


@pytest.mark.parametrize(("metric", "least"), [("smape", 0.0), ("rmsle", 0.0), ("mae", -5.0)])
def test_what_a_metric_is_defined_for_is_let_through(tmp_path: Path, metric: str, least: float) -> None:
    y = amounts()
    y[:60] = least
    task = load_task(write_table(tmp_path / "t.csv", y), target="y", metric=metric, workspace=tmp_path / "w")
    assert task.problem == "regression"


def test_labels_without_an_order_are_told_for_an_ordered_metric(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    pd.DataFrame({"x": RNG.normal(size=90), "y": np.resize(["low", "mid", "high"], 90)}).to_csv(
        path, index=False
    )
    with pytest.raises(GomeError, match="'qwk' needs labels that are numbers; the target 'y' holds '"):
        load_task(path, target="y", metric="qwk", workspace=tmp_path / "w")


def test_a_fold_on_which_the_metric_is_not_defined_is_told_before_anything_runs(tmp_path: Path) -> None:
    """Later rows are all of one class, and splits run forward in time: each fold of the search lacks the other class."""
    n = 400
    train = pd.DataFrame({"day": range(n), "x": RNG.normal(size=n), "y": (np.arange(n) < 40).astype(int)})
    folder = write_folder(tmp_path / "task", train)
    (folder / "task.yaml").write_text("metric: auc\ntarget: y\ntime: day\n")
    with pytest.raises(
        GomeError, match="auc is not defined: the answers are all of one class in fold 0"
    ) as caught:
        prepare_run(str(folder), RunConfig(run_dir=str(tmp_path / "run")))
    assert "no program can change that" in str(caught.value)
    assert not (tmp_path / "run").exists()


def test_the_answers_fault_and_the_predictions_fault_are_told_apart() -> None:
    for metric, truth, predicted, fault in (
        ("rmsle", [-1.0, 2.0], [1.0, 2.0], AnswersError),
        ("rmsle", [1.0, 2.0], [-1.0, 2.0], GradingError),
        ("mape", [0.0, 2.0], [1.0, 2.0], AnswersError),
        ("pearson", [1.0, 1.0], [1.0, 2.0], AnswersError),
        ("pearson", [1.0, 2.0], [1.0, 1.0], GradingError),
    ):
        with pytest.raises(GradingError) as caught:
            grade(make_task(metric, "regression"), table(["y"], predicted), table(["y"], truth))
        assert type(caught.value) is fault
