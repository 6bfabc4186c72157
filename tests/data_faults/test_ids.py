"""Ids are text: when two files mean the same id, decided by hand here."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.state.task import Task
from gome.tools.data.ids import alike, respelled
from gome.tools.data.splits import plan_splits
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.tables import read_table
from gome.tools.data.task_folder import load_task

IDS = st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1, max_size=6) | st.from_regex(
    r"[+-]?0{0,2}[0-9]{1,3}(\.0?)?(e[0-9])?", fullmatch=True
)


@pytest.mark.parametrize(
    ("ids", "like", "same"),
    [
        (["300"], ["300.0"], ["300.0"]),
        (["3049"], ["03049"], ["03049"]),
        (["3e2"], ["300"], ["300"]),
        ([".0"], ["0.0"], ["0.0"]),
        (["."], ["0"], ["."]),
        (["1"], ["0001", "1"], ["1"]),  # the text counts first
        (["01"], ["0001", "1"], ["01"]),  # of two ids it could be either
        (["9007199254740992"], ["9007199254740993"], ["9007199254740992"]),  # floats would call them equal
        (["NA"], ["na"], ["NA"]),
    ],
)
def test_ids_of_two_files(ids: list[str], like: list[str], same: list[str]) -> None:
    assert list(respelled(pd.Series(ids), pd.Series(like))) == same


@given(st.lists(IDS, min_size=1, max_size=8, unique=True))
def test_any_ids_are_the_same_in_any_order(ids: list[str]) -> None:
    turned = pd.Series(ids[::-1], dtype=object)
    assert list(respelled(turned, pd.Series(ids, dtype=object))) == ids[::-1]
    assert alike(turned, pd.Series(ids[:1], dtype=object))[-1]


@given(st.integers(0, 10**18), st.sampled_from(["{}.0", "0{}", "+{}", " {}", "{}e0"]))
def test_a_number_is_hidden_however_it_is_spelled(number: int, spelling: str) -> None:
    spelled = pd.Series([spelling.format(number), str(number + 1)])
    assert list(alike(spelled, pd.Series([str(number)]))) == [True, False]


@pytest.mark.parametrize("spelling", ["{}", "{}.0", "0{}"])
def test_graded_rows_leave_a_copy_however_it_spells_their_ids(tmp_path: Path, spelling: str) -> None:
    task, table = _task(tmp_path, blank=None)
    copy = table.assign(id=table["id"].map(spelling.format))
    copy.to_csv(tmp_path / "train_backup.csv", index=False)
    for folder, graded in _folds(task, tmp_path.with_name(tmp_path.name + "-run")):
        lines = (folder / "train_backup.csv").read_text().splitlines()
        kept = {float(line.split(",")[0]) for line in lines[1:]}
        assert kept == set(table["id"]) - set(table["id"].iloc[graded])


def test_a_blank_id_does_not_let_labels_back_in(tmp_path: Path) -> None:
    """One blank made pandas read the ids as 5.0, a copy of the table without blanks has 5, and nothing was taken out."""
    task, table = _task(tmp_path, blank=111)
    table.to_csv(tmp_path / "train_backup.csv", index=False)
    for folder, graded in _folds(task, tmp_path.with_name(tmp_path.name + "-run")):
        text = "\n".join(
            p.read_text() for p in folder.iterdir() if p.name not in ("test.csv", "sample_submission.csv")
        )
        for row in table.iloc[graded].itertuples():
            assert str(row.y) not in text, f"the label of id {row.id}"


def _task(root: Path, blank: int | None) -> tuple[Task, pd.DataFrame]:
    rng = np.random.default_rng(0)
    x = rng.normal(size=300)
    table = pd.DataFrame({"id": range(100, 400), "x": x, "y": rng.normal(size=300)})
    ids = table["id"].astype(object).where(table["id"] != blank, "")
    table.assign(id=ids).to_csv(root / "train.csv", index=False)
    test = pd.DataFrame({"id": range(900, 930), "x": rng.normal(size=30)})
    test.to_csv(root / "test.csv", index=False)
    test[["id"]].assign(y=0.0).to_csv(root / "sample_submission.csv", index=False)
    return load_task(root, metric="rmse"), table


def _folds(task: Task, run_dir: Path) -> list[tuple[Path, np.ndarray]]:
    plan = plan_splits(read_table(Path(task.root) / task.train), task, seed=0)
    inputs = TableInputs(run_dir, task, plan)
    return [(inputs.input_dir("search", s.fold), s.test_rows) for s in plan.folds("search")]
