"""Copies of the labels that somebody left in the task folder: in no fold, in whatever form, and it is said."""

import bz2
import contextlib
import gzip
import io
import json
import lzma
import pickle
import sqlite3
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.tools.data.label_search import LabelSearch
from tests.task_files import (
    contents,
    folds,
    labels_in_sight,
    make_task,
    open_inputs,
    seven_zipped,
    tarred,
    zipped,
)


def _csv(train: pd.DataFrame) -> bytes:
    return train.to_csv(index=False).encode()


def _shuffled(train: pd.DataFrame) -> pd.DataFrame:
    return train.sample(frac=1, random_state=1)


def _npy(train: pd.DataFrame) -> bytes:
    file = io.BytesIO()
    np.save(file, train["y"].to_numpy())
    return file.getvalue()


def _sqlite(train: pd.DataFrame) -> bytes:
    with contextlib.closing(sqlite3.connect(":memory:")) as base:
        train.to_sql("train", base, index=False)
        return base.serialize()


FORMS: dict[str, Callable[[pd.DataFrame], bytes]] = {
    "backup/train.csv.bak": _csv,
    "train.json": lambda t: t.to_json().encode(),
    "shuffled.json": lambda t: _shuffled(t).to_json().encode(),
    "records.json": lambda t: _shuffled(t).to_json(orient="records").encode(),
    "rows.jsonl": lambda t: _shuffled(t).to_json(orient="records", lines=True).encode(),
    "by_id.json": lambda t: json.dumps(dict(zip(t["id"], t["y"].tolist(), strict=True))).encode(),
    "labels.txt": lambda t: "\n".join(map(str, t["y"])).encode(),
    "note.md": lambda t: "\n".join(f"| {i} | {y} |" for i, y in zip(t["id"], t["y"], strict=True)).encode(),
    "old.sql": lambda t: "\n".join(f"INSERT t VALUES ({i},{y});" for i, y in zip(t["id"], t["y"], strict=True)).encode(),
    "wide.dat": lambda t: _csv(t).replace(b",", b"\t"),
    "utf16.txt": lambda t: t.to_csv(index=False).encode("utf-16"),
    "train.bak.gz": lambda t: gzip.compress(_csv(t)),
    "train.bak.bz2": lambda t: bz2.compress(_csv(t)),
    "train.pkl": pickle.dumps,
    "y.npy": _npy,
    "copy.csv": lambda t: _csv(t.rename(columns={"y": "outcome"})),
    "other_key.csv": lambda t: _csv(t.rename(columns={"id": "uid", "y": "outcome"})[["uid", "outcome"]]),
    "in_order.csv": lambda t: _csv(t[["y"]].rename(columns={"y": "outcome"})),
    "unkeyed.csv": lambda t: _csv(t[["y"]]),
    "broken.parquet": lambda t: b"PAR1" + _csv(t),
    "train.bak.xz": lambda t: lzma.compress(_csv(t)),
    "old.7z": lambda t: b"7z\xbc\xaf\x27\x1c\0\4" + lzma.compress(_csv(t), lzma.FORMAT_ALONE),
    "train.db": _sqlite,
    "copy.parquet": lambda t: t.rename(columns={"y": "outcome"}).to_parquet(),
}  # fmt: skip


@pytest.mark.parametrize("name", FORMS)
def test_no_copy_of_the_labels_is_in_a_fold(tmp_path: Path, name: str) -> None:
    train = make_task(tmp_path / "task")
    path = tmp_path / "task" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(FORMS[name](train))
    inputs = open_inputs(tmp_path / "task")
    assert any(name in note for note in inputs.notes)
    for folder, graded in folds(inputs):
        assert not labels_in_sight(folder, [str(y) for y in train["y"].iloc[graded]])
        if name.endswith((".pkl", ".npy", ".gz", ".bz2", ".xz", ".7z", ".db")):
            assert not (folder / name).exists()


@pytest.mark.parametrize(
    ("pack", "name"), [(zipped, "old.zip"), (tarred, "old.tar.gz"), (seven_zipped, "old.7z")]
)
def test_archives_are_looked_into_and_keep_the_rest(
    tmp_path: Path, pack: Callable[..., None], name: str
) -> None:
    train = make_task(tmp_path / "task")
    pack(
        tmp_path / "task" / name,
        {"a/train.bak": _csv(train), "a/train.csv": _csv(train), "a/words.txt": b"hello"},
    )
    inputs = open_inputs(tmp_path / "task")
    for folder, graded in folds(inputs):
        assert not labels_in_sight(folder, [str(y) for y in train["y"].iloc[graded]])
        found = contents(folder)
        assert found[f"{name}/a/words.txt"] == b"hello"
        kept = pd.read_csv(io.BytesIO(found[f"{name}/a/train.csv"]))
        assert set(kept["y"]) == set(train["y"].drop(graded))
    assert any(f"{name}/a/train.bak" in note for note in inputs.notes)


def test_classes_are_found_too(tmp_path: Path) -> None:
    train = make_task(tmp_path / "task")
    train["y"] = np.random.default_rng(1).choice(["mild", "severe"], len(train))
    train.to_csv(tmp_path / "task" / "train.csv", index=False)
    (tmp_path / "task" / "task.yaml").write_text("metric: accuracy\ntarget: y\nid: id\n")
    _shuffled(train).to_csv(tmp_path / "task" / "train.bak", index=False)
    (tmp_path / "task" / "y.lst").write_text("\n".join(train["y"]))
    for folder, _ in folds(open_inputs(tmp_path / "task")):
        assert {p.name for p in folder.iterdir()} == {"train.csv", "test.csv", "sample_submission.csv"}


def test_labels_of_few_rows_and_lists_of_a_class_are_found(tmp_path: Path) -> None:
    """All the labels of 20 rows in two classes are somewhere by chance once in some thousands of times."""
    train = make_task(tmp_path / "task").iloc[:20]
    train["y"] = np.random.default_rng(1).permutation(np.arange(20) % 2)
    task = tmp_path / "task"
    train.to_csv(task / "train.csv", index=False)
    (task / "task.yaml").write_text("metric: accuracy\ntarget: y\nid: id\n")
    _shuffled(train).to_csv(task / "train.bak", index=False)
    _shuffled(train.rename(columns={"y": "outcome"})).to_json(task / "rows.json", orient="records")
    (task / "sick.txt").write_text("\n".join(train["id"][train["y"] == 1]))
    (task / "visited.txt").write_text("\n".join(train["id"][::2]))
    (task / "other.csv").write_text(_csv(train.assign(y=np.arange(20) // 10)).decode().replace("y", "left"))
    inputs = open_inputs(task)
    left = {p.name for p in inputs.input_dir("search", 0).iterdir()}
    assert left == {"train.csv", "test.csv", "sample_submission.csv", "visited.txt", "other.csv"}


def test_what_holds_no_labels_stays_and_keep_brings_the_rest_back(tmp_path: Path) -> None:
    train = make_task(tmp_path / "task")
    task = tmp_path / "task"
    train.drop(columns="y").to_json(task / "features.json")
    (task / "towns.csv").write_text("town,size\n" + "".join(f"t{i},{i * 7}\n" for i in range(30)))
    (task / "words.txt").write_text("these are words\n" * 100)
    (task / "a.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(50))
    (task / "weights.bin").write_bytes(bytes(range(256)))
    names = {"features.json", "towns.csv", "words.txt", "a.png"}
    inputs = open_inputs(task)
    own = {"train.csv", "test.csv", "sample_submission.csv"}
    assert {p.name for p in inputs.input_dir("search", 0).iterdir()} == own | names
    assert any("weights.bin" in note and "keep" in note for note in inputs.notes)
    with (task / "task.yaml").open("a") as file:
        file.write("keep: ['*.bin']\n")
    (tmp_path / "other").mkdir()
    again = open_inputs(task)
    again.run_dir = tmp_path / "again"
    assert {p.name for p in again.input_dir("search", 0).iterdir()} == own | names | {"weights.bin"}


def test_a_file_that_comes_later_is_in_no_fold(tmp_path: Path) -> None:
    train = make_task(tmp_path / "task")
    inputs = open_inputs(tmp_path / "task")
    inputs.input_dir("smoke", 0)
    train.to_csv(tmp_path / "task" / "late.csv", index=False)
    assert not (inputs.input_dir("search", 0) / "late.csv").exists()


@pytest.mark.parametrize("seed", range(10))
def test_counts_beside_ids_are_no_labels(seed: int) -> None:
    """Small numbers are everywhere, also as ids, and rare classes follow one another in any text of them."""
    rng = np.random.default_rng(seed)
    labels = pd.DataFrame({f"y{i}": (rng.random(60) < 0.08).astype(int) for i in range(10)})
    search = LabelSearch(pd.Series(range(60)), labels, doubt=0.01)
    counts = rng.choice([0, 1, 5, 6], (60, 20), p=[0.6, 0.25, 0.1, 0.05])
    assert not search.in_text("\n".join(f"{i}," + ",".join(map(str, c)) for i, c in enumerate(counts)))
    told = "\n".join(f"{c[0]} {y}" for c, y in zip(counts, labels["y3"], strict=True))
    assert search.in_text(told) == (labels["y3"].sum() > 1)  # one may be anywhere


def test_a_column_without_labels_hides_nothing() -> None:
    empty = pd.DataFrame({"y": [None] * 30})
    assert not LabelSearch(pd.Series(range(30)), empty).in_text(" ".join(map(str, range(30))))
