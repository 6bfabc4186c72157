"""The score of a constant stands beside every score; its right value is computed here with numpy alone."""

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from rich.console import Console

from gome.cli.progress import Progress
from gome.cli.summary import summary_lines
from gome.cli.watching import log_lines
from gome.graph.run import build_graph
from gome.graph.run_layout import prepare_run
from gome.report.page import write_report
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.task import Task
from gome.tools.data.splits import SplitPlan
from gome.tools.evaluation import metrics
from gome.tools.evaluation.bootstrap import score
from gome.tools.evaluation.grading import GradingError
from gome.tools.evaluation.naive import best_constant
from gome.tools.evaluation.submission import check_submission
from tests.graded import make_task, simulated, table
from tests.quick import quick_model
from tests.scripted import player

RNG = np.random.default_rng(5)
Y = np.round(RNG.gamma(2.0, 3.0, size=301), 3)
SHARE = 0.2
BITS = np.array(["1"] * 20 + ["0"] * 80)
WIDE = np.array([[1, 0, 0], [1, 1, 0], [1, 1, 0], [0, 0, 0]])


def naive_of(task: Task, truth: Any) -> float:
    answers = table(task.target, truth)
    constant = best_constant(task, answers)
    return score(task, [(answers, constant.submission(answers[["id"]]))], seed=0)["value"]


def entropy(shares: list[float]) -> float:
    return -sum(s * math.log(s) for s in shares)


@pytest.mark.parametrize(
    ("metric", "right"),
    [
        ("rmse", Y.std()),
        ("mse", Y.var()),
        ("mae", np.abs(Y - np.sort(Y)[150]).mean()),
        ("rmsle", np.log1p(Y).std()),
        ("r2", 0.0),
        ("gini_normalized", 0.0),
        ("mape", min((np.abs(Y - c) / Y).mean() for c in Y)),
        ("pinball@0.9", min(np.maximum(0.9 * (Y - c), 0.1 * (c - Y)).mean() for c in Y)),
    ],
)
def test_numbers(metric: str, right: float) -> None:
    assert naive_of(make_task(metric, "regression"), Y) == pytest.approx(right, rel=1e-3, abs=1e-12)


@pytest.mark.parametrize(
    ("metric", "right"),
    [
        ("accuracy", 0.8),
        ("balanced_accuracy", 0.5),
        ("f1", 2 * SHARE / (1 + SHARE)),
        ("f1_micro", 0.8),
        ("mcc", 0.0),
        ("auc", 0.5),
        ("average_precision", SHARE),
        ("log_loss", entropy([0.2, 0.8])),
        ("brier", 0.2 * 0.8),
        ("gini_normalized", 0.0),
    ],
)
def test_two_classes(metric: str, right: float) -> None:
    assert naive_of(make_task(metric, "binary"), BITS) == pytest.approx(right)


def test_a_probability_for_each_class_is_its_share() -> None:
    labels = ["c"] * 5 + ["a"] * 3 + ["b"] * 2
    task = make_task("log_loss", "multiclass", ["a", "b", "c"])
    assert naive_of(task, labels) == pytest.approx(entropy([0.5, 0.3, 0.2]))
    assert naive_of(make_task("accuracy", "multiclass"), labels) == 0.5


def test_several_labels_a_row() -> None:
    shares = [0.75, 0.5]  # of the first two columns; the third is never 1
    log_loss = np.mean([*(entropy([s, 1 - s]) for s in shares), 0.0])
    assert naive_of(make_task("log_loss", "multilabel", 3), WIDE) == pytest.approx(log_loss, abs=1e-9)
    each = [2 * 1 / 3, 1.0, 1.0, 0.0]  # of the constant (1, 1, 0)
    assert naive_of(make_task("f1_samples", "multilabel", 3), WIDE) == pytest.approx(np.mean(each))
    words = ["a b", "a b", "a", "c"]
    each = [1.0, 1.0, 2 / 3, 0.0]  # of the constant "a b"
    assert naive_of(make_task("f1_samples", "multilabel"), words) == pytest.approx(np.mean(each))


def test_rankings_and_boxes() -> None:
    items = ["x"] * 6 + ["y"] * 3 + ["z"]
    assert naive_of(make_task("map@2", "ranking"), items) == pytest.approx((6 * 1 + 3 / 2) / 10)
    assert naive_of(make_task("box_ap@0.5", "detection"), ["5 5 10 10"] * 4) == 1.0
    far = [f"{100 * i} {100 * i} 2 2" for i in range(4)]
    assert naive_of(make_task("box_ap@0.5", "detection"), far) == 0.0


@pytest.mark.parametrize("name", metrics.names())
def test_every_metric_has_a_constant_or_says_why_not(name: str, tmp_path: Path) -> None:
    """And its submission passes the format check."""
    task, answers, sample = simulated(name, 60, 3)
    constant = best_constant(task, answers)
    submission = constant.submission(sample)
    submission.to_csv(tmp_path / "submission.csv", index=False)
    kept, said = check_submission(tmp_path / "submission.csv", submission, task)
    assert kept is not None, said
    if name in ("pearson", "spearman", "kendall"):
        with pytest.raises(GradingError, match="not defined"):
            score(task, [(answers, kept)], seed=0)
    else:
        assert math.isfinite(score(task, [(answers, kept)], seed=0)["value"])


def test_an_own_grader_is_asked_like_any_metric(tmp_path: Path) -> None:
    (tmp_path / "grade.py").write_text(
        "def worst(submission, answers):\n    return float((submission['y'] - answers['y']).abs().max())\n"
        "def picky(submission, answers):\n    raise ValueError('give boxes')\n"
    )
    task = make_task("grade.py:worst", "regression", root=str(tmp_path), direction="minimize")
    values = [0.0, 0.0, 0.0, 10.0]
    assert naive_of(task, values) == 7.5  # of mean 2.5, median 0 and the others, the mean is off by least
    task = make_task("grade.py:picky", "regression", root=str(tmp_path), direction="minimize")
    with pytest.raises(GradingError, match="give boxes"):
        naive_of(task, values)


def laid_out(folder: Path, **more: Any) -> tuple[Path, pd.DataFrame]:
    rng = np.random.default_rng(1)
    rows = pd.DataFrame({"x": rng.normal(size=120), "price": rng.gamma(2.0, size=120).round(4)})
    rows.to_csv(folder / "houses.csv", index=False)
    config = RunConfig(run_dir=str(folder / "run"), target="price", metric="mae", traces=1, **more)
    return prepare_run(str(folder / "houses.csv"), config), rows


def test_it_is_graded_on_the_rows_of_the_steps_and_made_from_the_others(tmp_path: Path) -> None:
    run_dir, _ = laid_out(tmp_path)
    train = pd.read_csv(run_dir / "task" / "houses" / "train.csv")["price"].to_numpy()
    naive = json.loads((run_dir / "naive.json").read_text())
    for part in ("search", "selection"):
        folds = [
            np.abs(train[f.test_rows] - np.median(train[f.train_rows])).mean()
            for f in SplitPlan.load(run_dir / "splits.npz").folds(part)
        ]
        assert naive[part]["value"] == pytest.approx(np.mean(folds))
    assert naive["what"] == "the median"


def test_a_constant_submission_stands_from_the_start_and_is_told_as_such(tmp_path: Path) -> None:
    run_dir, rows = laid_out(tmp_path, steps=1, debug_rounds=0)
    task = run_dir / "task" / "houses"
    median = pd.read_csv(task / "train.csv")["price"].median()
    given = pd.read_csv(run_dir / "solution" / "submission.csv")
    assert list(given["row_id"]) == list(pd.read_csv(task / "test.csv")["row_id"])
    assert given["price"].tolist() == [pytest.approx(median)] * len(given)
    model = player(lambda facts: "```python\nraise SystemExit('no')\n\n\n```")
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), model)).compile()
    config = RunConfig(**json.loads((run_dir / "run.json").read_text())["config"])
    result = graph.invoke({"task": str(task)}, context=config)["result"]
    assert result["handed_over"] == "naive"
    assert result["best"] is None
    assert result["submission_ok"]
    assert any("a constant prediction (the median)" in problem for problem in result["problems"])
    truth = rows["price"][given["row_id"]].to_numpy()
    assert result["test"]["score"]["value"] == pytest.approx(np.abs(truth - median).mean())
    assert not RunFolder.read(run_dir).has_program
    assert any(line.startswith("constant:") for line in summary_lines(run_dir))
    assert "the submission is a constant prediction" in write_report(run_dir).read_text()


def test_it_stands_beside_the_score_wherever_that_is_told(diabetes: Path, tmp_path: Path) -> None:
    config = RunConfig(run_dir=str(tmp_path / "out"), traces=1, steps=2, finalists=1, selection_seeds=1)
    model = quick_model()
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), model)).compile()
    result = graph.invoke({"task": str(diabetes)}, context=config)["result"]
    value = result["naive"]["search"]["value"]
    drafted = RunFolder.read(tmp_path / "out").first_draft
    assert drafted is not None
    assert result["handed_over"] == "single"
    assert result["first_draft"] == {"id": "0:0", "score": drafted.score}
    assert result["test"] is None  # the real test rows: nobody has their labels
    assert value > result["best"]["search"]["value"]
    lines = {line.split(":")[0]: line for line in summary_lines(tmp_path / "out")}
    assert f"rmse {value:.1f}" in lines["naive"]
    assert "the best is better by" in lines["naive"]
    assert f"(naive {result['naive']['selection']['value']:.1f})" in lines["held back"]
    logged = [line for line in log_lines(tmp_path / "out", last=100, follow=False) if "; score" in line]
    assert len(logged) == 2
    assert all(line.endswith(f"(naive {value:.1f})") for line in logged)
    console = Console(width=120, record=True, force_terminal=True)
    console.print(Progress(tmp_path / "out", console).frame())
    assert f"(naive {value:.1f})" in console.export_text()
    assert f"{value:.1f}" in write_report(tmp_path / "out").read_text()
