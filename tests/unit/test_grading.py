"""The format check on files, and grading by id."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.state.parts import better, gain_of
from gome.state.task import Task
from gome.tools.evaluation.grading import GradingError, grade
from gome.tools.evaluation.submission import WARNING, check_submission
from tests.graded import make_task, table

AUC = make_task("auc", "binary")
SAMPLE = table(["y"], np.zeros(4), ids=[10, 11, 12, 13])
GOOD = "id,y\n13,0.4\n10,0.1\n12,0.3\n11,0.2\n"


def check(folder: Path, text: str, task: Task = AUC, sample: pd.DataFrame = SAMPLE) -> tuple:
    path = folder / "submission.csv"
    path.write_text(text)
    return check_submission(path, sample, task)


def problems(folder: Path, text: str, task: Task = AUC, sample: pd.DataFrame = SAMPLE) -> list[str]:
    """The faults of a submission that has some."""
    frame, found = check(folder, text, task, sample)
    assert frame is None
    assert found
    assert all("\n" not in line and len(line) < 400 for line in found)
    return found


def test_rows_come_back_in_the_order_of_the_sample(tmp_path: Path) -> None:
    frame, found = check(tmp_path, GOOD)
    assert found == []
    assert frame["id"].tolist() == [10, 11, 12, 13]
    assert frame["y"].tolist() == [0.1, 0.2, 0.3, 0.4]


def test_columns_may_stand_in_any_order_and_ids_may_be_written_as_floats(tmp_path: Path) -> None:
    frame, found = check(tmp_path, "y,id\n0.4,13.0\n0.1,10.0\n0.3,12.0\n0.2,11.0\n")
    assert found == []
    assert list(frame.columns) == ["id", "y"]
    assert frame["y"].tolist() == [0.1, 0.2, 0.3, 0.4]


def test_ids_that_are_text_keep_their_zeros(tmp_path: Path) -> None:
    sample = table(["y"], np.zeros(3), ids=["001", "01", "1"])
    frame, found = check(tmp_path, "id,y\n1,0.3\n01,0.2\n001,0.1\n", sample=sample)
    assert found == []
    assert frame["y"].tolist() == [0.1, 0.2, 0.3]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "is empty"),
        ("id,pred\n10,1\n", "columns y are missing; the header has to be: id, y"),
        ("id,y,z\n10,0,1\n", "columns z are not in the sample"),
        (",id,y\n0,10,0.1\n", "write with index=False"),
        ("id,y\n10,0.1\n11,0.2\n12,0.3\n", "1 ids of the sample are missing, such as id = 13"),
        (GOOD + "14,0.2\n", "1 ids are not in the sample, such as id = 14"),
        (GOOD + "11,0.2\n", "1 ids occur more than once, such as id = 11"),
        (GOOD.replace("12,", ","), "id is empty in 1 rows, first in row 3"),
        (GOOD.replace("0.3", ""), "y is missing in 1 of 4 rows, such as id = 12"),
        (GOOD.replace("0.3", "NaN"), "y is missing in 1 of 4 rows"),
        (GOOD.replace("0.3", "many"), "1 of 4 predictions are no numbers, such as many for id = 12"),
        (GOOD.replace("0.3", "inf"), "are infinite"),
        (GOOD.replace("0.3", "1.5"), "above 1, such as 1.5 for id = 12; auc needs probabilities from 0 to 1"),
        (GOOD.replace("0.3", "-2"), "below 0"),
        ("id,y\n10,0.1,5,6\n11,0.2,5,6\n", "more fields than the header"),
        ('id,y\n10,"0.1\n', "not readable as CSV"),
        ("id,y" + ",x" * 5000 + "\n", "5,002 columns or more where the sample has 2"),
    ],
)
def test_each_fault_is_told_with_an_example(tmp_path: Path, text: str, said: str) -> None:
    assert said in " | ".join(problems(tmp_path, text))


def test_several_faults_of_the_ids_are_told_together(tmp_path: Path) -> None:
    assert len(problems(tmp_path, "id,y\n10,0\n10,0\n99,1\n")) == 3


def test_a_missing_file_a_folder_and_a_link_are_refused(tmp_path: Path) -> None:
    path, secret = tmp_path / "submission.csv", tmp_path / "answers.csv"
    assert check_submission(path, SAMPLE, AUC) == (
        None, ["submission.csv was not written; write it into the working directory"])  # fmt: skip
    secret.write_text(GOOD)
    path.symlink_to(secret)
    assert "not a plain file" in check_submission(path, SAMPLE, AUC)[1][0]
    path.unlink()
    path.mkdir()
    assert "not a plain file" in check_submission(path, SAMPLE, AUC)[1][0]
    path.rmdir()
    os.mkfifo(path)
    assert "not a plain file" in check_submission(path, SAMPLE, AUC)[1][0]


def test_a_file_far_too_large_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    with path.open("wb") as file:
        file.truncate(10_000_000_000)  # sparse: takes no space
    frame, found = check_submission(path, SAMPLE, AUC)
    assert frame is None
    assert "10,000,000,000 bytes" in found[0]


def test_bytes_that_are_no_text_are_told(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    path.write_bytes(b"id,y\n10,\xff\xfe\n")
    assert "not UTF-8" in check_submission(path, SAMPLE, AUC)[1][0]


def test_predictions_all_the_same_are_a_warning_not_a_fault(tmp_path: Path) -> None:
    frame, found = check(tmp_path, "id,y\n10,0.5\n11,0.5\n12,0.5\n13,0.5\n")
    assert frame is not None
    assert len(found) == 1
    assert found[0].startswith(WARNING + "all 4 predictions are the same (y = 0.5)")


def test_a_probability_a_little_above_one_is_one(tmp_path: Path) -> None:
    frame, found = check(tmp_path, GOOD.replace("0.4", "1.0000001"))
    assert found == []
    assert frame["y"].max() == 1.0


def test_labels_are_brought_to_the_way_the_task_writes_them(tmp_path: Path) -> None:
    frame, found = check(tmp_path, "id,y\n10,1.0\n11,0\n12, 1\n13,0.0\n", make_task("accuracy", "binary"))
    assert found == []
    assert frame["y"].tolist() == ["1", "0", "1", "0"]
    truth = make_task("accuracy", "binary", classes=["False", "True"])
    frame, found = check(tmp_path, "id,y\n10,true\n11,False\n12,TRUE\n13,false\n", truth)
    assert frame["y"].tolist() == ["True", "False", "True", "False"]


def test_unknown_and_missing_labels_are_faults(tmp_path: Path) -> None:
    task = make_task("f1_macro", "multiclass")
    assert problems(tmp_path, "id,y\n10,a\n11,z\n12,b\n13,z\n", task) == [
        "y: 2 of 4 predictions are no known label, such as 'z'; labels are a, b, c"
    ]
    assert "missing in 1 of 4" in problems(tmp_path, "id,y\n10,a\n11,\n12,b\n13,a\n", task)[0]


def test_probabilities_where_labels_are_asked_for_are_a_fault_but_not_for_ordered_labels(
    tmp_path: Path,
) -> None:
    text = "id,y\n10,0.2\n11,0.9\n12,0.6\n13,0.1\n"
    assert "no known label" in problems(tmp_path, text, make_task("accuracy", "binary"))[0]
    frame, _ = check(tmp_path, text, make_task("qwk", "binary"))
    assert frame["y"].tolist() == ["0", "1", "1", "0"]


def test_a_row_without_any_probability_is_a_fault(tmp_path: Path) -> None:
    task = make_task("log_loss", "multiclass", ["a", "b", "c"])
    sample = table(["a", "b", "c"], np.zeros((2, 3)))
    found = problems(tmp_path, "id,a,b,c\n0,0.2,0.3,0.5\n1,0,0,0\n", task, sample)
    assert found == ["all probabilities are 0 in 1 rows, such as id = 1"]


def test_an_empty_ranking_is_allowed(tmp_path: Path) -> None:
    frame, found = check(tmp_path, "id,y\n10,a b\n11,\n12,c\n13,7\n", make_task("map@3", "ranking"))
    assert found == []
    assert frame["y"].tolist() == ["a b", "", "c", "7"]


def test_numbers_below_what_the_metric_takes_are_a_fault(tmp_path: Path) -> None:
    found = problems(tmp_path, GOOD.replace("0.3", "-3"), make_task("rmsle", "regression"))
    assert "rmsle needs predictions of at least 0" in found[0]
    assert check(tmp_path, GOOD.replace("0.3", "-3"), make_task("rmse", "regression"))[1] == []


@settings(max_examples=60, deadline=None)
@given(text=st.text(max_size=200))
def test_no_text_breaks_the_check(text: str, tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("hostile") / "submission.csv"
    path.write_text("id,y\n" + text, encoding="utf-8", errors="replace")
    frame, found = check_submission(path, SAMPLE, AUC)
    assert (frame is None) == any(not line.startswith(WARNING) for line in found)


@given(seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_grading_goes_by_id_whatever_the_order(seed: int) -> None:
    rng = np.random.default_rng(seed)
    task = make_task("rmse", "regression")
    answers = table(["y"], rng.normal(size=20), ids=[f"r{i}" for i in range(20)])
    submission = table(["y"], rng.normal(size=20), ids=answers["id"])
    expected = np.sqrt(((answers["y"] - submission["y"]) ** 2).mean())
    assert grade(task, submission.sample(frac=1, random_state=seed), answers) == pytest.approx(expected)


@pytest.mark.parametrize(
    ("ids", "said"),
    [
        ([1, 2, 2], "id = 2 occurs more than once"),
        ([1, 2, 4], "ids other than"),
        ([1, 2, 3, 4], "ids other than"),
    ],
)
def test_other_ids_cannot_be_graded(ids: list[int], said: str) -> None:
    answers = table(["y"], [1.0, 2.0, 3.0], ids=[1, 2, 3])
    with pytest.raises(GradingError, match=said):
        grade(make_task("rmse", "regression"), table(["y"], np.zeros(len(ids)), ids=ids), answers)


def test_a_value_that_is_not_finite_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "nothing.py").write_text("def grade(submission, answers):\n    return float('nan')\n")
    task = make_task("nothing:grade", "regression", root=str(tmp_path), direction="maximize")
    with pytest.raises(GradingError, match="nothing:grade is nan"):
        grade(task, SAMPLE, SAMPLE)


def test_better_and_gain_know_the_direction() -> None:
    assert better("maximize", 2, 1)
    assert better("minimize", 1, 2)
    assert not better("maximize", 1, 1)
    assert gain_of("maximize", 3, 1) == 2
    assert gain_of("minimize", 3, 1) == -2
