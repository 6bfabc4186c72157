"""Write the tables of README.md and crossover.svg from results.jsonl, tuning.jsonl: python -m benchmarks.lab.report."""

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd

from benchmarks.ablation.plot import crossover
from benchmarks.ablation.statistics import Interval
from benchmarks.lab.aide_runs import ARM as AIDE
from benchmarks.lab.arms import (
    DEFAULT,
    PARTS,
    PATIENCE,
    PRECISION,
    RELIABILITIES,
    TIES,
    TIES_ELSEWHERE,
    TRACES,
    USUAL,
)
from benchmarks.lab.figures import at, figure, holm, reaching, wide
from benchmarks.lab.line_search_table import handed_by_arm, line_search
from benchmarks.lab.play import TIME_LIMIT_S
from benchmarks.lab.run import RESULTS
from benchmarks.lab.tables import mark, table, word
from benchmarks.readme import put_table
from gome.optimizer.acceptance import CLEARLY_WORSE
from gome.tools.records.jsonl import read_lines

HERE = Path(__file__).resolve().parent
TUNING_RESULTS = HERE / "tuning.jsonl"
EQUAL = 24
"""Programs that AIDE and we grade where both are given the same number: about as many as a run has time for."""
WORST = -100.0
"""As far below the median program as the best one is above it: how much worse a bad program is would drown the rest."""
DRAWS = 500
DESCENT_ARMS = [f"gradient {r:g}" for r in RELIABILITIES]
MOST_PRECISE = PRECISION[-1]
ALL_TIES = [arm for arm in (*TIES, *TIES_ELSEWHERE) if arm.tie_from == CLEARLY_WORSE]
"""With the rule that holds now: whatever is not clearly worse is accepted."""


def percent(runs: pd.DataFrame) -> pd.DataFrame:
    """Worth by (task, seed) and arm, in percent, WORST at least; AIDE's by the end of our time and by EQUAL programs."""
    found = 100 * wide(runs)
    if AIDE in found:
        curves = wide(runs[runs["arm"] == AIDE], "curve")[AIDE]
        found[AIDE] = 100 * curves.map(lambda curve: at(curve, seconds=TIME_LIMIT_S))
        found[f"{AIDE}, {EQUAL} programs"] = 100 * curves.map(lambda curve: at(curve, graded=EQUAL))
    return found.clip(lower=WORST)


def by_reliability(worth: pd.DataFrame) -> str:
    """Descent and tree over the dial."""
    rows = []
    lead = {f"{r:g}": figure(worth[f"gradient {r:g}"] - worth["tree"]) for r in RELIABILITIES}
    sure = holm(lead)
    for key, found in lead.items():
        rows.append([key, figure(worth[f"gradient {key}"]).words(), f"{found.words('+')}{mark(sure[key])}"])
    tree = figure(worth["tree"]).words()
    head = ["reliability", "gradient", "against the tree"]
    return f"{table(head, rows)}\n\nTree, at every reliability: {tree}. {crossing_words(worth)}"


def crossing(leads: np.ndarray) -> float:
    """The reliability at which descent overtakes the tree, by linear interpolation of its leads; NaN: at none."""
    for (p, low), (q, high) in pairwise(zip(RELIABILITIES, leads, strict=True)):
        if low < 0 <= high:
            return p + (q - p) * low / (low - high)
    return float("nan")


def crossing_words(worth: pd.DataFrame) -> str:
    """Where the crossover lies, with its 95 % interval."""
    lead = worth[DESCENT_ARMS].sub(worth["tree"], axis=0).dropna()
    tasks = [part.to_numpy() for _, part in lead.groupby("task")]
    rng = np.random.default_rng(0)
    draws = [
        crossing(
            np.mean([part[rng.integers(len(part), size=len(part))].mean(axis=0) for part in tasks], axis=0)
        )
        for _ in range(DRAWS)
    ]
    low, high = np.nanpercentile(draws, (2.5, 97.5))
    where = crossing(np.mean([part.mean(axis=0) for part in tasks], axis=0))
    return f"Descent overtakes the tree at a reliability of {where:.2f} ({low:.2f} to {high:.2f})."


def by_task(worth: pd.DataFrame) -> str:
    """Where the crossover lies in each task."""
    rows = []
    for task, part in worth.groupby("task"):
        leads = part[DESCENT_ARMS].sub(part["tree"], axis=0).mean()
        where = crossing(leads.to_numpy())
        rows.append([str(task), *(f"{v:+.0f}" for v in leads), "none" if np.isnan(where) else f"{where:.2f}"])
    return table(["task", *(f"{r:g}" for r in RELIABILITIES), "crossover at"], rows)


def against_aide(runs: pd.DataFrame, worth: pd.DataFrame) -> str:
    """After how many programs, and when, descent reaches what AIDE ends with after EQUAL programs."""
    curves = wide(runs, "curve")
    final = curves[AIDE].dropna().map(lambda curve: at(curve, graded=EQUAL))
    own = [reaching(curve, w) for curve, w in zip(curves[AIDE].loc[final.index], final, strict=True)]
    rows = [_row("AIDE itself", pd.DataFrame(own, index=final.index), worth[f"{AIDE}, {EQUAL} programs"])]
    for arm in ("tree", *DESCENT_ARMS, MOST_PRECISE.name, *(arm.name for arm in ALL_TIES)):
        found = [reaching(curve, w) for curve, w in zip(curves[arm].loc[final.index], final, strict=True)]
        rows.append(_row(arm, pd.DataFrame(found, index=final.index), worth[arm]))
    head = ["", "programs", f"share of AIDE's {EQUAL}", "minutes", "runs that reach it", "worth at the end"]
    return table(head, rows)


def _row(name: str, found: pd.DataFrame, worth: pd.Series) -> list[str]:
    """Runs that never reach it count as if they did with their last program, of which there are EQUAL at least."""
    reached = np.isfinite(found[0])
    programs, minutes = found[0].where(reached, EQUAL), found[1].where(reached, TIME_LIMIT_S) / 60
    return [
        name,
        figure(programs).words(),
        figure(programs / EQUAL).words(digits=2),
        figure(minutes).words(),
        f"{100 * reached.groupby('task').mean().mean():.0f} %",
        figure(worth).words(),
    ]


def defaults(worth: pd.DataFrame) -> str:
    """Each arm that differs by one thing from the default, against it."""
    arms = [arm.name for group in (PARTS, PATIENCE, TIES, TRACES, PRECISION) for arm in group]
    found = {name: figure(worth[name] - worth[DEFAULT]) for name in arms if name in worth}
    sure = holm(found)
    rows = [[name, f.words("+"), f"{sure[name]:.2g}", word(f, sure[name])] for name, f in found.items()]
    head = [f"instead of the default ({DEFAULT})", "gain", "p (Holm)", ""]
    return table(head, rows) + f"\n\nThe default: {figure(worth[DEFAULT]).words()}."


def ties(worth: pd.DataFrame) -> str:
    """Ties taken more readily, against descent of the same reliability."""
    arms = {arm.name: f"gradient {arm.dials.reliability:g}" for arm in TIES_ELSEWHERE}
    found = {name: figure(worth[name] - worth[base]) for name, base in arms.items() if name in worth}
    sure = holm(found)
    rows = [
        [name, arms[name], f.words("+"), f"{sure[name]:.2g}", word(f, sure[name])]
        for name, f in found.items()
    ]
    seeds = min(int(worth[name].notna().sum()) for name in found) if found else 0
    return table(["", "against", "gain", "p (Holm)", ""], rows) + f"\n\nOf {seeds} runs an arm."


def choices(runs: pd.DataFrame) -> str:
    """What is handed over, against the best program by its search score."""
    rows = runs[(runs["arm"] == DEFAULT) & runs["handed"].notna()].set_index(["task", "seed"])["handed"]
    handed = (100 * pd.DataFrame(rows.tolist(), index=rows.index)).clip(lower=WORST)
    first = "1 by selection"
    found = {name: figure(handed[name] - handed[first]) for name in handed.columns if name != first}
    sure = holm(found)
    lines = [[name, f.words("+"), f"{sure[name]:.2g}", word(f, sure[name])] for name, f in found.items()]
    head = ["handed over, of so many finalists", "gain on the best by search score", "p (Holm)", ""]
    return table(head, lines)


def sections(runs: pd.DataFrame) -> Iterator[str]:
    """The parts of the page that are made of figures."""
    worth = percent(runs)
    counts = runs.drop_duplicates(["task", "seed"]).groupby("task").size()
    yield f"Seeds by task: {', '.join(f'{task} {n}' for task, n in counts.items())}; {len(runs)} runs."
    yield f"### Descent and tree by reliability\n\n{by_reliability(worth)}"
    yield f"Gradient against the tree, task by task:\n\n{by_task(worth)}"
    if AIDE in worth:
        yield f"### Against AIDE\n\n{against_aide(runs, worth)}"
    yield f"### Defaults at reliability {USUAL:g}\n\n{defaults(worth)}"
    yield f"### Ties at other reliabilities\n\n{ties(worth)}"
    yield f"### What is handed over\n\n{choices(runs)}"


def tuning_section(runs: pd.DataFrame) -> str:
    """With a line search and without, for all seeds that were played both ways."""
    return f"### Line search\n\n{line_search(runs, percent(runs), handed_by_arm(runs).clip(lower=WORST))}"


def picture(runs: pd.DataFrame) -> str:
    """The crossover as SVG."""
    worth = percent(runs)

    def interval(name: str) -> Interval:
        found = figure(worth[name])
        return Interval(found.mean, found.low, found.high)

    return crossover(
        interval("tree"),
        {r: interval(f"gradient {r:g}") for r in RELIABILITIES},
        axis="hidden worth at the end, % of the best program",
        note="simulation on a bank of programs; 95 % intervals",
        meaning="reliability: share of hypotheses that truly gain",
    )


def main() -> int:
    rows = [*read_lines(RESULTS), *read_lines(TUNING_RESULTS)]
    every = pd.DataFrame(rows).drop_duplicates(["task", "seed", "arm"], keep="last")
    whole = every.groupby(["task", "seed"])["arm"].transform(
        lambda arms: DEFAULT in set(arms) and "tree" in set(arms)
    )
    runs = every[whole]
    put_table(HERE, "benchmarks.lab.report", "\n\n".join([*sections(runs), tuning_section(every)]))
    (HERE / "crossover.svg").write_text(picture(runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
