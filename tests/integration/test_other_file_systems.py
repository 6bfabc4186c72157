"""A task on another file system: folders that hide nothing are shown where they are, and nothing of them is copied."""

import json
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.graph.run_layout import open_inputs, prepare_run
from gome.state.config import RunConfig
from gome.state.task import Task
from gome.tools.data.new_rows.inputs import NewRowInputs
from gome.tools.data.new_rows.rows import NewRows
from gome.tools.data.splits import SplitPlan
from gome.tools.data.table_inputs import TableInputs
from gome.tools.execution.job import Job
from gome.tools.records.run_file import read_run
from tests.adapter_tasks import png
from tests.levels import EXECUTORS, LACKS, PYTHON

MEMORY, OWN_ROOT = Path("/dev/shm"), ("bubblewrap", "userns")
PROGRAM = """
import csv, os
for part in ("train", "test"):
    for row in csv.DictReader(open(f"input/{part}.csv")):
        assert open(f"input/{part}/{row['id']}.png", "rb").read(4) == b"\\x89PNG", row
assert open("input/extra/notes.txt").read() == "for all"
if WALLS:
    assert not os.path.exists("SOURCE/train.csv"), "the table with all labels"
    assert not os.path.exists("SOURCE/masks"), "what only train has"
    try:
        open(os.path.realpath("input/extra/notes.txt"), "w")
    except OSError:
        print("read-only")
"""


@pytest.fixture
def task(tmp_path: Path) -> Iterator[Path]:
    if not MEMORY.is_dir() or MEMORY.stat().st_dev == tmp_path.stat().st_dev:
        pytest.skip("no other file system at hand")
    with tempfile.TemporaryDirectory(dir=MEMORY) as folder:
        yield written(Path(folder) / "task")


def written(task: Path) -> Path:
    """Pictures of rows in train/ and test/, masks of train rows alone, and a folder for all."""
    rng = np.random.default_rng(0)
    for part, count in (("train", 60), ("test", 8)):
        ids = [f"{part}{i}" for i in range(count)]
        for folder in (part, "masks") if part == "train" else (part,):
            (task / folder).mkdir(parents=True)
            for i, name in enumerate(ids):
                (task / folder / f"{name}.png").write_bytes(png(np.full((4, 4), 3 * i)))
        table = pd.DataFrame({"id": ids, "y": rng.integers(0, 2, count)})
        table.drop(columns=[] if part == "train" else ["y"]).to_csv(task / f"{part}.csv", index=False)
    table.assign(y=0.5).to_csv(task / "sample_submission.csv", index=False)
    (task / "extra").mkdir()
    (task / "extra" / "notes.txt").write_text("for all")
    return task


def inputs_of(task: Path, run: Path, **said: str) -> TableInputs:
    run_dir = prepare_run(str(task), RunConfig(run_dir=str(run), metric="auc", **said))  # type: ignore[arg-type]
    kept = read_run(run_dir)
    plan = SplitPlan.load(run_dir / "splits.npz")
    inputs = open_inputs(run_dir, Task(**kept["task"]), plan, RunConfig(**kept["config"]))
    assert isinstance(inputs, TableInputs)
    return inputs


def test_folders_that_hide_nothing_are_seen_where_they_are(task: Path, tmp_path: Path) -> None:
    inputs = inputs_of(task, tmp_path / "run")
    assert inputs.shown == (task / "extra", task / "test", task / "train")
    folder = inputs.input_dir("search", 0)
    graded = pd.read_csv(folder / "test.csv")["id"]
    assert all(
        (folder / "test" / f"{name}.png").readlink() == task / "train" / f"{name}.png" for name in graded
    )
    assert not any((folder / "masks" / f"{name}.png").exists() for name in graded)
    copies = [p.name for p in (tmp_path / "run" / "inputs" / ".copies").rglob("*.png")]
    assert len(copies) == 60, "the masks alone"
    for level, executor in EXECUTORS.items():
        if LACKS[level]:
            continue
        program = tmp_path / f"{level}.py"
        program.write_text(PROGRAM.replace("SOURCE", str(task)).replace("WALLS", str(level in OWN_ROOT)))
        job = Job(program, folder, tmp_path / "work", 0, 20.0, 400, 5.0, shown=inputs.shown)
        outcome = executor(PYTHON).run(job, stop=lambda: False)
        assert outcome.reason == "ok", f"{level}: {outcome.log}"
        assert level not in OWN_ROOT or "read-only" in outcome.log
    rows = NewRows(pd.read_csv(task / "test.csv"), None, None, [])
    final = inputs.input_dir("final", 0)
    asked = NewRowInputs(tmp_path / "new", inputs.task, inputs.plan, final, rows, shown=inputs.shown)
    for name in rows.table["id"]:
        assert (
            asked.input_dir("final", 0) / "test" / f"{name}.png"
        ).readlink() == task / "test" / f"{name}.png"
    previews = read_previews(tmp_path / "run")
    assert {"extra/notes.txt", "train/*.png", "test/*.png"} <= {p["files"] for p in previews}
    assert not any("problem" in p for p in previews)


def test_a_path_that_says_more_than_the_id_is_copied(task: Path, tmp_path: Path) -> None:
    """A link to train/cat/12.png would tell what it stands for."""
    rows = pd.read_csv(task / "train.csv")
    for name, y in zip(rows["id"], rows["y"], strict=True):
        place = task / "train" / f"kind{y}" / f"{name}.png"
        place.parent.mkdir(exist_ok=True)
        (task / "train" / f"{name}.png").rename(place)
    inputs = inputs_of(task, tmp_path / "run")
    assert task / "train" not in inputs.shown
    folder = inputs.input_dir("search", 0)
    assert not any(path.is_symlink() for path in (folder / "test").rglob("*.png"))


def test_programs_elsewhere_get_copies(task: Path, tmp_path: Path) -> None:
    assert inputs_of(task, tmp_path / "run", scheduler="ray").shown == ()


def read_previews(run: Path) -> list[dict[str, object]]:
    found: list[dict[str, object]] = json.loads((run / "profile.json").read_text())["previews"]
    return found
