"""Faulty tasks: each ends in one clear line before anything runs."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.state.errors import GomeError
from gome.tools.data.task_folder import load_task

N = 60


def write_good(folder: Path) -> Path:
    """A binary task without a fault: 60 rows to learn from, 20 to predict."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    train = pd.DataFrame({"id": range(N), "age": rng.normal(40, 9, N), "churned": np.arange(N) % 2})
    test = pd.DataFrame({"id": range(N, N + 20), "age": rng.normal(40, 9, 20)})
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(churned=0).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.yaml").write_text("name: good\nmetric: roc_auc\ntarget: churned\nid: id\n")
    return folder


def edit(folder: Path, file: str, change: Callable[[pd.DataFrame], pd.DataFrame]) -> None:
    change(pd.read_csv(folder / file)).to_csv(folder / file, index=False)


def yaml(folder: Path, text: str) -> None:
    (folder / "task.yaml").write_text(text)


BASE = "metric: roc_auc\ntarget: churned\nid: id\n"

FAULTS: dict[str, tuple[Callable[[Path], object], list[str]]] = {
    "no train table": (lambda f: (f / "train.csv").unlink(), ["no train table", "`train`"]),
    "named file missing": (lambda f: yaml(f, BASE + "train: rows.csv"), ["rows.csv", "no such file"]),
    "unknown metric": (lambda f: yaml(f, BASE.replace("roc_auc", "roc_aucc")), ["roc_aucc", "roc_auc"]),
    "unknown key": (lambda f: yaml(f, BASE + "metrik: rmse"), ["unknown key 'metrik'", "metric"]),
    "wrong value": (lambda f: yaml(f, BASE + "time_limit: soon"), ["task.yaml", "'time_limit'"]),
    "broken yaml": (lambda f: yaml(f, "metric: [roc_auc"), ["task.yaml", "line", "YAML"]),
    "target absent": (
        lambda f: yaml(f, BASE.replace("churned", "churn")),
        ["train.csv", "'churn'", "nearest: churned"],
    ),
    "target in test": (lambda f: edit(f, "test.csv", lambda t: t.assign(churned=1)), ["test.csv", "remove"]),
    "id absent in sample": (
        lambda f: edit(f, "sample_submission.csv", lambda t: t.rename(columns={"id": "ident"})),
        ["sample_submission.csv", "no id column 'id'", "ident"],
    ),
    "ids twice in test": (
        lambda f: edit(f, "test.csv", lambda t: t.assign(id=t["id"].where(t.index > 0, t["id"][1]))),
        ["test.csv", "1 ids occur more than once", "61"],
    ),
    "ids twice in sample": (
        lambda f: edit(f, "sample_submission.csv", lambda t: t.assign(id=[60, *t["id"][:-1]])),
        ["sample_submission.csv", "more than once", "60"],
    ),
    "fewer sample rows": (
        lambda f: edit(f, "sample_submission.csv", lambda t: t.head(15)),
        ["sample_submission.csv", "15 rows", "20"],
    ),
    "other sample ids": (
        lambda f: edit(f, "sample_submission.csv", lambda t: t.assign(id=t["id"].replace(79, 999))),
        ["sample_submission.csv", "1 ids are not in test.csv", "999"],
    ),
    "nothing to predict": (
        lambda f: edit(f, "sample_submission.csv", lambda t: t[["id"]]),
        ["sample_submission.csv", "nothing to predict"],
    ),
    "no label at all": (
        lambda f: edit(f, "train.csv", lambda t: t.assign(churned=None)),
        ["train.csv", "'churned' has no value"],
    ),
    "one class": (lambda f: edit(f, "train.csv", lambda t: t.assign(churned=1)), ["always 1"]),
    "not UTF-8": (
        lambda f: (f / "train.csv").write_bytes(b"id,age,churned\n1,\xe9,0\n"),
        ["train.csv", "byte 0xe9 at offset 17", "UTF-8"],
    ),
    "empty file": (lambda f: (f / "test.csv").write_text(""), ["test.csv", "empty"]),
    "header only": (lambda f: (f / "test.csv").write_text("id,age\n"), ["test.csv", "no rows"]),
    "ragged row": (
        lambda f: (f / "train.csv").write_text("id,age,churned\n1,2,0\n2,3,1,9\n"),
        ["train.csv", "line 3", "4 fields"],
    ),
    "group absent": (lambda f: yaml(f, BASE + "group: agee"), ["no group column 'agee'", "nearest: age"]),
    "time absent": (lambda f: yaml(f, BASE + "time: when"), ["no time column 'when'", "age"]),
    "time is no time": (
        lambda f: (yaml(f, BASE + "time: day"), edit(f, "train.csv", lambda t: t.assign(day="monday"))),
        ["'day' holds no dates", "monday"],
    ),
    "metric for numbers, labels of text": (
        lambda f: (
            yaml(f, BASE.replace("roc_auc", "rmse")),
            edit(f, "train.csv", lambda t: t.assign(churned=t["churned"].map({0: "no", 1: "yes"}))),
        ),
        ["train.csv", "rmse", "regression", "text such as 'no'"],
    ),
    "metric for classes, labels of numbers": (
        lambda f: edit(f, "train.csv", lambda t: t.assign(churned=t["age"])),
        ["roc_auc", "'churned' is regression", "60 different values"],
    ),
    "labels that never repeat": (
        lambda f: (
            yaml(f, BASE.replace("roc_auc", "accuracy")),
            edit(f, "train.csv", lambda t: t.assign(churned=[f"name {i}" for i in range(len(t))])),
        ),
        ["60 different labels in 60 rows of 'churned'"],
    ),
    "own grader without a direction": (
        lambda f: (
            yaml(f, BASE.replace("roc_auc", "grade:grade")),
            (f / "grade.py").write_text("def grade(submission, answers):\n    return 1.0\n"),
        ),
        ["grade:grade", "maximize or minimize", "`direction`"],
    ),
    "direction against the metric": (
        lambda f: yaml(f, BASE + "direction: minimize"),
        ["roc_auc", "leave `direction` out"],
    ),
    "file outside of the task": (
        lambda f: yaml(f, BASE + "train: ../train.csv"),
        ["../train.csv", "has to lie in the task folder"],
    ),
    "class columns that are no classes": (
        lambda f: (
            yaml(f, BASE.replace("roc_auc", "log_loss")),
            edit(f, "train.csv", lambda t: t.assign(churned=np.resize(["a", "b", "c"], len(t)))),
            edit(f, "sample_submission.csv", lambda t: t.assign(a=0.5, b=0.5).drop(columns="churned")),
        ),
        ["2 columns (a, b, ...)", "3 classes", "(a, b, c, ...)"],
    ),
}


def test_the_task_without_a_fault_loads(tmp_path: Path) -> None:
    task = load_task(write_good(tmp_path / "good"))
    assert (task.problem, task.classes, task.prediction) == ("binary", ["0", "1"], ["churned"])


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_one_clear_line(tmp_path: Path, fault: str) -> None:
    folder = write_good(tmp_path / "task")
    spoil, said = FAULTS[fault]
    spoil(folder)
    with pytest.raises(GomeError) as caught:
        load_task(folder)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 400
    for words in said:
        assert words in message, message


def test_paths_that_are_no_task(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")
    (tmp_path / "void").mkdir()
    for path, said in [
        ("absent", "no such file or folder"),
        ("notes.txt", "neither a task"),
        ("void", "no sample"),
    ]:
        with pytest.raises(GomeError, match=said):
            load_task(tmp_path / path)


def test_one_table_asks_for_what_it_lacks(tmp_path: Path) -> None:
    table = tmp_path / "people.csv"
    pd.DataFrame({"age": range(100), "smokes": ["yes", "no"] * 50}).to_csv(table, index=False)
    for given, said in [
        ({}, "Give `target`; there are: age, smokes"),
        ({"target": "smoke"}, "no target column 'smoke'; nearest: smokes"),
        ({"target": "smokes"}, "Give `metric`; for this target"),
    ]:
        with pytest.raises(GomeError) as caught:
            load_task(table, workspace=tmp_path / "work", **given)
        assert said in str(caught.value)
    with pytest.raises(GomeError, match="workspace"):
        load_task(table, target="smokes", metric="accuracy")
