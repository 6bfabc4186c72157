"""What programs are told to write, where the metric is an own grader that does not say."""

from pathlib import Path

import pytest

from gome.tools.data.task_folder import load_task
from gome.tools.evaluation.answer_form import answer_form

GRADER = "def grade(submission, answers):\n    return 0.5\n"


def folder(
    path: Path, labels: list[str], sample: str, *, metric: str = "grade:grade", columns: str = "y"
) -> Path:
    rows = [f"{i},{i % 7},{label}" for i, label in enumerate(labels * 10)]
    (path / "train.csv").write_text("\n".join(["id,x,y", *rows]) + "\n")
    (path / "test.csv").write_text("id,x\n900,1\n901,2\n")
    (path / "sample_submission.csv").write_text(f"id,{columns}\n900,{sample}\n901,{sample}\n")
    (path / "grade.py").write_text(GRADER)
    (path / "description.md").write_text("A small task.\n")
    (path / "task.yaml").write_text(
        f"name: small\nmetric: {metric}\ndirection: maximize\ntarget: y\nid: id\n"
    )
    return path


@pytest.mark.parametrize(
    ("labels", "sample", "columns", "form"),
    [
        (["a", "b", "c"], "a", "y", "label"),
        (["a", "b", "c"], "0.2,0.3,0.5", "a,b,c", "probability"),
        (["0", "1", "1"], "0", "y", "label"),
        (["0", "1", "1"], "0.0", "y", "probability"),
        (["no", "yes"], "0.5", "y", "probability"),
        (["1.5", "2.5", "7.25"], "0", "y", "value"),
    ],
)
def test_the_sample_tells_the_form(
    tmp_path: Path, labels: list[str], sample: str, columns: str, form: str
) -> None:
    assert answer_form(load_task(folder(tmp_path, labels, sample, columns=columns))) == form


def test_labels_in_one_field_are_a_multilabel_task(tmp_path: Path) -> None:
    task = load_task(folder(tmp_path, ["red", "red blue", "blue", "green red"], "red", metric="f1_samples"))
    assert (task.problem, answer_form(task)) == ("multilabel", "label")
