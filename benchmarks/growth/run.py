"""Steps against milliseconds a step, memory and disk, with a model and programs that take no time.

python -m benchmarks.growth.run --steps 10000
"""

import argparse
import gc
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil

from benchmarks.faults.player import write_task
from benchmarks.faults.watch import as_table
from benchmarks.instant import InstantExecutor, InstantModel
from gome.graph.persistence import open_persistence
from gome.graph.run import build_graph
from gome.graph.workshop import ROLES, Workshop
from gome.report import write_report
from gome.state.config import RunConfig

MARKS = [100, 200, 500, 1000, 2000, 3000, 5000, 7000, 10_000]
MB = 1e6
PARTS = {
    "checkpoints": "checkpoints.sqlite*",
    "artifacts": "artifacts/*/*",
    "exchanges": "exchanges*",
    "results": "results/*",
    "history": "history.jsonl",
    "other logs": "[ace][dlv][vo]*.jsonl",
}


def rows(run_dir: Path, task: Path, steps: int, optimizer: str) -> Iterator[dict[str, Any]]:
    """A row at each mark: the mean over the steps since the last one, and what is used by then."""
    config = RunConfig(
        run_dir=str(run_dir), traces=2, steps=steps // 2, optimizer=optimizer, selection_seeds=1
    )  # type: ignore[arg-type]
    shop = Workshop(models=dict.fromkeys(ROLES, InstantModel()), executor=InstantExecutor())
    run_dir.mkdir()
    with open_persistence(run_dir) as (saver, store):
        graph = build_graph(workshop=shop).compile(checkpointer=saver, store=store)
        stream = graph.stream(
            {"task": str(task)},
            {"configurable": {"thread_id": run_dir.name}, "recursion_limit": 1_000_000},
            context=config,
            stream_mode="custom",
            subgraphs=True,
            durability="sync",
        )
        done, since, began = 0, 0, time.perf_counter()
        for _, event in stream:
            done += "verdict" in event
            if "verdict" in event and done in MARKS:
                yield _row(run_dir, done, (time.perf_counter() - began) / (done - since))
                since, began = done, time.perf_counter()


def _row(run_dir: Path, steps: int, seconds: float) -> dict[str, Any]:
    gc.collect()
    sizes = {name: sum(_size(p) for p in run_dir.glob(glob)) / MB for name, glob in PARTS.items()}
    return {
        "steps": steps,
        "ms a step": round(1000 * seconds, 1),
        "resident MB": round(psutil.Process().memory_info().rss / MB),
        **{f"{name} MB": round(size, 1) for name, size in sizes.items()},
    }


def _size(path: Path) -> int:
    try:
        return path.stat().st_blocks * 512
    except OSError:
        return 0


def main() -> None:
    """Run, and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--steps", type=int, default=10_000, help="of both traces together")
    parser.add_argument("--optimizer", default="gradient")
    given = parser.parse_args()
    work = Path(tempfile.mkdtemp(prefix="gome-growth-"))
    table = []
    for row in rows(work / "run", write_task(work / "line"), given.steps, given.optimizer):
        table.append(row)
        print(row, flush=True)
    began = time.perf_counter()
    size = write_report(work / "run").stat().st_size
    print(as_table(table))
    print(f"\nReport: {time.perf_counter() - began:.1f} s, {size / MB:.1f} MB.")
    shutil.rmtree(work)


if __name__ == "__main__":
    main()
