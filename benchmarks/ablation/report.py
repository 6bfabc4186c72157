"""Write README.md and the two pictures beside this file from results.jsonl: `python -m benchmarks.ablation.report`."""

import os
import platform
import sys
from itertools import pairwise
from pathlib import Path

import pandas as pd

from benchmarks.ablation.plot import crossover
from benchmarks.ablation.run import ARMS, RESULTS, STEPS, TRACES
from benchmarks.ablation.statistics import Interval, difference, mean, table
from benchmarks.ablation.tasks import HIDDEN, SEARCH, SOURCES, TRAIN
from gome import __version__
from gome.tools.records.jsonl import read_lines

HERE = Path(__file__).resolve().parent
MEASURES = {
    "reached": "gain on hidden rows, % of the best",
    "improving": "share of steps that improve, %",
}
PICTURES = {"reached": "crossover.svg", "improving": "improving.svg"}
HEAD = ["arm", "reached", "against tree", "against gradient 1", "improving steps", "runs"]


def text(interval: Interval, sign: str = "") -> str:
    """Mean and interval, in whole percents or points."""
    return f"{interval.mean:{sign}.0f} ({interval.low:{sign}.0f} to {interval.high:{sign}.0f})"


def lines(runs: pd.DataFrame) -> str:
    """The table in Markdown."""
    rows = [HEAD, ["---"] * len(HEAD)]
    counts = runs["arm"].value_counts()
    for arm in (a.name for a in ARMS if a.name in counts):
        against = [
            text(difference(runs, arm, other), "+") if arm != other else ""
            for other in ("tree", "gradient 1")
        ]
        share = f"{text(mean(runs, arm, 'improving'))} %"
        rows.append([arm, text(mean(runs, arm)), *against, share, str(counts[arm])])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def picture(runs: pd.DataFrame, column: str) -> str:
    """The crossover plot; only arms that were run on all of the tasks and seeds are drawn."""
    counts = runs["arm"].value_counts()
    whole = [a for a in ARMS if counts.get(a.name) == counts["tree"] and not a.without]
    found = {a.reliability: mean(runs, a.name, column) for a in whole if a.optimizer == "gradient"}
    note = f"simulation without a language model; {counts['tree']} runs an arm, 95 % intervals"
    return crossover(mean(runs, "tree", column), found, axis=MEASURES[column], note=note)


def crossing(runs: pd.DataFrame, column: str) -> str:
    """Where descent overtakes the tree, by linear interpolation between the reliabilities that were run, and how sure
    that is."""
    there = set(runs["arm"])
    arms = [a for a in ARMS if a.optimizer == "gradient" and not a.without and a.name in there]
    found = {a.reliability: difference(runs, a.name, "tree", column) for a in arms}
    points = [(p, found[p].mean) for p in sorted(found)]
    where = f"descent is {'ahead of' if points[0][1] >= 0 else 'behind'} the tree at every reliability that was run"
    for (p, low), (q, high) in pairwise(points):
        if low < 0 <= high:
            where = (
                f"descent overtakes the tree at a reliability of about {p + (q - p) * low / (low - high):.2f}"
            )
    sides = {
        "behind": [p for p in found if found[p].high < 0],
        "ahead": [p for p in found if found[p].low > 0],
    }
    sure = [f"surely {side} at {', '.join(f'{p:g}' for p in sorted(ps))}" for side, ps in sides.items() if ps]
    noise = "at no reliability is the difference outside the noise, so these runs do not settle it"
    return f"By the {MEASURES[column].split(',')[0]}, {where}; {'it is ' + ' and '.join(sure) if sure else noise}."


def seeds_text(runs: pd.DataFrame) -> str:
    """How many seeds each task has."""
    counts = runs.drop_duplicates(["task", "seed"]).groupby("task").size()
    return ", ".join(f"{task} {n}" for task, n in counts.items())


def page(runs: pd.DataFrame) -> str:
    """README.md of this folder."""
    machine = f"Python {platform.python_version()}, {os.cpu_count()} cores that others used too"
    return PAGE.format(
        table=lines(runs),
        crossing="\n".join(f"- {crossing(runs, column)}" for column in MEASURES),
        seeds=seeds_text(runs),
        tasks=", ".join(SOURCES),
        train=TRAIN,
        search=SEARCH,
        hidden=HIDDEN,
        traces=TRACES,
        steps=STEPS,
        version=__version__,
        machine=machine,
    )


PAGE = (HERE / "page.md").read_text()


def main() -> int:
    runs = table(read_lines(RESULTS))
    for column, name in PICTURES.items():
        (HERE / name).write_text(picture(runs, column))
    (HERE / "README.md").write_text(page(runs))
    print(lines(runs))
    for column in MEASURES:
        print(crossing(runs, column))
    return 0


if __name__ == "__main__":
    sys.exit(main())
