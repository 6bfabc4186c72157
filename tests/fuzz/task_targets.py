"""Readers of what lies in a task folder: task.yaml, tables, all other files, and folders that conventions are for."""

import io
import json
import os
import tarfile
import tempfile
import zipfile
from pathlib import Path

import pandas as pd
import py7zr
import yaml
from hypothesis import strategies as st

from gome.state.errors import GomeError
from gome.tools.data.columns import column_kind
from gome.tools.data.input_tree import input_tree
from gome.tools.data.inventory import take_inventory
from gome.tools.data.tables import read_table
from gome.tools.data.task_folder import load_task
from tests.fuzz.target import Target, holdable, pieces

_TRAIN = "id,x,y\n" + "".join(f"{i},{i % 7},{i % 2}\n" for i in range(60))
_TEST = "id,x\n" + "".join(f"{i},{i % 7}\n" for i in range(60, 90))
_SAMPLE = "id,y\n" + "".join(f"{i},0\n" for i in range(60, 90))
KEYS = [
    "name", "metric", "target", "id", "train", "test", "sample", "problem", "direction", "prediction",
    "classes", "group", "time", "time_limit_s", "program_time_limit_s", "description", "root", "keep", "?",
]  # fmt: skip
PLAIN = [
    "y", "x", "id", "auc", "rmse", "train.csv", "test.csv", "../x", "/etc/passwd", "a:b", "binary", "9" * 400,
    "\0",
]  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.dates()
    | st.sampled_from(PLAIN)
    | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=2),
    max_leaves=6,
)
GOOD_TASK = {"metric": "auc", "target": "y", "id": "id"}
YAML = [
    "metric: ", "auc", "target: ", "y", "\n", "- ", "{", "[", "&a ", "*a", "!!python/object:x ", "|", ">",
    "'", '"', ": ", "? ", "<<: ", "2001-01-01", "2001-99-99", "1e400", "\t", "%YAML 9\n", "---\n",
]  # fmt: skip
TASK_YAML = st.dictionaries(st.sampled_from(KEYS), VALUES, max_size=3).map(
    lambda odd: yaml.safe_dump({**GOOD_TASK, **odd}, allow_unicode=True)
) | pieces(YAML).map(lambda text: text[:4000])


def task_yaml(text: str) -> int:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name) / "task"
        folder.mkdir()
        for file, content in (("train", _TRAIN), ("test", _TEST), ("sample_submission", _SAMPLE)):
            (folder / f"{file}.csv").write_text(content)
        (folder / "task.yaml").write_bytes(text.encode("utf-8", "replace"))
        try:
            task = load_task(folder, workspace=Path(name) / "laid-out")
        except GomeError:
            return len(text) * 20
        holdable(task.model_dump())
    return len(text) * 20


CELLS = [
    "id", "y", "x", ",", "\n", "\r\n", "\r", '"', '""', "1", "0.5", "2024-01-02", "2024-13-45", "9" * 400,
    "1e400", "inf", "NaN", "\0", "\ufeff", "\ud800", "ÿ", ";", "\t", " ", "True", "a", "\x1a", "9999-99-99",
    "00:00", "x.png",
]  # fmt: skip
TABLES = st.tuples(
    st.sampled_from([".csv", ".csv.gz", ".csv.zip", ".tsv", ".parquet"]),
    pieces(CELLS).map(lambda text: text.encode("utf-8", "replace")) | st.binary(max_size=300),
)


def tables(given: tuple[str, bytes]) -> int:
    suffix, data = given
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / f"t{suffix}"
        path.write_bytes(data)
        try:
            frame = read_table(path)
        except GomeError:
            return len(data) * 10
        for column in frame.columns[:50]:
            column_kind(frame[column])
        assert isinstance(frame, pd.DataFrame)
    return len(data) * 10


def _zip(name: str, content: bytes) -> bytes:
    with io.BytesIO() as file:
        with zipfile.ZipFile(file, "w") as archive:
            archive.writestr(name, content)
        return file.getvalue()


def _tar(name: str, content: bytes) -> bytes:
    with io.BytesIO() as file:
        with tarfile.open(fileobj=file, mode="w:gz") as tar:
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        return file.getvalue()


def _seven_zip(name: str, content: bytes, at: int, byte: int) -> bytes:
    """An archive of which one byte may be another than was written."""
    with io.BytesIO() as file:
        with py7zr.SevenZipFile(file, "w", filters=[{"id": py7zr.FILTER_COPY}]) as archive:
            archive.writestr(content, name)
        packed = bytearray(file.getvalue())
    packed[at % len(packed)] ^= byte
    return bytes(packed)


INSIDE = pieces([*CELLS, _TRAIN, "[", "{", "}", "]", ":", '"id"', '"y"', "\0"]).map(
    lambda t: t.encode("utf-8", "replace")
)
ODD_NAMES = [
    b"more.csv", b"more.json", b"a.zip", b"a.7z", b"a.tar.gz", b"a.csv.gz", b"a.parquet", b"notes.txt", b"train/1.png",
    b"x\ny.txt", b"\xff.txt", b"test/70.txt", b"a.npy", b"images/1/a.dcm", b"-rf", b"{{ name }}.md", b"```.txt",
]  # fmt: skip
MEMBERS = ["train.csv", "../x", "/etc/x", "a\nb", "x" * 300, "a/b/", "é"]
FILES = st.dictionaries(
    st.sampled_from(ODD_NAMES),
    INSIDE
    | st.binary(max_size=300)
    | st.builds(_zip, st.sampled_from(MEMBERS), INSIDE)
    | st.builds(_tar, st.sampled_from(MEMBERS), INSIDE)
    | st.builds(
        _seven_zip,
        st.sampled_from(["train.csv", "a/b.txt", "é"]),
        INSIDE,
        st.integers(0, 400),
        st.integers(0, 255),
    ),
    min_size=1,
    max_size=3,
)


def other_files(given: dict[bytes, bytes]) -> int:
    """Each is laid out, cut or left out, and what is said of it can be held."""
    with tempfile.TemporaryDirectory() as name:
        folder = _written(Path(name) / "task", given)
        for file, content in (("train", _TRAIN), ("test", _TEST), ("sample_submission", _SAMPLE)):
            (folder / f"{file}.csv").write_text(content)
        (folder / "task.yaml").write_text(yaml.safe_dump(GOOD_TASK))
        try:
            task = load_task(folder, workspace=Path(name) / "laid-out")
            found = take_inventory(task)
        except GomeError:
            return 20 * sum(map(len, given.values()))
        holdable([found.notes, found.names, input_tree(task, found)])
    return 20 * sum(map(len, given.values()))


def _written(folder: Path, files: dict[bytes, bytes]) -> Path:
    for file, content in files.items():
        path = Path(os.fsdecode(os.path.join(os.fsencode(folder), file)))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return folder


RECORDS = st.lists(
    st.fixed_dictionaries(
        {"id": st.integers(0, 40) | VALUES, "y": st.integers(0, 1) | VALUES}, optional={"x": VALUES}
    ),
    max_size=40,
)
JSONS = st.one_of(
    RECORDS,
    st.fixed_dictionaries({"images": RECORDS, "annotations": RECORDS}, optional={"categories": RECORDS}),
    st.dictionaries(st.sampled_from(["id", "y", "0", "data"]), RECORDS | VALUES, max_size=3),
).map(lambda value: json.dumps(value, default=str).encode())
LAYOUTS = st.dictionaries(
    st.sampled_from(
        [b"train.json", b"test.json", b"train.jsonl", b"labels.csv", b"data.zip", b"sample_submission.csv"]
    ),
    JSONS | INSIDE | JSONS.map(lambda content: _zip("train.json", content)) | st.just(_TRAIN.encode()),
    min_size=1,
    max_size=3,
)


def layouts(given: dict[bytes, bytes]) -> int:
    """A folder whose tables a convention has to find."""
    with tempfile.TemporaryDirectory() as name:
        folder = _written(Path(name) / "task", {b"sample_submission.csv": _SAMPLE.encode(), **given})
        try:
            task = load_task(folder, workspace=Path(name) / "laid-out", metric="auc")
        except GomeError:
            return 20 * sum(map(len, given.values()))
        holdable(task.model_dump())
    return 20 * sum(map(len, given.values()))


TASK_TARGETS = (
    Target("task.yaml", TASK_YAML, task_yaml),
    Target("tables", TABLES, tables),
    Target("other files", FILES, other_files, examples=20),
    Target("layouts", LAYOUTS, layouts, examples=20),
)
