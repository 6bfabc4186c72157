"""Which of two classes is the positive one is known, said or asked; every grade and every line holds to it."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome.cli.summary import summary_lines
from gome.graph.run_layout import prepare_run
from gome.offline.recipe import Recipe
from gome.offline.task_parts import decision_names
from gome.report.page import write_report
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.task_folder import load_task
from gome.tools.evaluation.grading import grade
from tests.graded import make_task, table

RNG = np.random.default_rng(12)


def write_table(path: Path, labels: list[str], rare: int = 66, n: int = 600) -> Path:
    """`n` rows, `rare` of them of the first label; x tells something about it."""
    label = RNG.permutation(np.repeat(labels, [rare, n - rare]))
    pd.DataFrame({"x": RNG.normal(size=n) + (label == labels[0]), "label": label}).to_csv(path, index=False)
    return path


def load(path: Path, **given: Any) -> Task:
    return load_task(path, target="label", workspace=path.parent / "work", **given)


@pytest.mark.parametrize("metric", ["f1", "fbeta@2", "auc", "log_loss", "brier", "average_precision"])
def test_what_nobody_can_know_is_asked_with_both_labels(tmp_path: Path, metric: str) -> None:
    path = write_table(tmp_path / "cards.csv", ["fraud", "legit"])
    with pytest.raises(GomeError) as caught:
        load(path, metric=metric)
    for words in (str(path), "'fraud'", "'legit'", "`positive`", metric):
        assert words in str(caught.value)
    for label in ("fraud", "legit"):
        task = load(path, metric=metric, positive=label)
        assert (task.positive, task.says_positive) == (label, f"P(label = '{label}')")
    with pytest.raises(GomeError, match="'frod' is no class of 'label'; nearest: fraud"):
        load(path, metric=metric, positive="frod")


@pytest.mark.parametrize("metric", ["accuracy", "balanced_accuracy", "mcc", "f1_macro", "f1_weighted"])
def test_where_nothing_depends_on_it_nothing_is_asked(tmp_path: Path, metric: str) -> None:
    task = load(write_table(tmp_path / "cards.csv", ["fraud", "legit"]), metric=metric)
    assert task.positive is None


@pytest.mark.parametrize(
    ("labels", "positive"),
    [
        (["1", "0"], "1"),
        (["yes", "no"], "yes"),
        (["Y", "N"], "Y"),
        (["-1", "1"], "1"),
        (["not spam", "spam"], "spam"),
        (["fraud", "non-fraud"], "fraud"),
        (["present", "absent"], "present"),
    ],
)
def test_what_everybody_knows_is_not_asked(tmp_path: Path, labels: list[str], positive: str) -> None:
    assert load(write_table(tmp_path / "t.csv", labels), metric="auc").positive == positive


def test_a_task_file_says_it_and_a_column_named_after_a_class(tmp_path: Path) -> None:
    label = np.resize(["default", "paid", "paid"], 90)
    pd.DataFrame({"id": range(90), "x": RNG.normal(size=90), "label": label}).to_csv(
        tmp_path / "train.csv", index=False
    )
    test = pd.DataFrame({"id": range(90, 120), "x": RNG.normal(size=30)})
    test.to_csv(tmp_path / "test.csv", index=False)
    test[["id"]].assign(label=0.5).to_csv(tmp_path / "sample_submission.csv", index=False)
    (tmp_path / "task.yaml").write_text("metric: auc\ntarget: label\npositive: default\n")
    assert load_task(tmp_path).positive == "default"
    assert load_task(tmp_path, positive="paid").positive == "paid"
    (tmp_path / "task.yaml").write_text("metric: auc\ntarget: label\n")
    test[["id"]].assign(default=0.5).to_csv(tmp_path / "sample_submission.csv", index=False)
    assert load_task(tmp_path).positive == "default"


def two_class_task(metric: str, positive: str, columns: list[str]) -> Task:
    return make_task(metric, "binary", columns, classes=["fraud", "legit"], positive=positive)


@pytest.mark.parametrize("positive", ["fraud", "legit"])
def test_every_measure_is_that_of_the_positive_class(positive: str) -> None:
    """Right values by hand: counts, pairs in order and logarithms."""
    truth = np.array(["fraud", "legit", "fraud", "legit", "legit"])
    said = np.array(["fraud", "fraud", "legit", "legit", "legit"])
    hit = ((truth == positive) & (said == positive)).sum()
    f1 = 2 * hit / ((truth == positive).sum() + (said == positive).sum())
    task = two_class_task("f1", positive, ["p0"])
    assert grade(task, table(["y"], said), table(["y"], truth)) == pytest.approx(f1)

    chance = np.array([0.9, 0.4, 0.3, 0.2, 0.1])  # of the positive class
    yes = truth == positive
    pairs = [(a > b) + (a == b) / 2 for a in chance[yes] for b in chance[~yes]]
    for metric, right in (
        ("auc", np.mean(pairs)),
        ("log_loss", -np.mean(np.log(np.where(yes, chance, 1 - chance)))),
        ("brier", np.mean((yes - chance) ** 2)),
    ):
        task = two_class_task(metric, positive, ["p0"])
        one = grade(task, table(["y"], chance), table(["y"], truth))
        assert one == pytest.approx(right)
        by_class = two_class_task(metric, positive, ["fraud", "legit"])
        both = np.stack([chance, 1 - chance], axis=1)[:, :: 1 if positive == "fraud" else -1]
        assert grade(by_class, table(["fraud", "legit"], both), table(["y"], truth)) == pytest.approx(right)


def test_the_offline_programs_put_the_positive_class_last() -> None:
    for positive, last in (("fraud", "fraud"), ("legit", "legit")):
        task = two_class_task("auc", positive, ["p0"]).model_dump()
        key = decision_names(Recipe(), task, {})["sort_key"]
        assert eval(f"sorted(['legit', 'fraud']{key})")[-1] == last


def test_records_summary_and_report_say_it(tmp_path: Path) -> None:
    path = write_table(tmp_path / "cards.csv", ["fraud", "legit"])
    config = RunConfig(run_dir=str(tmp_path / "run"), target="label", metric="auc", positive="fraud")
    run = prepare_run(str(path), config)
    assert any("P(label = 'fraud')" in line for line in summary_lines(run))
    assert "P(label = &#39;fraud&#39;)" in write_report(run).read_text()
