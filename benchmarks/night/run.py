"""How much of the time limit a run leaves unused, where steps take a fraction of it that is worth counting.

    python -m benchmarks.night.run [--minutes 30] [--scale 10] [--program-s 60] [--traces 2] [--seeds 2] [--write]

Whole runs of the real graph with the real sandbox; model and programs sleep, as in benchmarks/utilisation: a step takes
some minutes, a second here stands for `--scale` seconds, and the limit is that many times shorter.
"""

import argparse
import json
import shutil
import sys
import tempfile
from pathlib import Path

from langchain_core.runnables import RunnableConfig

from benchmarks.readme import put_table
from benchmarks.utilisation.run import Script, make_task
from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.tools.execution.environment.runtime import ensure_runtime
from gome.tools.execution.job import Executor
from gome.tools.execution.sandbox.probe import probe
from tests.scripted import ScriptedModel

HERE = Path(__file__).resolve().parent
HEAD = ("run", "limit, s", "used, s", "unused", "steps", "finalists", "times the search went on")


def measure(task: Path, executor: Executor, seed: int, options: argparse.Namespace) -> list[str]:
    """One run as a row of the table."""
    limit = 60 * options.minutes / options.scale
    model = ScriptedModel(script=Script(options.scale, options.program_s))
    graph = build_graph(
        models=dict.fromkeys(("researcher", "coder", "critic"), model), executor=executor
    ).compile()
    with tempfile.TemporaryDirectory(prefix="gome-night-") as folder:
        config = RunConfig(run_dir=f"{folder}/run", traces=options.traces, slots=options.traces, steps=10_000,
                           time_limit_s=limit, seed=seed)  # fmt: skip
        given: RunnableConfig = {"recursion_limit": 100_000, "max_concurrency": 16}
        result = graph.invoke({"task": str(task)}, given, context=config)["result"]
        events = [json.loads(line) for line in Path(folder, "run", "events.jsonl").read_text().splitlines()]
    again = sum("the search goes on" in event["text"] for event in events)
    used = result["seconds"]
    return [str(seed), f"{limit:.0f}", f"{used:.0f}", f"{1 - used / limit:.1%}", str(result["steps"]),
            str(len(result["finalists"])), str(again)]  # fmt: skip


def table(found: list[list[str]]) -> str:
    """The rows as Markdown."""
    return "\n".join(f"| {' | '.join(row)} |" for row in [list(HEAD), ["---"] * len(HEAD), *found])


def main() -> None:
    """Measure, print, and with --write put the table into README.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--minutes", type=float, default=30, help="the time limit, before it is scaled")
    parser.add_argument("--scale", type=float, default=10)
    parser.add_argument("--program-s", type=float, default=60, help="the median program's seconds a fold")
    parser.add_argument("--traces", type=int, default=2)
    parser.add_argument("--seeds", type=int, default=2, help="runs")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    root = Path(tempfile.mkdtemp(prefix="gome-night-task-"))
    task, executor = make_task(root / "sleep"), probe(ensure_runtime().python)
    found = []
    for seed in range(options.seeds):
        found.append(measure(task, executor, seed, options))
        print("  ".join(found[-1]), file=sys.stderr, flush=True)
    shutil.rmtree(root)
    text = table(found)
    print(text)
    if options.write:
        put_table(HERE, "benchmarks.night.run", text)


if __name__ == "__main__":
    main()
