"""How busy the slots are: with a line search in idle slots, at its share of their time and at all of it, without one, and
in lock-step rounds.

    python -m benchmarks.utilisation.run [--traces 1 2] [--program-s 60 10] [--steps 10] [--slots 2] [--scale 4]
        [--at-once 1] [--write]

Whole runs of the real graph with the real sandbox, with a model and programs of realistic duration. The model sleeps
before each reply and the programs sleep instead of training, so that the machine's cores matter little. How long each
sleeps is drawn from (trace, step, call), and so is the same in all. Busy is only what can change the result: not what was
cut off, nor while it stood still, nor a trial that had not ended when the last step began. The time counts from the first
call to the beginning of the last step. A second here stands for `--scale` seconds.
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
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, cast

import pandas as pd
from langchain_core.messages import BaseMessage

from benchmarks.readme import put_table
from gome.agents import line_search
from gome.graph.run import build_graph
from gome.optimizer.line_search import SHARE, affordable
from gome.state.config import Isolation, RunConfig
from gome.tools.execution.environment.runtime import ensure_runtime
from gome.tools.execution.job import Executor, Job, Outcome
from gome.tools.execution.limits import Turn
from gome.tools.execution.sandbox.probe import probe
from gome.tools.records.history import History
from gome.tools.records.line_trials import LineTrials
from gome.tools.services import RunServices
from tests.scripted import REPLIES, ScriptedModel, call_of, facts_of

HERE = Path(__file__).resolve().parent
CALL_S, CALL_SPREAD, PROGRAM_SPREAD = 15.0, 0.6, 0.8
"""Median in seconds of a model call, and spreads (of the logarithm) of that and of a program on one fold."""
ROWS = 2500  # 3 search folds, and little to grade
FREE = "line search, share 1"
"""May take all of the slots' time."""
ARMS: dict[str, dict[str, Any]] = {
    "line search": {},
    FREE: {},
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


@dataclass(frozen=True)
class Span:
    """When a program ran without a break, of which trial of the line search, '' if of none, and whether to its end."""

    began: float
    ended: float
    trial: str
    whole: bool


@dataclass
class _Watched:
    """A turn, and the breaks that its program had."""

    inner: Turn
    breaks: list[float] = field(default_factory=list)

    def wanted(self) -> bool:
        return self.inner.wanted()

    def hand_on(self) -> None:
        self.breaks.append(time.monotonic())
        self.inner.hand_on()

    def regained(self) -> bool:
        has = self.inner.regained()
        if has:
            self.breaks.append(time.monotonic())
        return has


@dataclass
class Timed:
    """The real executor, and when its programs ran that were not cut off; of trials, which are taken up again, all."""

    inner: Executor
    spans: list[Span] = field(default_factory=list)
    suspends = True

    @property
    def level(self) -> Isolation:
        """The inner one's."""
        return self.inner.level

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """See Executor.run."""
        turn = _Watched(job.turn) if job.turn else None
        began = time.monotonic()
        outcome = self.inner.run(replace(job, turn=turn), stop=stop)
        if turn or outcome.reason != "stopped":
            times = [began, *(turn.breaks if turn else []), time.monotonic()]
            trial = job.program.name if turn else ""
            whole = outcome.reason != "stopped"
            self.spans += [Span(*pair, trial, whole) for pair in zip(times[::2], times[1::2], strict=False)]
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
    """Of one run until its last step began: share of the slots' time in which a program ran whose result counts, the same
    from the first accepted program on, before which nothing can be searched, and with trials that ended too late or not
    at all; finished trials of the line search; of all of it, seconds."""

    busy: float
    later: float
    occupied: float
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
    begun: dict[tuple[int, int], float] = {}
    with tempfile.TemporaryDirectory(prefix="gome-utilisation-") as folder:
        config = RunConfig(run_dir=f"{folder}/{arm}", traces=traces, steps=options.steps, slots=options.slots,
                           finalists=1, selection_seeds=1, **ARMS[arm])  # fmt: skip
        parts = graph.stream(
            {"task": str(task)},
            {"recursion_limit": 100_000, "max_concurrency": THREADS},
            context=config,
            stream_mode="custom",
            subgraphs=True,
        )
        accepted = ended = 0.0
        for event in (part[1] for part in cast(Any, parts)):
            if event["phase"] == "researcher":
                begun.setdefault((event["trace"], event["step"]), time.monotonic())
            if event["phase"] == "critic" and event["text"].startswith("accepted"):
                accepted = accepted or time.monotonic()
            if event["phase"] == "ensemble":
                ended = ended or time.monotonic()
        records = History(Path(folder, arm, "history.jsonl")).records()
        trials = {trial.program for trial in LineTrials(Path(folder, arm, "line_trials.jsonl")).all()}
    assert len(records) == traces * options.steps, "a step is missing"
    assert not any(record.verdict == "failed" for record in records), "a step failed"
    start, last = script.calls[0], max(begun.values())
    in_time = {t for t in trials if max((s.ended for s in timed.spans if s.trial == t), default=last) < last}
    useful = [s for s in timed.spans if s.whole and (not s.trial or s.trial in in_time)]
    busy, later, occupied = (
        sum(max(0.0, min(s.ended, last) - max(s.began, since)) for s in counted)
        / (options.slots * (last - since))
        for counted, since in ((useful, start), (useful, accepted), (timed.spans, accepted))
    )
    return Measured(busy, later, occupied, ended - start, len(in_time))


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
    """The table, a row for each number of traces and length of the programs."""
    root = Path(tempfile.mkdtemp(prefix="gome-utilisation-task-"))
    task, executor = make_task(root / "sleep"), probe(ensure_runtime().python)
    cases = list(itertools.product(options.traces, options.program_s))
    of: dict[tuple[int, float, str], Measured] = {}
    line_search.affordable = _affordable
    runs = [(traces, program_s, arm) for traces, program_s in cases for arm in ARMS]
    with ThreadPoolExecutor(options.at_once) as threads:
        found = threads.map(lambda run: _measured(task, executor, run, options), runs)
        for run, one in zip(runs, found, strict=True):
            of[run] = one
            print(run, one, file=sys.stderr, flush=True)
    shutil.rmtree(root)
    return [
        _row(traces, program_s, [of[traces, program_s, arm] for arm in ARMS]) for traces, program_s in cases
    ]


def _affordable(services: RunServices, slots: int, running_s: float, *, share: float = SHARE) -> bool:
    """As in the product, but for the arm that may take all."""
    return affordable(services, slots, running_s, share=1.0 if services.run_dir.name == FREE else share)


def _measured(task: Path, executor: Executor, run: tuple[int, float, str], options: Any) -> Measured:
    traces, program_s, arm = run
    return measure(task, executor, traces=traces, program_s=program_s, arm=arm, options=options)


def _row(traces: int, program_s: float, arms: list[Measured]) -> list[str]:
    busy, seconds = [f"{one.busy:.0%}" for one in arms], [f"{one.seconds:.0f}" for one in arms]
    later, trials = [f"{one.later:.0%}" for one in arms[:2]], [str(one.trials) for one in arms[:2]]
    return [str(traces), f"{program_s:g}", *busy, *later, *trials, *seconds]


def table(found: list[list[str]]) -> str:
    """The rows as Markdown."""
    head = ["traces", "s a fold", *(f"busy, {arm}" for arm in ARMS), "from the first program on", "the same, share 1",
            "trials", "trials, share 1", *(f"seconds, {arm}" for arm in ARMS)]  # fmt: skip
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
    parser.add_argument("--steps", type=int, default=10)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--scale", type=float, default=4.0)
    parser.add_argument("--at-once", type=int, default=1, help="runs side by side")
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    text = table(rows(options))
    print(text)
    if options.write:
        put_table(HERE, "benchmarks.utilisation.run", text)


if __name__ == "__main__":
    main()
