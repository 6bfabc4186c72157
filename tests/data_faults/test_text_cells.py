"""No cell is rewritten: ids, groups, labels and headers go through as the text that they are, in harness and programs.

The program below is what any program may be: it reads with Python's own csv module, which changes no cell, and hands
in what it read. What has to come out is written down here by hand.
"""

import csv
import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.splits import plan_splits
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.task_folder import load_task
from gome.tools.data.task_tables import read_task_table
from gome.tools.evaluation.grading import grade
from gome.tools.evaluation.hand_over import write_as_sample
from gome.tools.evaluation.submission import check_submission

Rows = list[list[str]]
CELL = st.text(
    st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=5
) | st.sampled_from(
    [
        "03049",
        "1",
        "01",
        "1.0",
        "1e5",
        "NA",
        "None",
        "null",
        "nan",
        "TRUE",
        "true",
        " ",
        '"',
        "a,b",
        "a\nb",
        "a\r\nb",
        "\r",
    ]
)


def write(path: Path, rows: Rows) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    text = io.StringIO(newline="")
    csv.writer(text, quoting=csv.QUOTE_ALL).writerows(rows)
    path.write_bytes(text.getvalue().encode())


def read(path: Path) -> Rows:
    with path.open(encoding="utf-8", newline="") as file:
        return list(csv.reader(file))


def make(
    root: Path, ids: list[str], labels: list[str], tests: list[str], *, key: str = "id", sample: str = ""
) -> Path:
    """A task folder: `ids` and `labels` of train, `tests` the ids of test; the sample has its own order."""
    write(
        root / "train.csv",
        [[key, "x", "y"], *([i, str(n % 7), c] for n, (i, c) in enumerate(zip(ids, labels, strict=True)))],
    )
    write(root / "test.csv", [[key, "x"], *([i, "3"] for i in tests)])
    write(root / "sample_submission.csv", [[key, "y"], *([i, sample or labels[0]] for i in reversed(tests))])
    return root


def handed_over(
    task: Task, inputs: TableInputs, split: str, fold: int, answer: Rows, folder: Path
) -> Rows | None:
    """What becomes of a program's submission `answer`: None if it is refused."""
    write(folder / "submission.csv", answer)
    rows, problems = check_submission(folder / "submission.csv", inputs.sample(split, fold), task)
    if rows is None:
        assert problems
        return None
    write_as_sample(task, rows, folder / "handed-over.csv")
    return read(folder / "handed-over.csv")


def laid_out(root: Path, run: Path, metric: str = "accuracy") -> tuple[Task, TableInputs]:
    task = load_task(root, metric=metric)
    return task, TableInputs(run, task, plan_splits(read_task_table(task, task.train), task, seed=0))


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(CELL, min_size=80, max_size=80, unique=True), st.lists(CELL, min_size=2, max_size=3, unique=True)
)
def test_any_ids_and_labels_survive_the_round_trip(
    tmp_path_factory: pytest.TempPathFactory, ids: list[str], classes: list[str]
) -> None:
    base = tmp_path_factory.mktemp("text")
    train, tests = ids[:60], ids[60:]
    labels = (classes * 60)[:60]
    task, inputs = laid_out(make(base / "task", train, labels, tests), base / "run")
    assert task.classes == sorted(classes)
    known = dict(zip(train, labels, strict=True))
    for split, fold in (("smoke", 0), ("search", 0), ("selection", 0)):
        folder = inputs.input_dir(split, fold)
        rows, asked = read(folder / "train.csv"), read(folder / "test.csv")
        assert all(known[i] == label for i, _, label in rows[1:])
        assert {i for i, *_ in asked[1:]} <= set(known)
        assert not {i for i, *_ in asked[1:]} & {i for i, *_ in rows[1:]}
        truth = [["id", "y"], *([i, known[i]] for i, *_ in asked[1:])]
        assert handed_over(task, inputs, split, fold, truth[:1] + truth[:0:-1], base) == truth
        graded, _ = check_submission(base / "submission.csv", inputs.sample(split, fold), task)
        assert graded is not None
        assert grade(task, graded, inputs.answers(split, fold)) == 1.0
    final = read(inputs.input_dir("final", 0) / "test.csv")
    answer = [["id", "y"], *([i, classes[n % len(classes)]] for n, (i, _) in enumerate(final[1:]))]
    assert handed_over(task, inputs, "final", 0, answer, base) == answer[:1] + answer[:0:-1]


@pytest.mark.parametrize(
    ("tests", "written"),
    [
        (["03049", "00501"], ["03049", "00501"]),
        (["03049", "00501"], ["3049", "501"]),  # a program that read numbers: only one id can be meant
        (["0001", "1"], ["0001", "1"]),
        (["NA", "DE"], ["NA", "DE"]),
        (["300.0", "7.0"], ["300", "7"]),
    ],
)
def test_ids_are_handed_over_as_the_sample_has_them(
    tmp_path: Path, tests: list[str], written: list[str]
) -> None:
    ids = [f"{n:05}" for n in range(9000, 9060)]
    task, inputs = laid_out(make(tmp_path / "task", ids, ["a", "b"] * 30, tests), tmp_path / "run")
    answer = [["id", "y"], *([i, "a"] for i in written)]
    assert handed_over(task, inputs, "final", 0, answer, tmp_path) == [
        ["id", "y"],
        *([i, "a"] for i in reversed(tests)),
    ]


def test_ids_that_a_program_made_equal_are_refused(tmp_path: Path) -> None:
    ids = [str(n) for n in range(9000, 9060)]
    task, inputs = laid_out(make(tmp_path / "task", ids, ["a", "b"] * 30, ["0001", "1"]), tmp_path / "run")
    assert handed_over(task, inputs, "final", 0, [["id", "y"], ["1", "a"], ["1", "b"]], tmp_path) is None


def test_sample_and_test_may_spell_an_id_in_two_ways(tmp_path: Path) -> None:
    root = make(tmp_path / "task", [str(n) for n in range(60)], ["a", "b"] * 30, ["300", "301"])
    write(root / "sample_submission.csv", [["id", "y"], ["300.0", "a"], ["301.0", "a"]])
    task, inputs = laid_out(root, tmp_path / "run")
    answer = [["id", "y"], ["301", "b"], ["300", "a"]]
    assert handed_over(task, inputs, "final", 0, answer, tmp_path) == [
        ["id", "y"],
        ["300.0", "a"],
        ["301.0", "b"],
    ]


@pytest.mark.parametrize(("sample", "expected"), [("TRUE", "FALSE"), ("True", "False"), ("true", "false")])
def test_labels_are_spelled_as_in_the_sample(tmp_path: Path, sample: str, expected: str) -> None:
    root = make(
        tmp_path / "task", [str(n) for n in range(60)], ["TRUE", "FALSE"] * 30, ["100", "101"], sample=sample
    )
    task, inputs = laid_out(root, tmp_path / "run")
    assert task.classes == ["FALSE", "TRUE"]
    for said in ("FALSE", "False"):  # as the train table has it, and as pandas makes it
        answer = [["id", "y"], ["100", said], ["101", said]]
        assert handed_over(task, inputs, "final", 0, answer, tmp_path) == [
            ["id", "y"],
            ["101", expected],
            ["100", expected],
        ]


def test_a_column_without_a_name_stays_without_one(tmp_path: Path) -> None:
    root = make(tmp_path / "task", [str(n) for n in range(60)], ["a", "b"] * 30, ["100", "101"], key="")
    task, inputs = laid_out(root, tmp_path / "run")
    assert read(inputs.input_dir("search", 0) / "test.csv")[0] == ["", "x"]
    for key in ("", "Unnamed: 0"):
        got = handed_over(task, inputs, "final", 0, [[key, "y"], ["100", "a"], ["101", "b"]], tmp_path)
        assert got == [["", "y"], ["101", "b"], ["100", "a"]]


def test_long_group_ids_with_one_blank_stay_apart(tmp_path: Path) -> None:
    """As floats, which a blank makes of them, neighbours of 19 digits are one number."""
    groups = [str(10**18 + n // 2) for n in range(600)]
    rows = [[str(n), groups[n], str(n % 7), str(n / 3)] for n in range(600)]
    rows[17][1] = ""
    write(tmp_path / "train.csv", [["id", "who", "x", "y"], *rows])
    write(tmp_path / "test.csv", [["id", "who", "x"], ["900", "5", "1"], ["901", "5", "1"]])
    write(tmp_path / "sample_submission.csv", [["id", "y"], ["900", "0"], ["901", "0"]])
    task = load_task(tmp_path, metric="rmse", group="who")
    plan = plan_splits(read_task_table(task, task.train), task, seed=0)
    names = np.array([row[1] for row in rows])
    for split in plan.folds("search") + plan.folds("selection"):
        assert not set(names[split.train_rows]) & set(names[split.test_rows])
    tested = np.concatenate([s.test_rows for s in plan.folds("search")])
    assert (
        len(set(names[tested]) | set(names[plan.folds("selection")[0].test_rows])) == 301
    )  # 300 and the blank


@pytest.mark.parametrize(
    ("column", "words"), [("region", ["AS", "EU", "NA"]), ("condition", ["None", "Mild", "Severe"])]
)
def test_a_word_for_missing_is_a_class(tmp_path: Path, column: str, words: list[str]) -> None:
    path = tmp_path / "table.csv"
    write(path, [["x", column], *([str(n), words[n % 3]] for n in range(300))])
    task = load_task(path, target=column, metric="accuracy", workspace=tmp_path / "made")
    assert task.classes == sorted(words)
    train, test = (read(Path(task.root) / name)[1:] for name in ("train.csv", "test.csv"))
    assert (len(train), len(test)) == (240, 60)
    assert sorted({row[-1] for row in train}) == sorted(words)


def test_only_an_empty_label_makes_a_test_row(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write(
        path, [["x", "region"], *([str(n), "" if n % 10 == 0 else ["EU", "NA"][n % 2]] for n in range(300))]
    )
    task = load_task(path, target="region", metric="accuracy", workspace=tmp_path / "made")
    assert len(read(Path(task.root) / "test.csv")) == 31
    assert "the 30 rows whose label is missing" in task.description


def test_numbers_with_na_beside_them_are_numbers(tmp_path: Path) -> None:
    path = tmp_path / "table.csv"
    write(path, [["x", "price"], *([str(n), "NA" if n % 10 == 0 else str(n * 1.5)] for n in range(300))])
    task = load_task(path, target="price", metric="rmse", workspace=tmp_path / "made")
    assert len(read(Path(task.root) / "test.csv")) == 31


def test_cells_of_features_are_laid_out_as_they_are(tmp_path: Path) -> None:
    rows = [[str(n), ["1.10", "007", "1e3", "NA", ""][n % 5], ["a", "b"][n % 2]] for n in range(60)]
    write(tmp_path / "task" / "train.csv", [["id", "x", "y"], *rows])
    write(tmp_path / "task" / "test.csv", [["id", "x"], ["100", "1.10"], ["101", "2"]])
    write(tmp_path / "task" / "sample_submission.csv", [["id", "y"], ["100", "a"], ["101", "a"]])
    _, inputs = laid_out(tmp_path / "task", tmp_path / "run")
    for name in ("train.csv", "test.csv"):
        for row in read(inputs.input_dir("search", 0) / name)[1:]:
            assert row[1] == rows[int(row[0])][1]


def test_a_name_that_occurs_twice_is_told(tmp_path: Path) -> None:
    root = make(tmp_path / "task", ["1", "2"], ["a", "b"], ["3"])
    write(root / "test.csv", [["id", "x", "x"], ["3", "1", "2"]])
    with pytest.raises(GomeError, match=r"test\.csv: the column name 'x' occurs more than once"):
        load_task(root, metric="accuracy")


def test_typed_ids_of_parquet_are_their_text(tmp_path: Path) -> None:
    frame = pd.DataFrame({"id": range(60), "x": range(60), "y": ["a", "b"] * 30})
    frame.to_parquet(tmp_path / "train.parquet")
    frame.drop(columns="y").assign(id=range(100, 160)).to_parquet(tmp_path / "test.parquet")
    write(tmp_path / "sample_submission.csv", [["id", "y"], *([f"{n}.0", "a"] for n in range(100, 160))])
    task, inputs = laid_out(tmp_path, tmp_path.with_name(tmp_path.name + "-run"))
    answer = [["id", "y"], *([str(n), "b"] for n in range(100, 160))]
    out = handed_over(task, inputs, "final", 0, answer, tmp_path.with_name(tmp_path.name + "-run"))
    assert out == [["id", "y"], *([f"{n}.0", "b"] for n in range(100, 160))]
