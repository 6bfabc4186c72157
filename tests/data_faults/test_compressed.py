"""Tables under every suffix that is accepted: read, cut, laid out under their own names, and read by programs."""

import ast
import bz2
import gzip
import lzma
import zipfile
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.graph.registry import ServiceRegistry
from gome.graph.run_layout import prepare_run
from gome.offline.compose import render
from gome.offline.recipe import Recipe
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.data.table_names import SUFFIXES
from gome.tools.data.tables import read_table
from gome.tools.data.task_folder import load_task
from gome.tools.evaluator import Evaluator
from tests.unit.offline_cases import CASES

TEXT = [suffix for suffix in SUFFIXES if suffix not in (".parquet", ".pq")]

PROGRAM = """\
import bz2, csv, gzip, io, lzma, os, zipfile


def rows(name):
    path = f"input/{name}SUFFIX"
    assert sorted(os.listdir("input")) == sorted(n + "SUFFIX" for n in ("train", "test", "sample_submission"))
    packed = open(path, "rb").read()
    unpack = {".gz": gzip.decompress, ".bz2": bz2.decompress, ".xz": lzma.decompress, ".zip": unzip}
    plain = unpack.get("." + path.rpartition(".")[2], bytes)(packed).decode()
    return list(csv.DictReader(io.StringIO(plain), delimiter="\\t" if ".tsv" in path else ","))


def unzip(packed):
    (name,) = zipfile.ZipFile(io.BytesIO(packed)).namelist()
    return zipfile.ZipFile(io.BytesIO(packed)).read(name)


slope = sum(float(r["y"]) for r in rows("train")) / sum(float(r["x"]) for r in rows("train"))
assert [r["id"] for r in rows("sample_submission")] == [r["id"] for r in rows("test")]
with open("submission.csv", "w") as out:
    out.write("id,y\\n")
    out.writelines(f"{r['id']},{slope * float(r['x'])}\\n" for r in rows("test"))
"""
"""Says y = slope x, of the standard library alone: nothing unpacks a table for it."""


def write(table: pd.DataFrame, path: Path) -> Path:
    """The table packed by the standard library or pyarrow, not by the product."""
    if path.suffix in (".parquet", ".pq"):
        table.to_parquet(path, index=False)
        return path
    text = table.to_csv(index=False, sep="\t" if ".tsv" in path.name else ",").encode()
    if path.suffix == ".zip":
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(path.stem, text)
    elif path.suffix in (".gz", ".bz2", ".xz"):
        pack = {".gz": gzip.compress, ".bz2": bz2.compress, ".xz": lzma.compress}[path.suffix]
        path.write_bytes(pack(text))
    else:
        path.write_bytes(text)
    return path


def write_task(folder: Path, suffix: str) -> Path:
    """y = 3 x exactly, and no task.yaml: files, id and target are found by their names."""
    folder.mkdir()
    x = np.random.default_rng(0).uniform(1, 9, 120).round(3)
    table = pd.DataFrame({"id": [f"r{i}" for i in range(120)], "x": x, "y": 3 * x})
    write(table[:90], folder / f"train{suffix}")
    write(table[90:].drop(columns="y"), folder / f"test{suffix}")
    write(table[90:][["id"]].assign(y=0.5), folder / f"sample_submission{suffix}")
    return folder


def evaluator_of(task: Path, out: Path) -> Evaluator:
    run_dir = prepare_run(str(task), RunConfig(run_dir=str(out), metric="rmse"))
    return ServiceRegistry().services(run_dir, None, lambda event: None).evaluator


def assert_all_is_well(evaluator: Evaluator, program: str) -> None:
    for split in ("smoke", "selection", "final"):
        evaluation = evaluator.evaluate(program, split)
        assert evaluation["status"] == "ok", evaluation["problems"]
        if evaluation["score"]:
            assert evaluation["score"]["value"] == pytest.approx(0, abs=1e-9)


@pytest.mark.parametrize("suffix", TEXT)
def test_a_program_is_graded_on_packed_tables(tmp_path: Path, suffix: str) -> None:
    task = write_task(tmp_path / "task", suffix)
    assert_all_is_well(evaluator_of(task, tmp_path / "out"), PROGRAM.replace("SUFFIX", suffix))


@pytest.mark.parametrize("suffix", [".parquet", ".pq"])
def test_a_program_is_graded_on_parquet(tmp_path: Path, suffix: str) -> None:
    program = "import pandas as pd\n" + PROGRAM[PROGRAM.index("slope") :]
    reading = f'pd.read_parquet("input/" + NAME + "{suffix}").to_dict("records")'
    for name in ("train", "test", "sample_submission"):
        program = program.replace(f'rows("{name}")', reading.replace("NAME", repr(name)))
    assert_all_is_well(evaluator_of(write_task(tmp_path / "task", suffix), tmp_path / "out"), program)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_one_table_becomes_a_task(tmp_path: Path, suffix: str) -> None:
    table = pd.DataFrame({"x": range(100), "y": np.arange(100) * 0.5})
    path = write(table, tmp_path / f"my.data{suffix}")
    task = load_task(path, target="y", metric="rmse", workspace=tmp_path / "work")
    assert Path(task.root).name == "my.data"
    assert sum(len(read_table(Path(task.root) / part)) for part in (task.train, task.test)) == 100


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_offline_programs_read_it(tmp_path: Path, suffix: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Their own function that reads, run as it stands: the tables of the task, and a further table that is joined."""
    name = f"train{suffix}"
    (tmp_path / "input").mkdir()
    write(pd.DataFrame({"id": ["01", "2"], "x": [1.5, 2.5], "y": [1, 2]}), tmp_path / "input" / name)
    facts = CASES["skewed target"]
    program = render(Recipe(joins=((name, ("x=x",)),)), {**facts, "task": {**facts["task"], "train": name}})
    monkeypatch.chdir(tmp_path)
    names = {"pd": pd, "Path": Path, "TEXT": ["id"]}
    exec(next(ast.unparse(n) for n in ast.parse(program).body if getattr(n, "name", "") == "read"), names)
    for read in (names["read"](name), names["read"](name, ["id"])):
        assert (read["id"].tolist(), read["x"].tolist()) == (["01", "2"], [1.5, 2.5])


@pytest.mark.parametrize("suffix", [s for s in TEXT if s.count(".") > 1])
def test_a_damaged_archive_is_told_in_one_line(tmp_path: Path, suffix: str) -> None:
    path = write(pd.DataFrame({"x": range(500)}), tmp_path / f"train{suffix}")
    whole = path.read_bytes()
    for broken in (whole[: len(whole) // 2], b"a,b\n1,2\n", whole[:20] + bytes(20) + whole[40:]):
        path.write_bytes(broken)
        with pytest.raises(GomeError) as error:
            read_table(path)
        assert str(error.value).startswith(f"{path}: ")
        assert "\n" not in str(error.value)


def test_what_is_not_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "train.csv.zst").write_bytes(b"x")
    with pytest.raises(GomeError, match=r"not a table; known are \.csv, \.csv\.gz"):
        read_table(tmp_path / "train.csv.zst")
