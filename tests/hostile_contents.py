"""Submissions that try to eat the memory of who reads them, to hold it up, or to run code in it. A script of two steps.

`make FOLDER` writes them; `check FOLDER TASK` reads them as the harness does, and prints a line of JSON on each: whether
it was taken, how many characters were said of it, and by how many MB this process grew.
"""

import gzip
import io
import json
import os
import pickle
import resource
import sys
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow
import pyarrow.parquet as parquet

from gome.tools.data.tables import read_table
from gome.tools.data.task_folder import load_task
from gome.tools.evaluation.submission import check_submission

SPRUNG = "sprung"


class Trap:
    """Makes a folder where it is unpickled."""

    def __reduce__(self) -> Any:
        return os.mkdir, (SPRUNG,)


def _zip() -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("submission.csv", bytes(60_000_000))
    return file.getvalue()


def _npz() -> bytes:
    file = io.BytesIO()
    np.savez_compressed(file, a=np.zeros(8_000_000), b=np.array([Trap()], dtype=object))
    return file.getvalue()


def _parquet() -> bytes:
    file = io.BytesIO()
    parquet.write_table(pyarrow.table({"id": np.zeros(30_000_000, np.int8)}), file)
    return file.getvalue()


HEADER = b"id,progression\n"
MAKE = {
    "gzip bomb": lambda: gzip.compress(bytes(60_000_000)),
    "zip bomb": _zip,
    "npz bomb": _npz,
    "Parquet bomb": _parquet,
    "pickle": lambda: pickle.dumps(Trap()),
    "millions of rows": lambda: HEADER + b"1,2\n" * 3_900_000,
    "millions of fields": lambda: HEADER + b"1," * 7_900_000,
    "millions of fields later": lambda: HEADER + b"1,2\n" + b"1," * 7_900_000,
    "a field without an end": lambda: HEADER + b'"' + b"x\n" * 7_900_000,
    "an id of megabytes": lambda: HEADER + b"9" * 15_000_000 + b",1\n",
    "a column name of megabytes": lambda: b"x" * 9_000_000 + b",progression\n1,2\n",
    "zeros": lambda: bytes(15_900_000),
}


def make(folder: Path) -> None:
    """Write one file for each."""
    for name, content in MAKE.items():
        (folder / name).write_bytes(content())


def check(folder: Path, task_folder: Path) -> None:
    """Read each."""
    task = load_task(task_folder)
    sample = read_table(Path(task.root) / task.sample)
    os.chdir(folder)
    for name in MAKE:
        before = _peak_mb()
        frame, problems = check_submission(folder / name, sample, task)
        said = sum(map(len, problems))
        print(json.dumps([name, frame is not None, said, _peak_mb() - before]))


def _peak_mb() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    {"make": make, "check": check}[sys.argv[1]](*map(Path, sys.argv[2:]))
