"""What a line search in idle slots buys: hidden score at equal wall time, with it and without, on four real tasks.

    python -m benchmarks.equal_time.run [--seeds 4] [--limit-s 120] [--scale 5] [--tasks NAME ...] [--write]

Whole runs of the real graph, sandbox and programs with the offline reasoner, that sleeps before each reply: 15 s in the
median, over `--scale`, drawn from (seed, trace, step, call) and so the same in both arms. Both have the same rows, seed
and time limit. Rows are appended to results.jsonl, so that a stopped benchmark goes on where it was; `--seeds 0` makes
the table of what is there. Runs come one after another, the arm that begins alternates: nothing else should be running.
"""

import argparse
import json
import os
import random
import shutil
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from langchain_core.messages import BaseMessage
from langchain_core.outputs import ChatResult
from scipy import stats

from benchmarks.lab.tasks import ID, SOURCES, write_task
from benchmarks.readme import put_table
from benchmarks.utilisation.run import CALL_S, CALL_SPREAD
from examples.fetch import DATA
from examples.packages import unpacked
from gome.graph.registry import ServiceRegistry
from gome.graph.run import build_graph
from gome.offline.model import OfflineReasoner
from gome.state.config import RunConfig
from gome.state.parts import sign_of
from gome.state.plain import JsonObject
from gome.tools.data.tables import read_table
from gome.tools.data.task_folder import load_task
from gome.tools.evaluation.bootstrap import score
from gome.tools.records.history import History
from gome.tools.records.jsonl import append_line, read_lines
from gome.tools.records.line_trials import LineTrials
from gome.tools.records.naive_file import read_naive
from tests.scripted import facts_of

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results.jsonl"
TASKS = ("houses", "diamonds", "adult", "churn")
LABELLED, HIDDEN, FOLDS, TRACES = 800, 3000, 3, 2
"""Rows with labels, hidden ones at most, search folds, and traces, with a slot each."""
ARMS: dict[str, list[str]] = {"with": [], "without": ["tuning"]}
CONFIDENCE = 0.95


class SlowReasoner(OfflineReasoner):
    """The offline reasoner at a model's pace."""

    seed: int
    scale: float

    def _generate(self, messages: list[BaseMessage], *args: Any, **kwargs: Any) -> ChatResult:
        facts = facts_of(messages)
        drawn = random.Random(f"{self.seed}:{facts.get('trace')}:{facts.get('step')}:{facts.get('call')}")
        time.sleep(CALL_S * drawn.lognormvariate(0, CALL_SPREAD) / self.scale)
        return super()._generate(messages, *args, **kwargs)


def lay_out(name: str, seed: int, folder: Path) -> pd.DataFrame:
    """The task folder of sample `seed` of a table; the answers of its test part, which lie nowhere near."""
    source = SOURCES[name]
    assert source.package
    rows = source.load(unpacked(source.package, DATA / "packages"))
    rows = rows.drop(columns=[column for column in source.drop if column in rows])
    rows = rows.sample(n=min(len(rows), LABELLED + HIDDEN), random_state=seed)
    rows = rows.reset_index(drop=True).rename_axis(ID).reset_index()
    test = rows[LABELLED:].reset_index(drop=True)
    write_task(folder, source, name, rows[:LABELLED], test)
    return test[[ID, source.target]]


def play(name: str, seed: int, arm: str, work: Path, options: argparse.Namespace) -> JsonObject:
    """One run, graded on the hidden rows: the row for results.jsonl."""
    place = work / f"{name}-{seed}-{arm}"
    shutil.rmtree(place, ignore_errors=True)
    answers = lay_out(name, seed, place / "task")
    model = SlowReasoner(seed=seed, scale=options.scale)
    registry = ServiceRegistry(models=dict.fromkeys(("researcher", "coder", "critic"), model))
    config = RunConfig.model_validate(
        {"run_dir": str(place / "run"), "without": ARMS[arm], "traces": TRACES, "slots": TRACES, "seed": seed,
         "time_limit_s": options.limit_s, "folds": FOLDS, "finalists": 1, "selection_seeds": 1,
         "probes": 0, "trials": 0})  # fmt: skip
    began, load = time.monotonic(), os.getloadavg()[0]
    graph = build_graph(registry=registry).compile()
    limits: Any = {"recursion_limit": 100_000, "max_concurrency": 16}
    result = graph.invoke({"task": str(place / "task")}, limits, context=config)["result"]
    wall_s = time.monotonic() - began
    task = load_task(place / "task")
    handed_over = read_table(Path(result["submission"])).set_index(ID).loc[answers[ID]].reset_index()
    naive = read_naive(place / "run").get("search")
    assert naive, "no constant prediction has a score"
    records = History(place / "run" / "history.jsonl").records()
    row = {
        "task": name,
        "seed": seed,
        "arm": arm,
        "sign": sign_of(task.direction),
        "score": score(task, [(answers, handed_over)], seed=0)["value"],
        "naive": naive["value"],
        "steps": len(records),
        "accepted": sum(record.accepted for record in records),
        "tuned": sum(record.kind == "tune" and record.accepted for record in records),
        "trials": len(LineTrials(place / "run" / "line_trials.jsonl").all()),
        "limit_s": options.limit_s,
        "scale": options.scale,
        "wall_s": round(wall_s, 1),
        "load": round(load, 1),
    }
    shutil.rmtree(place)
    return row


def pairs(rows: Sequence[JsonObject]) -> pd.DataFrame:
    """One line a task and seed that has both arms. `points`: what the run with a line search is better by on hidden rows;
    100 are the way from the best constant prediction to the other arm's mean on that task."""
    runs = pd.DataFrame(rows).drop_duplicates(["task", "seed", "arm"], keep="last")
    wide = runs.pivot(index=["task", "seed"], columns="arm").dropna()
    naive, without = wide["naive"]["without"], wide["score"]["without"]
    way = (without - naive).groupby("task").transform("mean").abs()
    wide["points", ""] = 100 * wide["sign"]["with"] * (wide["score"]["with"] - without) / way
    return wide


def difference(points: pd.Series) -> tuple[float, float]:
    """The mean over tasks and half of its interval, of independent seeds within each task, by Student's distribution."""
    tasks = [part.to_numpy() for _, part in points.groupby("task")]
    freedom = sum(len(part) - 1 for part in tasks)
    mean = float(np.mean([part.mean() for part in tasks]))
    if not freedom:
        return mean, float("nan")
    spread = np.sqrt(sum(((part - part.mean()) ** 2).sum() for part in tasks) / freedom)
    error = spread * np.sqrt(sum(1 / len(part) for part in tasks)) / len(tasks)
    return mean, float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom) * error)


def table(rows: Sequence[JsonObject]) -> str:
    """The rows as Markdown: a line a task, and all of them."""
    lines = [
        ["task", "pairs", "with", "without", "with - without, points", "steps", "trials", "tune steps"],
        ["---"] * 8,
    ]
    found = pairs(rows)
    for name, part in found.groupby("task"):
        lines.append([str(name), *_cells(part, scores=True)])
    lines.append(["all", *_cells(found, scores=False)])
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def _cells(part: pd.DataFrame, *, scores: bool) -> list[str]:
    mean, half = difference(part["points"])
    known = "" if np.isnan(half) else f" ± {half:.2f}"
    both = [f"{part['score'][arm].mean():.4g}" if scores else "" for arm in ARMS]
    steps = " / ".join(f"{part['steps'][arm].mean():.1f}" for arm in ARMS)
    trials, tuned = part["trials"]["with"].mean(), part["tuned"]["with"].mean()
    return [str(len(part)), *both, f"{mean:+.2f}{known}", steps, f"{trials:.1f}", f"{tuned:.1f}"]


def main() -> None:
    """Run what is not done yet, print the table, and with --write put it into README.md."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--seeds", type=int, default=4, help="samples of rows of each task")
    parser.add_argument("--limit-s", type=float, default=120, help="of a run")
    parser.add_argument("--scale", type=float, default=5, help="so much faster the model is than in earnest")
    parser.add_argument("--tasks", nargs="*", default=list(TASKS), choices=TASKS, metavar="TASK")
    parser.add_argument("--work", type=Path, default=Path("runs/equal_time"))
    parser.add_argument("--results", type=Path, default=RESULTS)
    parser.add_argument("--write", action="store_true")
    options = parser.parse_args()
    done = {(row["task"], row["seed"], row["arm"]) for row in read_lines(options.results)}
    for seed in range(options.seeds):
        for number, name in enumerate(options.tasks):
            for arm in sorted(ARMS, reverse=(seed + number) % 2 == 0):
                if (name, seed, arm) not in done:
                    row = play(name, seed, arm, options.work.resolve(), options)
                    append_line(options.results, row)
                    print(json.dumps(row), file=sys.stderr, flush=True)
    text = table(list(read_lines(options.results)))
    print(text)
    if options.write:
        put_table(HERE, "benchmarks.equal_time.run", text)


if __name__ == "__main__":
    main()
