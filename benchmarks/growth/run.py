"""Steps against milliseconds a step, memory and disk, with a model and programs that take no time.

python -m benchmarks.growth.run --steps 10000

Programs are graded on one fold of the search part, so that ten thousand steps fit into an hour.
"""

import argparse
import gc
import json
import shutil
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, cast, get_args

import psutil

from benchmarks.faults.scripted_model import write_task
from benchmarks.faults.watch import as_table
from benchmarks.instant import InstantExecutor, InstantModel
from gome.driver import thinning
from gome.graph.persistence.database import open_persistence
from gome.graph.registry import ROLES, ServiceRegistry
from gome.graph.run import build_graph
from gome.graph.run_layout import prepare_run
from gome.report.page import write_report
from gome.state.config import Optimizer, RunConfig
from gome.state.event import Event
from gome.tools.data.splits import SplitPlan

MARKS = [100, 200, 500, 1000, 2000, 3000, 5000, 7000, 10_000]
MB = 1e6
REFERENCE_EVERY = 10
WORK = [
    {"id": f"{n % 2}:{n}", "values": [n / 7, n / 11], "text": "a step and its lesson " * 3}
    for n in range(500)
]
PARTS = {
    "checkpoints": "checkpoints.sqlite*",
    "artifacts": "artifacts/*/*",
    "exchanges": "exchanges*",
    "results": "results/*",
    "history": "history.jsonl",
    "events": "events.jsonl",
}


def rows(run_dir: Path, task: Path, steps: int, optimizer: Optimizer) -> Iterator[dict[str, Any]]:
    """A row at each mark: the mean over the steps since the last one, and what is used by then."""
    config = RunConfig(
        run_dir=str(run_dir),
        traces=2,
        steps=steps // 2,
        optimizer=optimizer,
        selection_seeds=1,
        time_limit_s=1e6,  # steps end it
    )
    _one_fold(prepare_run(str(task), config))
    done, since, began, reference = 0, 0, _now(), ReferenceWork()
    for event in _events(run_dir, task, config):
        if "verdict" not in event:
            continue
        done += 1
        if done % REFERENCE_EVERY == 0:
            reference.measure()
        if done in MARKS:
            wall, cpu = (1000 * (t1 - t0) / (done - since) for t0, t1 in zip(began, _now(), strict=True))
            own = cpu - 1000 * reference.seconds / (done - since)
            yield {"steps": done, "ms a step": round(wall), "CPU ms a step": round(own),
                   "CPU / reference": round(own / reference.median_ms, 2), **_used(run_dir)}  # fmt: skip
            since, began, reference = done, _now(), ReferenceWork()


class ReferenceWork:
    """A fixed piece of work done now and then: what a step costs in it does not depend on the neighbours' load."""

    def __init__(self) -> None:
        self._taken: list[float] = []

    def measure(self) -> None:
        """Do the work once: JSON written and read, as a step does."""
        began = time.thread_time()
        for _ in range(8):
            json.loads(json.dumps(WORK))
        self._taken.append(time.thread_time() - began)

    @property
    def seconds(self) -> float:
        """CPU seconds spent on it."""
        return sum(self._taken)

    @property
    def median_ms(self) -> float:
        """Of one measurement."""
        return 1000 * statistics.median(self._taken)


def _events(run_dir: Path, task: Path, config: RunConfig) -> Iterator[Event]:
    """What the run tells; its checkpoints are thinned as the command line does it."""
    registry = ServiceRegistry(models=dict.fromkeys(ROLES, InstantModel()), executor=InstantExecutor())
    told: list[Event] = []
    with open_persistence(run_dir) as database:
        graph = build_graph(registry=registry).compile(checkpointer=database.saver, store=database.store)
        tell = thinning(told.append, lambda: database.thin(run_dir.name))
        stream = graph.stream(
            {"task": str(task)},
            {"configurable": {"thread_id": run_dir.name}, "recursion_limit": 1_000_000},
            context=config,
            stream_mode="custom",
            subgraphs=True,
            durability="sync",
        )
        for part in stream:
            tell(cast(Any, part)[1])  # (namespace of the sub-graph, event)
            yield told.pop()


def _one_fold(run_dir: Path) -> None:
    path = run_dir / "splits.npz"
    plan = SplitPlan.load(path)
    SplitPlan([s for s in plan.splits if s.name != "search" or s.fold == 0], plan.reason).save(path)


def _now() -> tuple[float, float]:
    """(wall clock, CPU time of this process), seconds."""
    return time.perf_counter(), time.process_time()


def _used(run_dir: Path) -> dict[str, Any]:
    gc.collect()
    sizes = {name: sum(_size(p) for p in run_dir.glob(glob)) / MB for name, glob in PARTS.items()}
    return {
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
    parser.add_argument("--optimizer", choices=get_args(Optimizer), default="gradient")
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
