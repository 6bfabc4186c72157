"""New rows in the place of a task's test rows: brought to its form, or refused in one line that says what to mend."""

from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.inventory import take_inventory
from gome.tools.data.new_rows.files import check_files, file_owners
from gome.tools.data.new_rows.rows import NewRows, read_new_rows
from gome.tools.data.tables import read_table, write_table
from gome.tools.data.task_folder import load_task

ROWS = 40
FORMS = (".csv", ".parquet")


def houses(count: int, start: int = 0) -> pd.DataFrame:
    """Rows with numbers, words, codes among which are numbers, truth values and dates, all with and without gaps."""
    n = range(start, start + count)
    return pd.DataFrame(
        {
            "id": [f"{i:03d}" for i in n],
            "area": [50 + i for i in n],
            "rent": [None if i % 7 == 3 else 1.5 * i for i in n],
            "city": [("Bergen", "Oslo")[i % 2] for i in n],
            "code": [(str(i % 4), "A1")[i % 5 == 0] for i in n],
            "pool": [i % 3 == 0 for i in n],
            "sold": [f"{1 + i % 28:02d}/03/2021" for i in n],
            "floor": [None if i % 3 else f"{i}th" for i in n],
        }
    )


@pytest.fixture(scope="module", params=FORMS)
def task(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Task:
    folder = tmp_path_factory.mktemp("houses")
    train = houses(ROWS).assign(price=[1000.5 + i for i in range(ROWS)])
    test = houses(ROWS, ROWS)
    write_table(train, folder / f"train{request.param}")
    write_table(test, folder / f"test{request.param}")
    write_table(test[["id"]].assign(price=0.5), folder / f"sample_submission{request.param}")
    (folder / "task.yaml").write_text("metric: rmse\ntarget: price\nid: id\ndates: {sold: '%d/%m/%Y'}\n")
    return load_task(folder)


def read(task: Task, table: pd.DataFrame, folder: Path, suffix: str = ".csv") -> NewRows:
    path = folder / f"rows{suffix}"
    write_table(table, path)
    return read_new_rows(path, task, Path(task.root))


def as_programs_see(rows: NewRows, task: Task, folder: Path) -> pd.DataFrame:
    path = folder / task.test
    write_table(rows.table, path)
    return read_table(path)


@settings(max_examples=8)
@given(
    chosen=st.lists(st.integers(0, ROWS - 1), min_size=1, max_size=5, unique=True),
    suffix=st.sampled_from(FORMS),
)
def test_some_of_the_test_rows_read_as_all_of_them_do(
    task: Task, tmp_path_factory: pytest.TempPathFactory, chosen: list[int], suffix: str
) -> None:
    folder = tmp_path_factory.mktemp("rows")
    rows = read(task, houses(ROWS, ROWS).iloc[chosen], folder, suffix)
    seen, whole = as_programs_see(rows, task, folder), read_table(Path(task.root) / task.test)
    assert rows.count == len(chosen) <= len(seen)
    for name in whole.columns:
        values = (
            seen[name][: rows.count].astype(object).where(seen[name][: rows.count].notna(), None).tolist()
        )
        wanted = (
            whole[name].iloc[chosen].astype(object).where(whole[name].iloc[chosen].notna(), None).tolist()
        )
        assert values == wanted, name
        if whole[name].dtype == object:
            assert seen[name].dtype == object
    assert rows.notes == []
    assert rows.answers is None


def test_all_of_the_test_rows_need_no_companions(task: Task, tmp_path: Path) -> None:
    assert len(read(task, houses(ROWS, ROWS), tmp_path).table) == ROWS


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"area": "big"}, "area"),
        ({"pool": "3"}, "pool"),
        ({"sold": "2021-03-01"}, "sold"),
        ({"id": "100"}, "row 2: id = '100' is there before"),
        ({"id": None}, "row 1: the id 'id' is empty"),
    ],
)
def test_cells_of_another_kind_are_refused(
    task: Task, tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    with pytest.raises(GomeError, match=said) as error:
        read(task, houses(5, 100).astype(object).assign(**change), tmp_path)
    assert str(tmp_path / "rows.csv") in str(error.value)


def test_columns_that_are_missing_are_refused_with_the_nearest_name(task: Task, tmp_path: Path) -> None:
    with pytest.raises(
        GomeError, match=r"no column 'area', which programs were given in test.*nearest: Area"
    ):
        read(task, houses(5).rename(columns={"area": "Area"}), tmp_path)


def test_new_values_other_columns_and_labels_are_told_and_taken_out(task: Task, tmp_path: Path) -> None:
    table = houses(4, 100).assign(
        city=["Oslo", "Rome", "Rome", "Bergen"], colour="red", price=[1.0, 2.0, None, 4.0]
    )
    rows = read(task, table, tmp_path)
    assert list(rows.table.columns) == list(houses(1).columns)
    assert rows.answers is not None
    assert rows.answers["id"].tolist() == ["100", "101", "103"]
    assert rows.answers["price"].tolist() == [1, 2, 4]
    assert rows.notes == [
        "1 of 4 rows have no label, and count for no score",
        f"left out of rows.csv, as {task.test} has no such columns: colour",
        "city: no training row has 'Rome' (2 of 4 rows)",
    ]


def test_rows_need_the_files_that_test_rows_have(tmp_path: Path) -> None:
    (tmp_path / "train").mkdir()
    (tmp_path / "test").mkdir()
    table = houses(60)[["id", "area"]].assign(price=[1.5 * i for i in range(60)])
    table[:ROWS].to_csv(tmp_path / "train.csv", index=False)
    table[ROWS:].drop(columns="price").to_csv(tmp_path / "test.csv", index=False)
    table[ROWS:][["id"]].assign(price=0.5).to_csv(tmp_path / "sample_submission.csv", index=False)
    for i, name in enumerate(table["id"]):
        (tmp_path / ("train" if i < ROWS else "test") / f"{name}.png").write_bytes(b"\x89PNG")
    task = load_task(tmp_path, metric="rmse", target="price", id="id")
    owners = file_owners(task, take_inventory(task), tmp_path)
    assert owners == {"id": table["id"][ROWS:].tolist()}
    check_files(tmp_path / "rows.csv", table[ROWS:], owners)
    with pytest.raises(GomeError, match=r"row 1: id = '039' names no file of the task's test part"):
        check_files(tmp_path / "rows.csv", table[ROWS - 1 :], owners)


def test_rows_of_one_table_without_ids_are_numbered(tmp_path: Path) -> None:
    table = houses(60).drop(columns=["id", "area"]).assign(price=[float(i * i) for i in range(60)])
    table.to_csv(tmp_path / "all.csv", index=False)
    task = load_task(tmp_path / "all.csv", target="price", metric="rmse", workspace=tmp_path / "made")
    assert task.numbered
    rows = read(task, table.head(3), tmp_path)
    assert rows.table[task.id].tolist()[:3] == [0, 1, 2]
    assert rows.answers is not None
    assert rows.answers[task.id].tolist() == ["0", "1", "2"]
