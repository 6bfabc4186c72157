"""Tables beside train and test: those that real test rows have no rows in, graded rows have none in either."""

import io
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from tests.task_files import TEST, contents, folds, make_task, open_inputs, zipped


def _side(ids: list[str], key: str = "id") -> bytes:
    """Three visits for each id."""
    rows = pd.DataFrame({key: np.repeat(ids, 3), "visit": np.tile([1, 2, 3], len(ids))})
    return rows.assign(dose=np.arange(len(rows)) % 7).to_csv(index=False).encode()


def _ids(content: bytes, key: str = "id") -> set[str]:
    return set(pd.read_csv(io.BytesIO(content), dtype=str)[key])


@pytest.mark.parametrize("name", ["visits.csv", "deep/visits.csv", "extra.zip/visits.csv"])
def test_a_table_of_train_rows_loses_the_graded_ones(tmp_path: Path, name: str) -> None:
    train = make_task(tmp_path / "task")
    side = _side(list(train["id"]))
    if ".zip" in name:
        zipped(tmp_path / "task" / "extra.zip", {"visits.csv": side, "words.txt": b"words"})
    else:
        (tmp_path / "task" / name).parent.mkdir(exist_ok=True)
        (tmp_path / "task" / name).write_bytes(side)
    inputs = open_inputs(tmp_path / "task")
    for folder, graded in folds(inputs):
        assert _ids(contents(folder)[name]) == set(train["id"].drop(graded))
    assert any(name in note and "without the graded rows" in note for note in inputs.notes)
    assert _ids(contents(inputs.input_dir("final", 0))[name]) == set(train["id"])


def test_a_key_of_another_name_is_found_by_its_values(tmp_path: Path) -> None:
    train = make_task(tmp_path / "task", ids=[f"p{i:03}" for i in range(120)])
    side = train[["id"]].rename(columns={"id": "patient"}).assign(age=np.arange(120) % 50)
    side.to_csv(tmp_path / "task" / "ages.csv", index=False)
    for folder, graded in folds(open_inputs(tmp_path / "task")):
        assert _ids(contents(folder)["ages.csv"], "patient") == set(train["id"].drop(graded))


def test_a_table_of_both_parts_stays_whole(tmp_path: Path) -> None:
    train = make_task(tmp_path / "task")
    side = _side([*train["id"], *(str(5000 + i) for i in range(TEST))])
    (tmp_path / "task" / "visits.csv").write_bytes(side)
    for folder, _ in folds(open_inputs(tmp_path / "task")):
        assert contents(folder)["visits.csv"] == side


@pytest.mark.parametrize(("name", "kept"), [("visits.csv", False), ("test_visits.csv", True)])
def test_where_both_parts_number_their_rows_alike_the_name_counts(
    tmp_path: Path, name: str, kept: bool
) -> None:
    train = make_task(tmp_path / "task", shared_ids=True)
    (tmp_path / "task" / name).write_bytes(_side([str(i) for i in range(TEST)]))
    for folder, graded in folds(open_inputs(tmp_path / "task")):
        ids = {str(i) for i in range(TEST)}
        assert _ids(contents(folder)[name]) == (ids if kept else ids - set(train["id"].iloc[graded]))


def test_a_copy_with_labels_from_which_nothing_can_be_taken_is_left_out(tmp_path: Path) -> None:
    train = make_task(tmp_path / "task")
    train.assign(id=[f"old-{i}" for i in train["id"]]).to_csv(
        tmp_path / "task" / "train_old.csv", index=False
    )
    inputs = open_inputs(tmp_path / "task")
    for folder, _ in folds(inputs):
        assert not (folder / "train_old.csv").exists()
    assert any("train_old.csv" in note and "not in any" in note for note in inputs.notes)
