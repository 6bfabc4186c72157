"""`drop` leaves columns out of train and test, and of all that is made of them; cells stay as they are written."""

import json
from pathlib import Path

import pandas as pd
import pytest

from gome.cli.main import main
from gome.graph.run_layout import prepare_run
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.splits import SplitPlan
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.task_folder import load_task

ROWS = 60


def folder(path: Path, suffix: str = ".csv", drop: str = "") -> Path:
    """Ids with leading zeros, a column 'code' of texts that numbers and gaps could be read from, a leak 'bill'."""
    path.mkdir()
    train = pd.DataFrame(
        {
            "id": [f"{i:04}" for i in range(ROWS)],
            "code": ["NA", "007", "1e3", "1.50"] * (ROWS // 4),
            "x": [f"{i}.0" for i in range(ROWS)],
            "bill": [str(2 * i) for i in range(ROWS)],
            "price": [str(i) for i in range(ROWS)],
        }
    )
    test = train.drop(columns="price").assign(id=[f"1{i:03}" for i in range(ROWS)])
    write = {".csv": "to_csv", ".tsv.gz": "to_csv", ".parquet": "to_parquet"}[suffix]
    how = {"sep": "\t"} if "tsv" in suffix else {}
    if suffix == ".parquet":
        train = train.assign(price=train["price"].astype(int))
    getattr(train, write)(path / f"train{suffix}", index=False, **how)
    getattr(test, write)(path / f"test{suffix}", index=False, **how)
    test[["id"]].assign(price=0).to_csv(path / "sample_submission.csv", index=False)
    (path / "notes").mkdir()
    (path / "notes" / "about.txt").write_text("prices in pounds")
    (path / "task.yaml").write_text(f"metric: mae\ntarget: price\nid: id\n{drop}")
    return path


def cells(path: Path) -> list[list[str]]:
    return [line.split(",") for line in path.read_text().splitlines()]


def without(rows: list[list[str]], name: str) -> list[list[str]]:
    at = rows[0].index(name)
    return [row[:at] + row[at + 1 :] for row in rows]


@pytest.mark.parametrize("said", ["option", "task file"])
def test_it_is_out_of_everything_and_other_cells_stay_as_they_are(tmp_path: Path, said: str) -> None:
    source = folder(tmp_path / "task", drop="drop: bill\n" if said == "task file" else "")
    before = {p: p.read_bytes() for p in source.rglob("*") if p.is_file()}
    drop = ("bill",) if said == "option" else ()
    run_dir = prepare_run(str(source), RunConfig(run_dir=str(tmp_path / "run"), drop=drop))
    run = json.loads((run_dir / "run.json").read_text())
    task = Task(**run["task"])
    assert task.drop == ["bill"]
    for name in ("train.csv", "test.csv"):
        assert cells(Path(task.root) / name) == without(cells(source / name), "bill")
    profile = (run_dir / "profile.json").read_text()
    assert '"x"' in profile
    assert "bill" not in profile
    inputs = TableInputs(run_dir, task, SplitPlan.load(run_dir / "splits.npz"))
    for split in ("search", "final"):
        laid = inputs.input_dir(split, 0)
        assert (laid / "notes" / "about.txt").read_text() == "prices in pounds"
        for name in ("train.csv", "test.csv"):
            assert "bill" not in cells(laid / name)[0]
            assert "code" in cells(laid / name)[0]
    assert {p: p.read_bytes() for p in source.rglob("*") if p.is_file()} == before
    again = prepare_run(task.root, RunConfig(run_dir=str(run_dir), drop=drop))
    assert again == run_dir  # as a resumed run asks


@pytest.mark.parametrize("suffix", [".csv", ".tsv.gz", ".parquet"])
def test_every_kind_of_table(tmp_path: Path, suffix: str) -> None:
    source = folder(tmp_path / "task", suffix)
    task = load_task(source, drop=["bill", "code"], workspace=tmp_path / "work")
    read = pd.read_parquet if suffix == ".parquet" else pd.read_csv
    how = {} if suffix == ".parquet" else {"sep": "\t" if "tsv" in suffix else ",", "dtype": str}
    ours, theirs = (read(root / f"train{suffix}", **how) for root in (Path(task.root), source))
    pd.testing.assert_frame_equal(ours, theirs.drop(columns=["bill", "code"]))


def test_of_one_table_a_column_is_left_out_before_the_id_is_chosen(tmp_path: Path) -> None:
    rows = pd.DataFrame(
        {"house_id": range(500, 580), "x": [i % 7 / 3 for i in range(80)], "bill": range(80)}
    ).assign(price=range(80))
    rows.to_csv(tmp_path / "houses.csv", index=False)
    given = {"target": "price", "metric": "mae", "workspace": tmp_path / "work"}
    assert load_task(tmp_path / "houses.csv", **given).id == "house_id"
    task = load_task(tmp_path / "houses.csv", **given, drop=["bill", "house_id"])
    assert (task.id, task.drop) == ("row_id", ["bill", "house_id"])
    assert list(pd.read_csv(Path(task.root) / "train.csv")) == ["row_id", "x", "price"]


@pytest.mark.parametrize(
    ("drop", "said"),
    [
        ("bil", "no column 'bil' to leave out; nearest: bill"),
        ("price", "'price' is the target of the task and cannot be left out"),
        ("id", "'id' is the id of the task and cannot be left out"),
        ("code,x,bill", "no column is left to predict from"),
    ],
)
def test_what_cannot_be_left_out_is_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], drop: str, said: str
) -> None:
    source = folder(tmp_path / "task")
    assert main(["run", str(source), "--drop", drop, "--run-dir", str(tmp_path / "run")]) == 2
    error = capsys.readouterr().err
    assert said in error
    assert len(error.splitlines()) == 1
    assert not (tmp_path / "run").exists()


def test_the_option_is_given_again_or_with_commas() -> None:
    from gome.cli.main import parser_of
    from gome.cli.options import config_of

    arguments = parser_of("run").parse_args(["run", "t", "--drop", "a,b", "--drop", "c d"])
    assert config_of(arguments).drop == ("a", "b", "c d")


def test_roles_of_one_table_are_refused_too(tmp_path: Path) -> None:
    pd.DataFrame({"x": range(80), "g": list(range(8)) * 10, "price": range(80)}).to_csv(
        tmp_path / "t.csv", index=False
    )
    for name, role in (("price", "target"), ("g", "group")):
        with pytest.raises(GomeError, match=f"'{name}' is the {role}"):
            load_task(
                tmp_path / "t.csv", target="price", metric="mae", group="g", drop=[name], workspace=tmp_path
            )
