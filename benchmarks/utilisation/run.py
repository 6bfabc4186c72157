"""How busy the slots are: with a line search in idle slots, without it, and in lock-step rounds.

    python -m benchmarks.utilisation.run [--traces 1 2] [--program-s 60 10] [--steps 4] [--slots 2] [--scale 3] [--write]

Whole runs of the real graph with the real sandbox, with a model and programs of realistic duration. The model sleeps
before each reply and the programs sleep instead of training, so that the machine's cores don't matter. How long each
sleeps is drawn from (trace, step, call), and so is the same in all three. Work that was cut off, a trial that gave way,
does not count as busy: it changes nothing. A second here stands for `--scale` seconds.
"""

import argparse
import itertools
import random
import shutil
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pandas as pd
from langchain_core.messages import BaseMessage

from benchmarks.readme import put_table
from gome.graph.run import build_graph
from gome.state.config import Isolation, RunConfig
from gome.tools.execution.environment.runtime import ensure_runtime
from gome.tools.execution.job import Executor, Job, Outcome
from gome.tools.execution.sandbox.probe import probe
from gome.tools.records.history import History
from gome.tools.records.line_trials import LineTrials
from tests.scripted import REPLIES, ScriptedModel, call_of, facts_of

HERE = Path(__file__).resolve().parent
CALL_S, CALL_SPREAD, PROGRAM_SPREAD = 15.0, 0.6, 0.8
"""Median in seconds of a model call, and spreads (of the logarithm) of that and of a program on one fold."""
ROWS = 2500  # 3 search folds, and little to grade
ARMS: dict[str, dict[str, Any]] = {
    "with line search": {},
    "without": {"without": ["tuning"]},
    "in rounds": {"sync_every": 1},
}
THREADS = 64
PROGRAM = """\
import csv, time
BIAS = {bias}  # gome: tune bias linear 0 3
smoke = sum(1 for _ in open("input/train.csv")) < 500
time.sleep({seconds} / (20 if smoke else 1))
with open("submission.csv", "w") as out:
    out.write("id,y\\n")
    out.writelines(f"{{row['id']}},{{float(row['x']) + BIAS}}\\n" for row in csv.DictReader(open("input/test.csv")))
"""


@dataclass
class Timed:
    """The real executor, and when its programs ran."""

    inner: Executor
    spans: list[tuple[float, float]] = field(default_factory=list)

    @property
    def level(self) -> Isolation:
        """The inner one's."""
        return self.inner.level

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """See Executor.run."""
        began = time.monotonic()
        outcome = self.inner.run(job, stop=stop)
        if outcome.reason != "stopped":
            self.spans.append((began, time.monotonic()))
        return outcome


class Script:
    """The model: sleeps, then says what makes a step go on. `calls` holds when each call began."""

    def __init__(self, scale: float, program_s: float) -> None:
        self.scale, self.program_s, self._lock = scale, program_s, threading.Lock()
        self.calls: list[float] = []

    def __call__(self, messages: list[BaseMessage]) -> str:
        call, facts = call_of(messages), facts_of(messages)
        where = f"{facts['trace']}:{facts['step']}"
        with self._lock:
            self.calls.append(time.monotonic())
        time.sleep(_drawn(f"{where}:{call}", CALL_S, CALL_SPREAD) / self.scale)
        if call not in ("draft", "edit"):
            return REPLIES[call]
        seconds = _drawn(where, self.program_s, PROGRAM_SPREAD) / self.scale
        bias = round(abs(random.Random(where).gauss(0, 1)), 3)
        return f"```python\n{PROGRAM.format(seconds=seconds, bias=bias)}```\n"


def _drawn(key: str, median: float, spread: float) -> float:
    return median * random.Random(key).lognormvariate(0, spread)


@dataclass(frozen=True)
class Measured:
    """Of one run while its traces ran: share of the slots' time in which a program ran, seconds, and finished trials of
    the line search."""

    busy: float
    seconds: float
    trials: int


def measure(
    task: Path, executor: Executor, *, traces: int, program_s: float, arm: str, options: Any
) -> Measured:
    """One run, from its first model call to its last search run."""
    timed, script = Timed(executor), Script(options.scale, program_s)
    model = ScriptedModel(script=script)
    graph = build_graph(
        models=dict.fromkeys(("researcher", "coder", "critic"), model), executor=timed
    ).compile()
    ended: list[float] = []
    with tempfile.TemporaryDirectory(prefix="gome-utilisation-") as folder:
        config = RunConfig(run_dir=f"{folder}/run", traces=traces, steps=options.steps, slots=options.slots,
                           finalists=1, selection_seeds=1, **ARMS[arm])  # fmt: skip
        parts = graph.stream(
            {"task": str(task)},
            {"recursion_limit": 100_000, "max_concurrency": THREADS},
            context=config,
            stream_mode="custom",
            subgraphs=True,
        )
        for event in (part[1] for part in cast(Any, parts)):
            if event["phase"] == "ensemble":
                ended.append(time.monotonic())
        records = History(Path(folder, "run", "history.jsonl")).records()
        trials = len(LineTrials(Path(folder, "run", "line_trials.jsonl")).all())
    assert len(records) == traces * options.steps, "a step is missing"
    assert not any(record.verdict == "failed" for record in records), "a step failed"
    start, end = script.calls[0], ended[0]
    busy = sum(max(0.0, min(b, end) - a) for a, b in timed.spans if a < end)
    return Measured(busy / (options.slots * (end - start)), end - start, trials)


def make_task(folder: Path) -> Path:
    """A small regression task."""
    rng = random.Random(0)
    x = [rng.gauss(0, 1) for _ in range(2 * ROWS)]
    table = pd.DataFrame({"id": range(2 * ROWS), "x": x, "y": [v + rng.gauss(0, 1) for v in x]})
    train, test = table[:ROWS], table[ROWS:].drop(columns="y")
    folder.mkdir()
    train.to_csv(folder / "train.csv", index=False)
    test.to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(y=0.0).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.yaml").write_text("name: sleep\nmetric: rmse\ntarget: y\nid: id\n")
    return folder


def rows(options: argparse.Namespace) -> list[list[str]]:
    """The table, a row for each number of traces."""
    root = Path(tempfile.mkdtemp(prefix="gome-utilisation-task-"))
    task, executor = make_task(root / "sleep"), probe(ensure_runtime().python)
    found = []
    for traces, program_s in itertools.product(options.traces, options.program_s):
        of = {
            arm: measure(task, executor, traces=traces, program_s=program_s, arm=arm, options=options)
            for arm in ARMS
        }
        found.append(
            [
                str(traces),
                f"{program_s:g}",
                *(f"{one.busy:.0%}" for one in of.values()),
                str(of["with line search"].trials),
                *(f"{one.seconds:.0f}" for one in of.values()),
            ]
        )
        print("  ".join(found[-1]), file=sys.stderr, flush=True)
    shutil.rmtree(root)
    return found


def table(found: list[list[str]]) -> str:
    """The rows as Markdown."""
    head = ["traces", "s a fold", *(f"busy, {arm}" for arm in ARMS), "trials",
            *(f"seconds, {arm}" for arm in ARMS)]  # fmt: skip
    return "\n".join(f"| {' | '.join(row)} |" for row in [head, ["---"] * len(head), *found])


def main() -> None:
    """Measure, print, and with --write put the table into README.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--traces", type=int, nargs="+", default=[1, 2])
    parser.add_argument(
        "--program-s", type=float, nargs="+", default=[60.0, 10.0], help="of a program on a fold"
    )
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--scale", type=float, default=3.0)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = table(rows(options))
    print(text)
    if options.write:
        put_table(HERE, "benchmarks.utilisation.run", text)


if __name__ == "__main__":
    main()
