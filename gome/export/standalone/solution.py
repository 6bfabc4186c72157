"""The programs of a solution, fitted and asked for predictions: what train.py and predict.py share.

A program, in programs/, reads `input/` in its working folder and writes `submission.csv` there. One that keeps a model
fits when GOME_STAGE is `fit`, leaving `model/`, and predicts by that when it is `predict`; another one is fitted anew for
each prediction. solution.json says which they are, what they weigh, and what the rows and the predictions look like.
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
MODEL = HERE / "model"
Spec = dict[str, Any]
"""What solution.json holds."""


def read_spec() -> Spec:
    """What is to be known of the solution beside its programs."""
    return dict(json.loads((HERE / "solution.json").read_text(encoding="utf-8")))


class Refused(Exception):
    """Something that the person who calls can mend, in one line."""


def fit(spec: Spec, data: Path) -> list[str]:
    """Fit the programs on the task's files in the folder `data`, and keep all that predicting needs in model/. Returns
    what is to be said of the data. Refused: a table is missing, a program fails."""
    notes = list(_differences(spec, data))
    draft = HERE / ".model"
    shutil.rmtree(draft, ignore_errors=True)
    draft.mkdir()
    for member in spec["members"]:
        if member["keeps_model"]:
            with _ran(spec, member, [(data, ())], stage="fit") as work:
                if not (work / "model").is_dir():
                    raise Refused(f"{member['file']} left no folder model/")
                shutil.move(work / "model", draft / member["name"])
    files = spec["files"]
    needless = {files["test"], *([files["train"]] if all(m["keeps_model"] for m in spec["members"]) else [])}
    _link_tree(data, draft / "data", needless - {files["sample"]})
    shutil.rmtree(MODEL, ignore_errors=True)
    draft.rename(MODEL)
    return notes


@contextmanager
def predicted(spec: Spec, member: Spec, tables: Path) -> Iterator[Path]:
    """The submission that one program writes for the test table and the sample in the folder `tables`. Refused."""
    if not MODEL.is_dir():
        raise Refused("nothing is fitted yet: python train.py DATA")
    files = spec["files"]
    kept = member["keeps_model"]
    hidden = {files["test"], files["sample"], *([files["train"]] if kept else [])}
    inputs = [(tables, ()), (MODEL / "data", tuple(hidden))]
    stage, model = ("predict", MODEL / member["name"]) if kept else ("", None)
    with _ran(spec, member, inputs, stage=stage, model=model) as work:
        if not (work / "submission.csv").is_file():
            raise Refused(f"{member['file']} wrote no submission.csv")
        yield work / "submission.csv"


@contextmanager
def _ran(
    spec: Spec,
    member: Spec,
    inputs: list[tuple[Path, tuple[str, ...]]],
    *,
    stage: str,
    model: Path | None = None,
) -> Iterator[Path]:
    """The working folder of a program that has run; `inputs` are folders, and the names that are left out of them."""
    with tempfile.TemporaryDirectory(prefix="solution-") as scratch:
        work = Path(scratch)
        for folder, without in inputs:
            _link_tree(folder, work / "input", set(without))
        shutil.copyfile(HERE / member["file"], work / "main.py")
        if model:
            shutil.copytree(model, work / "model")
        own = {"HOME": scratch, "TMPDIR": scratch, **({"GOME_STAGE": stage} if stage else {})}
        done = subprocess.run(
            [sys.executable, "main.py"],
            cwd=work,
            env={**os.environ, **spec["environment"], **own},
            capture_output=True,
            text=True,
            errors="replace",
        )
        if done.returncode:
            last = (done.stderr.strip().splitlines() or ["no message"])[-1][:300]
            raise Refused(f"{member['file']} ended with exit code {done.returncode}: {last}")
        yield work


def _link_tree(source: Path, target: Path, without: set[str]) -> None:
    """The files of `source` in `target`, as copies that cost no room where the disk can do that."""
    for path in sorted(p for p in source.rglob("*") if p.is_file()):
        name = path.relative_to(source)
        if name.as_posix() not in without:
            (target / name).parent.mkdir(parents=True, exist_ok=True)
            try:
                os.link(path.resolve(), target / name)
            except OSError:
                shutil.copyfile(path, target / name)


def _differences(spec: Spec, data: Path) -> Iterator[str]:
    """A line for each table that is not the one that the run had. Refused: one is missing."""
    for name, known in spec["fingerprints"].items():
        if not (data / name).is_file():
            raise Refused(
                f"{data / name}: no such file; DATA is the folder with {', '.join(spec['fingerprints'])}"
            )
        if hashlib.sha256((data / name).read_bytes()).hexdigest() != known:
            yield f"{name} is not the file that the run had: predictions will differ from its submission"
