"""Run the offline reasoner on example tasks and grade it on test labels that nothing in the run has seen.

    python -m benchmarks.tasks.run [NAME ...] [--steps 5] [--traces 2] [--write]

Graded on the hidden test part, each program trained on all labelled rows: the first draft, the step with the best
search score, what the run handed over, and a plain LightGBM (baseline.py) run in the same place under the same limits.
Runs are kept under runs/benchmark; one that is finished is not run again.
"""

import argparse
import os
import platform
import sys
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from examples.fetch import DATA, fetch
from examples.recipes import RECIPES
from gome import __version__, driver
from gome.graph.registry import ServiceRegistry
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.event import Event
from gome.tools.data.tables import read_table
from gome.tools.evaluation.bootstrap import score
from gome.tools.services import RunServices

HERE = Path(__file__).resolve().parent
RUNS = Path("runs/benchmark")
HEAD = [
    "task",
    "kind",
    "rows",
    "metric",
    "first draft",
    "best step",
    "handed over",
    "plain LightGBM",
    "steps",
    "minutes",
]


@dataclass(frozen=True)
class Budget:
    """Of one run."""

    traces: int
    steps: int
    time_limit_s: float


def run_task(name: str, budget: Budget) -> Path:
    """The folder of a finished run of example `name`."""
    run_dir = RUNS / f"{name}-{budget.traces}x{budget.steps}"
    config = RunConfig(run_dir=str(run_dir), traces=budget.traces, steps=budget.steps,
                       time_limit_s=budget.time_limit_s)  # fmt: skip
    if not (run_dir / "result.json").is_file():
        driver.drive(driver.prepare(str(fetch(name)), config), _say)
    return run_dir


def _say(event: Event) -> None:
    where = "" if event.get("trace") is None else f"{event['trace']}:{event.get('step')} "
    if event["phase"] in ("setup", "prepare", "critic", "select", "final") and event["text"] != "judging":
        print(f"   {where}{event['text']}", file=sys.stderr, flush=True)


def measure(name: str, run_dir: Path) -> list[str]:
    """A row of the table. Programs that the run did not fit on all labelled rows are fitted now."""
    services = ServiceRegistry().services(run_dir.resolve(), None, lambda event: None)
    folder = RunFolder.read(run_dir)
    answers = read_table(DATA / "answers" / f"{name}.csv")
    labelled = read_table(Path(services.task.root) / services.task.train)
    first, best = folder.first_draft, folder.accepted[0]
    assert first is not None
    handed_over = read_table(run_dir / "solution" / "submission.csv")
    return [
        name,
        services.task.problem,
        f"{len(labelled) + len(answers):,}",
        f"{services.task.metric} {'↑' if services.sign > 0 else '↓'}",
        _hidden(services, answers, services.artifacts.get_text(str(first.code))),
        _hidden(services, answers, services.artifacts.get_text(str(best.code))),
        _graded(services, answers, handed_over),
        _hidden(services, answers, (HERE / "baseline.py").read_text()),
        f"{len(folder.records)} ({folder.count('accepted')} accepted)",
        f"{(folder.seconds or 0) / 60:.1f}",
    ]


def _hidden(services: RunServices, answers: pd.DataFrame, program: str) -> str:
    evaluation = services.evaluator.evaluate(program, "final")
    if evaluation["status"] != "ok":
        return f"failed: {evaluation['problems'][0]}"
    return _graded(services, answers, services.evaluator.submission(evaluation))


def _graded(services: RunServices, answers: pd.DataFrame, submission: pd.DataFrame) -> str:
    aligned = submission.set_index(services.task.id).loc[answers[services.task.id]].reset_index()
    value = score(services.task, [(answers, aligned)], seed=0)
    return f"{value['value']:.4f} ± {value['stderr']:.4f}"


def table(rows: list[list[str]]) -> str:
    """Markdown."""
    lines = [HEAD, ["---"] * len(HEAD), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def page(rows: list[list[str]], command: str) -> str:
    """The README of this folder."""
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores, no GPU"
    return f"""# The example tasks, with the offline reasoner

Scores on hidden test labels ± their standard error from resampling the test rows; ↑ larger is better, ↓ smaller is.
No language model took part: the offline reasoner is a set of rules. *First draft* is the best of the traces' first
programs, *best step* the step with the best search score, *handed over* what the run chose in the end, often an ensemble.
All were trained on all labelled rows. *Plain LightGBM* is `baseline.py`: default settings, no features.

{table(rows)}

Made by gome {__version__} ({machine}) with

    {command}
"""


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.tasks.run", description=__doc__.splitlines()[0]
    )
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"some of {', '.join(RECIPES)}; none: all")
    parser.add_argument("--traces", type=int, default=2)
    parser.add_argument("--steps", type=int, default=5, help="of each trace")
    parser.add_argument("--time-limit-s", type=float, default=1800, help="of one run")
    parser.add_argument("--write", action="store_true", help="write the table to README.md beside this file")
    arguments = parser.parse_args(argv)
    if unknown := sorted(set(arguments.names) - set(RECIPES)):
        parser.error(f"no example is called {', '.join(unknown)}; there are {', '.join(RECIPES)}")
    names = arguments.names or list(RECIPES)
    budget = Budget(arguments.traces, arguments.steps, arguments.time_limit_s)
    options = (
        f"--traces {budget.traces} --steps {budget.steps} --time-limit-s {budget.time_limit_s:g} --write"
    )
    rows = []
    for name in names:
        print(f"== {name}", file=sys.stderr, flush=True)
        rows.append(measure(name, run_task(name, budget)))
        if arguments.write:
            command = f"python -m benchmarks.tasks.run {' '.join(names)} {options}"
            (HERE / "README.md").write_text(page(rows, command))
    print(table(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
