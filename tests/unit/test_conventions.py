"""Tasks whose tables have to be found or made: what is graded is the truth, and no graded label is in sight."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.cli.main import main
from gome.state.errors import GomeError, NotUnderstood
from gome.tools.data.inventory import Inventory, opened
from gome.tools.data.splits import plan_splits
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.task_files import task_files
from gome.tools.data.task_folder import load_task
from gome.tools.data.task_tables import read_task_table
from tests.layouts import LAYOUTS, TEST, coco, describe, file_names, folder_names, other_names, sample
from tests.task_files import contents
from tests.unseen_layouts import LAYOUTS as UNSEEN


def laid_out(folder: Path, layout: str, tmp_path: Path) -> tuple[TableInputs, dict[str, object]]:
    truth = LAYOUTS[layout](folder, np.random.default_rng(3))
    task = load_task(folder, workspace=tmp_path / "work")
    plan = plan_splits(read_task_table(task, task.train), task, seed=0)
    return TableInputs(tmp_path / "run", task, plan), truth


@pytest.mark.parametrize("layout", LAYOUTS)
def test_hidden_answers_are_the_truth(layout: str, tmp_path: Path) -> None:
    inputs, truth = laid_out(tmp_path / layout, layout, tmp_path)
    task = inputs.task
    assert task.conventions
    answers = inputs.answers("search", 0)
    assert len(answers)
    assert set(answers[task.id]) <= set(truth)
    for row in answers.to_dict("records"):
        wanted = truth[row[task.id]]
        told = [row[c] for c in task.target]
        if isinstance(wanted, list):
            assert told == pytest.approx(wanted)
        elif task.numeric_targets:
            assert told == pytest.approx([wanted])
        else:
            assert told == [wanted]
    files = contents(tmp_path / layout)
    real = pd.read_csv(
        io.BytesIO(next(v for n, v in files.items() if n.endswith("sample_submission.csv"))), dtype=str
    )
    given = inputs.sample("final", 0)
    assert list(given.columns) == list(real.columns)
    assert list(given[task.id]) == list(real.iloc[:, 0])


@pytest.mark.parametrize("layout", ["coco", "file_names", "folder_names", "several_rows"])
def test_each_graded_row_names_its_own_files(layout: str, tmp_path: Path) -> None:
    inputs, _ = laid_out(tmp_path / layout, layout, tmp_path)
    for split in ("search", "final"):
        folder = inputs.input_dir(split, 0)
        test = pd.read_csv(folder / "test.csv")
        column = next(
            c for c in test if test[c].astype(str).str.endswith(".png").all() and "/" in str(test[c][0])
        )
        assert all((folder / name).is_file() for cell in test[column] for name in cell.split())


@pytest.mark.parametrize("layout", ["file_names", "folder_names"])
def test_no_name_in_a_fold_tells_a_label(layout: str, tmp_path: Path) -> None:
    inputs, truth = laid_out(tmp_path / layout, layout, tmp_path)
    folder = inputs.input_dir("search", 0)
    labels = {str(v) for v in truth.values()}
    found = list(opened(folder, task_files(folder), Inventory()))
    assert found
    assert not any(set(name.replace(".", "/").split("/")) & labels for name in found)


def test_a_picture_in_a_fold_is_the_one_of_its_row(tmp_path: Path) -> None:
    """Both parts number their pictures from 0: the graded picture 3 is train's."""
    inputs, _ = laid_out(tmp_path / "coco", "coco", tmp_path)
    folder = inputs.input_dir("search", 0)
    for row in pd.read_csv(folder / "test.csv").itertuples():
        own = tmp_path / "coco" / "train" / f"images/{row.Id % 4:03d}/{row.Id}.png"
        assert (folder / row.file_name).read_bytes() == own.read_bytes()


def test_inspect_says_how_it_was_read(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folder = tmp_path / "task"
    other_names(folder, np.random.default_rng(0))
    before = sorted(tmp_path.rglob("*"))
    assert main(["inspect", str(folder)]) == 0
    assert "labels.csv is the train table" in capsys.readouterr().out
    assert sorted(tmp_path.rglob("*")) == before


def test_what_the_user_says_of_tables_is_never_read_otherwise(tmp_path: Path) -> None:
    folder = tmp_path / "task"
    other_names(folder, np.random.default_rng(0))
    with pytest.raises(GomeError, match="no train table found"):
        load_task(folder, workspace=tmp_path / "work", target="cost")


def test_two_tables_that_may_be_train_are_asked_for(tmp_path: Path) -> None:
    folder = tmp_path / "task"
    other_names(folder, np.random.default_rng(0))
    table = pd.read_csv(folder / "labels.csv")
    table.assign(price=table["price"] + 1).head(50).to_csv(folder / "labels_b.csv", index=False)
    with pytest.raises(GomeError, match="give `train`"):
        load_task(folder, workspace=tmp_path / "work")


def test_a_faulty_test_table_is_not_read_round(tmp_path: Path) -> None:
    """A sample that asks for rows which test lacks is a fault of the files, whatever lies beside them."""
    folder = tmp_path / "task"
    other_names(folder, np.random.default_rng(0))
    (folder / "labels.csv").rename(folder / "train.csv")
    pd.read_csv(folder / "test.csv").head(TEST - 3).to_csv(folder / "test.csv", index=False)
    with pytest.raises(GomeError, match=r"20 rows where test\.csv has 17"):
        load_task(folder, workspace=tmp_path / "work")


def test_folders_that_are_not_the_samples_classes_are_not_labels(tmp_path: Path) -> None:
    folder = tmp_path / "task"
    folder_names(folder, np.random.default_rng(0))
    table = pd.read_csv(folder / "sample_submission.csv")
    table[["file"]].assign(label="silence").to_csv(folder / "sample_submission.csv", index=False)
    with pytest.raises(GomeError, match="no train table"):
        load_task(folder, workspace=tmp_path / "work", metric="accuracy")


def test_names_of_two_kinds_are_asked_which_is_positive(tmp_path: Path) -> None:
    folder = tmp_path / "task"
    file_names(folder, np.random.default_rng(0))
    for path in (folder / "train").iterdir():
        path.rename(path.with_name(path.name.replace("yes", "dog").replace("no.", "cat.")))
    with pytest.raises(GomeError, match="give `positive`") as refused:
        load_task(folder, workspace=tmp_path / "work")
    assert str(tmp_path / "work") not in str(refused.value)
    assert load_task(folder, workspace=tmp_path / "work", positive="dog").positive == "dog"


def test_pictures_of_several_classes_are_no_table(tmp_path: Path) -> None:
    folder = tmp_path / "task"
    coco(folder, np.random.default_rng(0))
    path = folder / "train" / "metadata.json"
    path.write_text(path.read_text().replace('"image_id": 1,', '"image_id": 0,'))
    with pytest.raises(GomeError):
        load_task(folder, workspace=tmp_path / "work")


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        (["1 2", "1 2 9", "3 4", "3 4 9"] * 15, "multilabel"),
        (["scab", "rust", "scab rust", "healthy", "rust healthy"] * 12, "multilabel"),
        (["New York", "New Jersey", "Ohio"] * 20, "multiclass"),
        (["low risk", "high risk", "low cost", "high cost"] * 15, "multiclass"),
    ],
)
def test_sets_of_labels_are_told_from_names_of_several_words(
    cells: list[str], problem: str, tmp_path: Path
) -> None:
    describe(tmp_path, "the micro F1 score")
    ids = [f"a{i}" for i in range(len(cells))]
    pd.DataFrame({"id": ids, "x": range(len(cells)), "labels": cells}).to_csv(
        tmp_path / "train.csv", index=False
    )
    pd.DataFrame({"id": ["t1", "t2"], "x": [1, 2]}).to_csv(tmp_path / "test.csv", index=False)
    sample(tmp_path, ["t1", "t2"], labels=cells[0])
    assert load_task(tmp_path).problem == problem


@pytest.mark.parametrize("layout", ["other_names", "coco", "joined_ids"])
def test_a_written_task_file_leads_to_the_same_task(layout: str, tmp_path: Path) -> None:
    folder = tmp_path / "task"
    LAYOUTS[layout](folder, np.random.default_rng(0))
    before = load_task(folder, workspace=tmp_path / "before")
    assert main(["inspect", str(folder), "--write"]) == 0
    after = load_task(folder, workspace=tmp_path / "after")
    same = {"target", "metric", "problem", "id", "classes", "group", "prediction"}
    assert after.model_dump(include=same) == before.model_dump(include=same)


@pytest.mark.parametrize("name", UNSEEN)
def test_what_no_convention_covers_is_not_guessed(name: str, tmp_path: Path) -> None:
    """Dates of purchases are no labels, and a table of customers is no test table, though it has all ids."""
    UNSEEN[name](tmp_path / "task", np.random.default_rng(0))
    with pytest.raises(NotUnderstood):
        load_task(tmp_path / "task", workspace=tmp_path / "work")


@pytest.mark.parametrize(("said", "target"), [(["2020-01-05", "no"], "answer"), (["2020-01-05"], None)])
def test_texts_are_labels_and_dates_are_none(said: list[str], target: str | None, tmp_path: Path) -> None:
    """Of columns that test lacks the only text is the target; a date among its texts makes no column of dates of it."""
    describe(tmp_path, "accuracy")
    train = pd.DataFrame({"id": range(60), "x": range(60), "later": range(60)})
    train.assign(answer=[said[i % len(said)] for i in range(60)]).to_csv(tmp_path / "train.csv", index=False)
    pd.DataFrame({"id": range(60, 80), "x": 1}).to_csv(tmp_path / "test.csv", index=False)
    sample(tmp_path, [str(i) for i in range(60, 80)], "id", prediction="no")
    if target:
        assert load_task(tmp_path).target == [target]
    else:
        with pytest.raises(NotUnderstood, match="not clear"):
            load_task(tmp_path)
