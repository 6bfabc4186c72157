"""Optimizers against the reasoner's reliability, and ablations, on the same tasks and seeds. A simulation.

    python -m benchmarks.ablation.run [--seeds 8] [--only ARM ...] [--work runs/ablation]

Every arm has the same tasks, seeds, splits, first programs and steps; only what its name says differs. Results are
appended to results.jsonl beside this file, whole runs at a time, so that a stopped benchmark goes on where it was.
Programs run once for each task and seed, whichever arms write them. `report.py` makes the table and the plot.
"""

import argparse
import json
import shutil
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
from langchain_core.language_models import BaseChatModel

from benchmarks.ablation.reasoner import UnreliableReasoner
from benchmarks.ablation.tasks import SOURCES, lay_out, small_task
from benchmarks.ablation.warm import WarmExecutor
from gome.graph.registry import ServiceRegistry
from gome.graph.run import build_graph
from gome.state.config import Optimizer, Part, RunConfig
from gome.tools.data.tables import read_table
from gome.tools.evaluation.bootstrap import score
from gome.tools.execution.environment.runtime import ensure_runtime
from gome.tools.records.history import History
from gome.tools.records.jsonl import append_line, read_lines

RESULTS = Path(__file__).with_name("results.jsonl")
TRACES, STEPS = 2, 5
PROGRAM_LIMIT_S = 60.0
BLOCK = 4
"""Seeds for which all arms are run before the next ones begin."""


@dataclass(frozen=True)
class Arm:
    """One way to run: the optimizer, what is left out, and how reliable the diagnosis is."""

    name: str
    optimizer: Optimizer = "gradient"
    reliability: float = 1.0
    without: tuple[Part, ...] = ()


PASSES = (
    (
        Arm("tree", "tree"),
        Arm("gradient 1"),
        Arm("gradient 0.5", reliability=0.5),
        Arm("gradient 0", reliability=0),
    ),
    tuple(Arm(f"without {part}", without=(part,)) for part in ("reasoning", "momentum", "traces", "merge")),
    (Arm("gradient 0.25", reliability=0.25), Arm("gradient 0.75", reliability=0.75)),
)
"""In the order in which they are run: what is stopped early has the first ones whole."""
ARMS = tuple(arm for arms in PASSES for arm in arms)


def play(arm: Arm, name: str, seed: int, work: Path, executor: WarmExecutor) -> dict[str, Any]:
    """One run of an arm, graded on hidden test labels: the row for results.jsonl."""
    place = work / f"{name}-{seed}"
    task, answers = small_task(name, seed, place / "task")
    run_dir = place / arm.name.replace(" ", "-")
    shutil.rmtree(run_dir, ignore_errors=True)
    _share_programs(run_dir, place)
    model: BaseChatModel = UnreliableReasoner(reliability=arm.reliability)
    roles = dict.fromkeys(("researcher", "coder", "critic"), model)
    registry = ServiceRegistry(models=roles, executor=executor)
    config = RunConfig(
        run_dir=str(run_dir),
        optimizer=arm.optimizer,
        without=arm.without,
        traces=TRACES,
        steps=STEPS,
        sync_every=1,
        seed=seed,
        program_time_limit_s=PROGRAM_LIMIT_S,
        finalists=1,
        selection_seeds=1,
        slots=2,
    )
    began = time.monotonic()
    lay_out(task, config)
    state = build_graph(registry=registry).compile().invoke({"task": str(task)}, context=config)
    row = _measured(registry, run_dir, answers, state["result"])
    shutil.rmtree(run_dir)
    return {"task": name, "seed": seed, "arm": arm.name, **row, "wall_s": round(time.monotonic() - began, 1)}


def _share_programs(run_dir: Path, place: Path) -> None:
    """Results and artifacts are kept by content, so all arms of one task and seed can use the same folders."""
    run_dir.mkdir(parents=True)
    for part in ("results", "artifacts"):
        (place / part).mkdir(exist_ok=True)
        (run_dir / part).symlink_to((place / part).resolve(), target_is_directory=True)


def _measured(
    registry: ServiceRegistry, run_dir: Path, answers: pd.DataFrame, result: dict[str, Any]
) -> dict[str, Any]:
    """Test scores of trace 0's first program (the same in every arm) and of what was handed over; what the steps did."""
    services = registry.services(run_dir, None, lambda event: None)
    records = History(run_dir / "history.jsonl").records()
    first = services.evaluator.evaluate(services.artifacts.get_text(str(records[0].code)), "final")

    def graded(table: pd.DataFrame) -> float:
        aligned = table.set_index(services.task.id).loc[answers[services.task.id]].reset_index()
        return score(services.task, [(answers, aligned)], seed=0)["value"]

    later = [r for r in records if r.parent]
    return {
        "sign": services.sign,
        "first": graded(services.evaluator.submission(first)),
        "final": graded(read_table(Path(result["submission"]))),
        "steps": len(records),
        "later": len(later),
        "improved": sum(r.accepted and (r.gain or 0.0) > 0 for r in later),
        "accepted": sum(r.accepted for r in later),
        "failed": sum(r.verdict == "failed" for r in records),
        "merges": sum(r.kind == "merge" for r in records),
        "restarts": sum(r.kind == "restart" for r in records),
        "by_tree": sum(r.optimizer == "tree" for r in later),
    }  # fmt: skip


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.ablation.run", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument(
        "--only", nargs="*", metavar="ARM", help="some of: " + ", ".join(a.name for a in ARMS)
    )
    parser.add_argument("--tasks", nargs="*", default=list(SOURCES), choices=list(SOURCES), metavar="TASK")
    parser.add_argument("--work", type=Path, default=Path("runs/ablation"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args(argv)
    done = {(r["task"], r["seed"], r["arm"]) for r in read_lines(given.results)}
    executor = WarmExecutor(ensure_runtime().python, workers=2)
    wanted = [
        (arm, name, seed)
        for first in range(0, given.seeds, BLOCK)
        for arms in PASSES
        for seed in range(first, min(first + BLOCK, given.seeds))
        for name in given.tasks
        for arm in arms
        if (name, seed, arm.name) not in done and (not given.only or arm.name in given.only)
    ]
    for arm, name, seed in wanted:
        row = play(arm, name, seed, given.work.resolve(), executor)
        append_line(given.results, row)
        print(json.dumps(row), file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
