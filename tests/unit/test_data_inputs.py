"""What programs find in input/: the task in its own form, and no hidden label anywhere."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.state.errors import GomeError
from gome.tools.data.inventory import Inventory
from gome.tools.data.splits import plan_splits
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.table_names import is_table
from gome.tools.data.tables import read_table, write_table
from gome.tools.data.task_folder import load_task

N = 400
SPLITS = ("smoke", "search", "selection")


def write_task(folder: Path, suffix: str = ".csv", *, with_id: bool = True) -> Path:
    """Labels are random numbers of 12 digits, so that one of them in a file is a leak and no chance."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    secret = rng.integers(10**11, 10**12, N) + 0.5
    ids = [f"r{i:03}" for i in rng.permutation(N)]
    train = pd.DataFrame({"id": ids, "x": rng.normal(size=N), "only_train": 1, "price": secret})
    test = pd.DataFrame({"x": rng.normal(size=50), "id": [f"t{i}" for i in range(50)], "only_test": 2})
    write_table(train if with_id else train.drop(columns="id"), folder / f"train{suffix}")
    write_table(test, folder / f"test{suffix}")
    write_table(test[["id"]].assign(price=7.5), folder / f"sample_submission{suffix}")
    (folder / "task.yaml").write_text("metric: rmse\ntarget: price\n")
    (folder / "description.md").write_text("Prices.")
    return folder


def open_inputs(folder: Path, run_dir: Path) -> tuple[TableInputs, pd.DataFrame]:
    task = load_task(folder)
    train = read_table(folder / task.train)
    return TableInputs(run_dir, task, plan_splits(train, task, seed=0)), train


def folds(inputs: TableInputs) -> list[tuple[str, int]]:
    return [(name, i) for name in SPLITS for i in range(len(inputs.plan.folds(name)))]


def assert_nothing_leaks(inputs: TableInputs, split: str, fold: int) -> None:
    hidden = {str(int(v)) for v in inputs.answers(split, fold)[inputs.task.target[0]]}
    for path in inputs.input_dir(split, fold).rglob("*"):
        assert not path.is_symlink()
        if path.is_file():
            text = read_table(path).to_csv() if is_table(path) else path.read_text()
            assert not [label for label in hidden if label in text], path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
@pytest.mark.parametrize("with_id", [True, False])
def test_each_fold_looks_like_the_task(tmp_path: Path, suffix: str, with_id: bool) -> None:
    folder = write_task(tmp_path / "task", suffix, with_id=with_id)
    write_table(read_table(folder / f"train{suffix}"), folder / "old" / "copy.csv")
    inputs, table = open_inputs(folder, tmp_path / "run")
    for split, fold in folds(inputs):
        root = inputs.input_dir(split, fold)
        rows = inputs.plan.folds(split)[fold]
        train, test = read_table(root / f"train{suffix}"), read_table(root / f"test{suffix}")
        sample, answers = read_table(root / f"sample_submission{suffix}"), inputs.answers(split, fold)
        assert list(train.columns) == list(table.columns)
        np.testing.assert_allclose(train["price"], table["price"].iloc[rows.train_rows])
        assert list(test.columns) == ["x", "id"]
        np.testing.assert_allclose(test["x"], table["x"].iloc[rows.test_rows])
        assert answers["price"].tolist() == table["price"].iloc[rows.test_rows].tolist()
        assert list(answers.columns) == ["id", "price"]
        assert test["id"].astype(str).tolist() == answers["id"].astype(str).tolist()
        assert test["id"].is_unique
        assert sample["id"].tolist() == test["id"].tolist()
        assert sample["price"].unique().tolist() == [7.5]
        pd.testing.assert_frame_equal(inputs.sample(split, fold).astype(str), sample.astype(str))
        assert (root / "description.md").read_text() == "Prices."
        assert not (root / "task.yaml").exists()
        assert (root / "old" / "copy.csv").exists() == with_id
        assert_nothing_leaks(inputs, split, fold)
    assert any("only_test" in note for note in inputs.notes)
    assert any("old/copy.csv" in note for note in inputs.notes)


def test_final_is_the_task_itself(tmp_path: Path) -> None:
    folder = write_task(tmp_path / "task")
    inputs, _ = open_inputs(folder, tmp_path / "run")
    final = inputs.input_dir("final", 0)
    for name in ("train.csv", "test.csv", "sample_submission.csv", "description.md"):
        assert (final / name).read_bytes() == (folder / name).read_bytes()
    assert not (final / "task.yaml").exists()
    assert not os.path.samefile(final / "train.csv", folder / "train.csv")
    assert inputs.sample("final", 0)["id"].tolist() == [f"t{i}" for i in range(50)]
    with pytest.raises(GomeError, match="no answers"):
        inputs.answers("final", 0)


def test_other_files_are_hard_links(tmp_path: Path) -> None:
    folder = write_task(tmp_path / "task")
    (folder / "pictures").mkdir()
    (folder / "pictures" / "a.png").write_bytes(b"png")
    inputs, _ = open_inputs(folder, tmp_path / "run")
    linked = inputs.input_dir("search", 0) / "pictures" / "a.png"
    assert os.path.samefile(linked, folder / "pictures" / "a.png")


def test_threads_and_processes_find_one_whole_folder(tmp_path: Path) -> None:
    folder = write_task(tmp_path / "task")
    inputs, _ = open_inputs(folder, tmp_path / "run")
    others = [inputs, *(open_inputs(folder, tmp_path / "run")[0] for _ in range(3))]
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda i: i.input_dir("search", 1), others * 4))
    assert set(found) == {(tmp_path / "run" / "inputs" / "search-1").resolve()}
    assert {p.name for p in (tmp_path / "run" / "inputs").iterdir()} == {"search-1", found[0].name}
    assert "search" not in str(found[0].relative_to(tmp_path))
    assert len(read_table(found[0] / "test.csv")) == len(inputs.answers("search", 1))


def test_doubled_ids_are_replaced_by_row_numbers(tmp_path: Path) -> None:
    folder = write_task(tmp_path / "task")
    train = read_table(folder / "train.csv")
    write_table(train.assign(id=["same", "same", *train["id"][2:]]), folder / "train.csv")
    inputs, _ = open_inputs(folder, tmp_path / "run")
    test = read_table(inputs.input_dir("selection", 0) / "test.csv")
    assert test["id"].tolist() == list(range(len(test)))
    assert any("row numbers" in note for note in inputs.notes)


def test_pictures_named_by_row_move_to_the_test_folder(tmp_path: Path) -> None:
    folder = write_task(tmp_path / "task")
    train, test = read_table(folder / "train.csv"), read_table(folder / "test.csv")
    for name, ids in (("train", train["id"]), ("train_masks", train["id"]), ("test", test["id"])):
        (folder / name).mkdir()
        for i in ids:
            (folder / name / f"{i}.png").write_bytes(f"{name} {i}".encode())
    inputs, _ = open_inputs(folder, tmp_path / "run")
    root = inputs.input_dir("search", 0)
    hidden = {f"{i}.png" for i in inputs.answers("search", 0)["id"]}
    assert {p.name for p in (root / "test").iterdir()} == hidden
    assert not hidden & {p.name for p in (root / "train").iterdir()}
    assert not hidden & {p.name for p in (root / "train_masks").iterdir()}
    assert len(list((inputs.input_dir("final", 0) / "test").iterdir())) == 50


def test_sample_as_test_table(tmp_path: Path) -> None:
    folder = write_task(tmp_path / "task")
    (folder / "test.csv").unlink()
    inputs, _ = open_inputs(folder, tmp_path / "run")
    root = inputs.input_dir("search", 0)
    assert sorted(p.name for p in root.iterdir()) == ["description.md", "sample_submission.csv", "train.csv"]
    assert read_table(root / inputs.task.test)["id"].tolist() == inputs.answers("search", 0)["id"].tolist()
    assert_nothing_leaks(inputs, "search", 0)


def test_answers_are_kept_outside_of_inputs(tmp_path: Path) -> None:
    inputs, _ = open_inputs(write_task(tmp_path / "task"), tmp_path / "run")
    inputs.input_dir("selection", 0)
    kept = read_table(tmp_path / "run" / "answers" / "selection-0.csv")
    pd.testing.assert_frame_equal(kept, inputs.answers("selection", 0), check_dtype=False)


@given(
    st.lists(st.sampled_from(["a.zip", "b/a.zip", "b", "c.tar"]), unique=True, max_size=3),
    st.lists(st.sampled_from(["a.zip", "b", "c.tar", "x"]), min_size=1, max_size=4).map("/".join),
)
def test_the_archive_of_a_file_is_the_one_that_its_name_begins_with(archives: list[str], name: str) -> None:
    found = [archive for archive in archives if name.startswith(f"{archive}/")]
    assert Inventory(archives=archives).archive_of(name) == min(found, key=len, default=None)
