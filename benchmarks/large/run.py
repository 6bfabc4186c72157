"""What a run of very many files and of very large ones costs before its first program: seconds, memory, bytes read.

python -m benchmarks.large.run
python -m benchmarks.large.run --beside CHECKOUT     # the same of another checkout, before this one
"""

import argparse
import csv
import json
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.faults.watch import as_table
from tests.adapter_tasks import png

HERE = Path(__file__).resolve().parents[2]
GB = 1 << 30
STAGES = """
import json, resource, sys, time
from pathlib import Path
from gome.graph.run_layout import open_inputs, prepare_run
from gome.state.config import RunConfig
from gome.state.task import Task
from gome.tools.data.splits import SplitPlan
from gome.tools.records.run_file import read_run

began = time.perf_counter(), time.process_time()
run_dir = prepare_run(sys.argv[1], RunConfig(run_dir=sys.argv[2], metric="auc"))
laid_out = time.perf_counter(), time.process_time()
run = read_run(run_dir)
plan, config = SplitPlan.load(run_dir / "splits.npz"), RunConfig(**run["config"])
folder = open_inputs(run_dir, Task(**run["task"]), plan, config).input_dir("search", 0)
ended = time.perf_counter(), time.process_time()
figures = {
    f"{stage}, {unit}": round(after[i] - before[i], 1)
    for stage, before, after in (("laid out", began, laid_out), ("one fold", laid_out, ended))
    for i, unit in enumerate(("s", "CPU s"))
}
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
read = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())["rchar"]
print(json.dumps({**figures, "peak MB": peak, "read GB": round(int(read) / (1 << 30), 2)}))
"""


def write_pictures(folder: Path, files: int) -> None:
    """A table task with a small picture for each row, a fifth of them in test."""
    rng = random.Random(0)
    for part, count in (("train", files * 4 // 5), ("test", files // 5)):
        (folder / part).mkdir(parents=True)
        labelled = part == "train"
        with (folder / f"{part}.csv").open("w", newline="") as file:
            table = csv.writer(file)
            table.writerow(["id", "site", *(["label"] if labelled else [])])
            for i in range(count):
                name, grey = f"{part[:2]}{i:06d}", rng.randrange(200)
                (folder / part / f"{name}.png").write_bytes(png(np.full((8, 8), grey)))
                label = [int(grey + rng.gauss(0, 30) > 100)] if labelled else []
                table.writerow([name, rng.randrange(9), *label])
    sample = "".join(f"te{i:06d},0.5\n" for i in range(files // 5))
    (folder / "sample_submission.csv").write_text(f"id,label\n{sample}")


def write_large(folder: Path, sparse: int, table: int) -> None:
    """A binary file of `sparse` bytes, which takes none on the disk, and a further table of about `table` bytes."""
    with (folder / "scene.bin").open("wb") as file:
        file.truncate(sparse)
    rng = random.Random(1)
    rows = "".join(
        f"{rng.randrange(10**6)},{rng.random():.6f},{rng.random():.6f}\n" for _ in range(50_000)
    ).encode()
    with (folder / "readings.csv").open("wb") as file:
        file.write(b"sensor,x,y\n")
        for _ in range(table // len(rows)):
            file.write(rows)


def measured(task: Path, run: Path, checkout: Path) -> dict[str, Any]:
    """The figures of one checkout, in a process of its own."""
    done = subprocess.run(
        [sys.executable, "-c", STAGES, str(task), str(run)],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
    )
    shutil.rmtree(run, ignore_errors=True)
    if done.returncode:
        raise RuntimeError(done.stderr)
    return json.loads(done.stdout.splitlines()[-1])


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--files", type=int, default=100_000)
    parser.add_argument("--sparse-gb", type=float, default=20, help="of one binary file without content")
    parser.add_argument("--table-gb", type=float, default=1, help="of a further table")
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="another checkout of Gome")
    given = parser.parse_args()
    checkouts = {given.beside.name: given.beside.resolve()} if given.beside else {}
    rows = []
    with tempfile.TemporaryDirectory(prefix="gome-large-") as work:
        task = Path(work) / "task"
        write_pictures(task, given.files)
        for large in (False, True):
            if large:
                write_large(task, int(given.sparse_gb * GB), int(given.table_gb * GB))
            for name, checkout in {**checkouts, "now": HERE}.items():
                what = f"{given.files:,} files" + (
                    f", one of {given.sparse_gb:g} GB, a table of {given.table_gb:g} GB" if large else ""
                )
                rows.append({"task": what, "code": name, **measured(task, Path(work) / "run", checkout)})
                print(rows[-1], flush=True)
    print(as_table(rows))


if __name__ == "__main__":
    main()
