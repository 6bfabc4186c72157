"""CPU seconds (user and system) of commands that only look at a run, each in a process of its own.

python -m benchmarks.startup.run
python -m benchmarks.startup.run --beside CHECKOUT     # the same of another checkout, measured in turns
"""

import argparse
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from langchain_core.language_models import BaseChatModel

from benchmarks.faults.scripted_model import write_task
from benchmarks.faults.watch import as_table
from benchmarks.instant import InstantExecutor, InstantModel
from gome.graph.registry import ROLES
from gome.graph.run import build_graph
from gome.state.config import RunConfig

HERE = Path(__file__).resolve().parents[2]
COMMANDS = ["--version", "--help", "run --help", "status RUN", "logs RUN", "stop RUN", "advise RUN TEXT"]


def finished_run(work: Path) -> Path:
    """A finished run of two traces and twelve steps, with a model and programs that take no time."""
    models: dict[str, BaseChatModel] = dict.fromkeys(ROLES, InstantModel())
    graph = build_graph(models=models, executor=InstantExecutor()).compile()
    config = RunConfig(run_dir=str(work / "run"), traces=2, steps=6, selection_seeds=1)
    graph.invoke({"task": str(write_task(work / "line"))}, {"recursion_limit": 1_000_000}, context=config)
    return work / "run"


def cpu_seconds(command: str, run: Path, checkout: Path) -> float:
    """What one call of `gome COMMAND` takes, out of this checkout's code. It may refuse: the run is finished."""
    words = [{"RUN": str(run), "TEXT": "fewer columns"}.get(word, word) for word in command.split()]
    before = os.times()
    done = subprocess.run(
        [sys.executable, "-m", "gome", *words],
        cwd=checkout,
        env={**os.environ, "PYTHONPATH": str(checkout)},
        capture_output=True,
        text=True,
    )
    after = os.times()
    if "Traceback" in done.stderr or done.returncode not in (0, 2):
        raise RuntimeError(f"gome {command}: {done.stderr}")
    used = (after.children_user - before.children_user, after.children_system - before.children_system)
    return sum(used)


def rows(run: Path, checkouts: dict[str, Path], rounds: int) -> list[dict[str, Any]]:
    """A row for each command: the median of the rounds; the first call of each, which may compile, does not count."""
    table = []
    for command in COMMANDS:
        taken: dict[str, list[float]] = {name: [] for name in checkouts}
        for _ in range(rounds + 1):
            for name, checkout in checkouts.items():
                taken[name].append(cpu_seconds(command, run, checkout))
        medians = {f"{name}, CPU s": f"{median(times[1:]):.2f}" for name, times in taken.items()}
        table.append({"command": f"`gome {command}`", **medians})
    return table


def main() -> None:
    """Measure, and print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--beside", type=Path, metavar="CHECKOUT", help="another checkout of Gome")
    given = parser.parse_args()
    checkouts = {given.beside.name: given.beside.resolve()} if given.beside else {}
    with tempfile.TemporaryDirectory(prefix="gome-startup-") as work:
        run = finished_run(Path(work))
        print(as_table(rows(run, {**checkouts, "now": HERE}, given.rounds)))


if __name__ == "__main__":
    main()
