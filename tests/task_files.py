"""A small task whose labels can be known again anywhere, and what a program could find of them in a fold's input."""

import io
import tarfile
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import py7zr

from gome.tools.data.splits import plan_splits
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.tables import read_table
from gome.tools.data.task_folder import load_task

N, TEST = 120, 40


def make_task(folder: Path, *, shared_ids: bool = False, ids: list[str] | None = None) -> pd.DataFrame:
    """Write a task with N train rows; labels are numbers of nine digits, each its own. Returns the train table, of text.

    With `shared_ids` test numbers its rows from 0 as train does.
    """
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True, exist_ok=True)
    names = ids or [str(i) for i in range(N)]
    labels = rng.choice(10**9 - 10**8, N, replace=False) + 10**8
    train = pd.DataFrame({"id": names, "x": rng.normal(size=N).round(3), "y": labels})
    tests = [str(i) if shared_ids else f"{i + 5000}" for i in range(TEST)]
    test = pd.DataFrame({"id": tests, "x": rng.normal(size=TEST).round(3)})
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(y=0.5).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.yaml").write_text("metric: rmse\ntarget: y\nid: id\nproblem: regression\n")
    return train


def open_inputs(folder: Path) -> TableInputs:
    """The inputs of a run that lies beside the task."""
    task = load_task(folder)
    plan = plan_splits(read_table(folder / task.train), task, seed=0)
    return TableInputs(folder.with_name(f"{folder.name}-run"), task, plan)


def folds(inputs: TableInputs) -> Iterator[tuple[Path, np.ndarray]]:
    """Each fold's folder, and the positions of its graded rows in the train table."""
    for name in ("smoke", "search", "selection"):
        for split in inputs.plan.folds(name):
            yield inputs.input_dir(name, split.fold), split.test_rows


def contents(folder: Path) -> dict[str, bytes]:
    """All files below a folder by name, those in zip, 7z and tar archives as `archive/member`."""
    found = {}
    for path in (p for p in folder.rglob("*") if p.is_file()):
        name = path.relative_to(folder).as_posix()
        if path.suffix == ".zip":
            with zipfile.ZipFile(path) as archive:
                found |= {f"{name}/{m}": archive.read(m) for m in archive.namelist() if not m.endswith("/")}
        elif path.suffix == ".7z":
            with py7zr.SevenZipFile(path) as archive, tempfile.TemporaryDirectory() as scratch:
                archive.extractall(scratch)
                files = [p for p in Path(scratch).rglob("*") if p.is_file()]
                found |= {f"{name}/{p.relative_to(scratch).as_posix()}": p.read_bytes() for p in files}
        elif ".tar" in path.name:
            with tarfile.open(path) as tar:
                found |= {f"{name}/{m.name}": tar.extractfile(m).read() for m in tar if m.isfile()}  # type: ignore[union-attr]
        else:
            found[name] = path.read_bytes()
    return found


def labels_in_sight(folder: Path, labels: list[str]) -> set[str]:
    """Those of `labels` that stand anywhere in the files of a fold."""
    everything = b"\n".join(contents(folder).values())
    return {label for label in labels if label.encode() in everything}


def zipped(path: Path, files: dict[str, bytes]) -> None:
    """Write a zip archive."""
    with zipfile.ZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(name, content)


def seven_zipped(path: Path, files: dict[str, bytes]) -> None:
    """Write a 7z archive."""
    with py7zr.SevenZipFile(path, "w") as archive:
        for name, content in files.items():
            archive.writestr(content, name)


def tarred(path: Path, files: dict[str, bytes]) -> None:
    """Write a gzipped tar archive."""
    with tarfile.open(path, "w:gz") as archive:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            archive.addfile(info, io.BytesIO(content))
