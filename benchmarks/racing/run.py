"""How often a race stops a program that is as good as the incumbent, and how many folds it saves on worse ones.

    nice -n 19 python -m benchmarks.racing.run [--runs N]

Beside the product's test stands the one it replaced, Student's at equal parts of the rate. README.md says what is drawn.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
from scipy import stats

from benchmarks.lab.tasks import SOURCES
from benchmarks.lab.world import World, world_of
from benchmarks.readme import put_table
from gome.optimizer.racing import ERROR_RATE, plainly_worse
from gome.tools.evaluation.unit_gains import PairedUnits, UnitGains

HERE = Path(__file__).parent
CUTS = ((3, 30), (5, 20), (5, 60), (5, 300), (10, 20))
"""(folds, rows of a fold)."""
PAIRS = 40
"""Pairs of programs drawn of each task of the bank."""
GOOD = 600
"""The best programs of a task, by hidden score, that incumbents are drawn from."""

Draw = Callable[[np.random.Generator, int], np.ndarray]
SHAPES: dict[str, Draw] = {
    "normal": lambda rng, n: rng.normal(size=n),
    "Student's, 3 degrees": lambda rng, n: rng.standard_t(3, size=n),
    "most a little worse (exponential)": lambda rng, n: rng.exponential(size=n) - 1,
    "most a little better": lambda rng, n: 1 - rng.exponential(size=n),
    "most a little worse (log-normal)": lambda rng, n: rng.lognormal(size=n) - np.exp(0.5),
    "1 row in 20 far better": lambda rng, n: (
        np.where(rng.random(n) < 0.05, 19.0, -1) + 0.1 * rng.normal(size=n)
    ),
    "hits and misses, 1 row in 10 changed": lambda rng, n: rng.choice(
        [-1.0, 0, 1], p=[0.05, 0.9, 0.05], size=n
    ),
    "-1, 0 and 4, 1 row in 10 changed": lambda rng, n: rng.choice([-1.0, 0, 4], p=[0.08, 0.9, 0.02], size=n),
    "1 row in 10 changed, normal": lambda rng, n: (rng.random(n) < 0.1) * rng.normal(size=n),
}
"""Gains of single rows of a program that is as good as the incumbent."""


def students(found: UnitGains, folds: int) -> bool:
    """The test before: gain over standard error, each look at its equal part of the rate."""
    rows, spread = len(found.gains), float(found.gains.std(ddof=1))
    level = ERROR_RATE / (folds - 1)
    return spread > 0 and float(stats.t.cdf(found.gains.mean() * np.sqrt(rows) / spread, rows - 1)) < level


Test = Callable[[UnitGains, int], bool]
TESTS: tuple[Test, Test] = (students, plainly_worse)


def ended(gains: np.ndarray, room: np.ndarray, folds: int) -> list[int]:
    """After how many of the folds each test ends the race, `folds` where it does not."""
    rows = len(gains) // folds

    def looks(test: Test) -> Iterator[int]:
        for k in range(1, folds):
            if test(UnitGains(gains[: k * rows], room[: k * rows], room), folds):
                yield k

    return [next(looks(test), folds) for test in TESTS]


def simulated(draw: Draw, folds: int, rows: int, runs: int, gain: float = 0.0) -> np.ndarray:
    """(runs, tests): the incumbent loses what the candidate gains, if anything, and something besides."""
    rng, found = np.random.default_rng(0), []
    for _ in range(runs):
        gains = draw(rng, folds * rows) + gain
        found.append(ended(gains, np.maximum(gains, 0) + rng.exponential(size=len(gains)), folds))
    return np.array(found)


def pairs(world: World, rng: np.random.Generator) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """(gains, room) of the search rows of programs that differ by one coordinate."""
    said, space = world.outcomes, world.space
    rows = np.arange(len(said.truth["search"]))
    answers = said.answers("search", rows)
    best = np.argsort(-world.worth)[:GOOD]
    for number in rng.choice(best, PAIRS):
        near = [other for _, other in space.neighbours(said.points[number])]
        other = world.number(near[rng.integers(len(near))])
        paired = PairedUnits(world.task, [(answers, said.predictions(number, "search", rows))], seed=0)
        found = paired.of([(answers, said.predictions(other, "search", rows))])
        if found is not None and found.room is not None and found.gains.any():
            yield found.gains, found.room


def of_programs(name: str, folds: int, runs: int) -> tuple[np.ndarray, np.ndarray]:
    """Races of pairs of real programs: as good as each other (gains less their mean; of hits and misses the sign by lot;
    rows drawn with replacement), and as they are, where all rows say worse by two standard errors or more."""
    rng = np.random.default_rng(0)
    null, worse = [], []
    for gains, room in pairs(world_of(name, 0), rng):
        size = len(gains) // folds * folds
        for _ in range(runs):
            at = rng.integers(len(gains), size=size)
            if np.count_nonzero(gains) < len(gains) / 2:
                same = gains[at] * rng.choice([-1, 1], size)
                null.append(ended(same, np.maximum(room[at], same), folds))
            else:
                null.append(ended(gains[at] - gains.mean(), room[at] - gains.mean(), folds))
        if gains.mean() * np.sqrt(len(gains)) / gains.std() < -2:
            at = rng.permutation(len(gains))[:size]
            worse.append(ended(gains[at], room[at], folds))
    return np.array(null), np.array(worse)


def _stopped(ended_: np.ndarray, folds: int) -> str:
    return " → ".join(f"{100 * share:.1f}" for share in (ended_ < folds).mean(axis=0))


def _folds(ended_: np.ndarray) -> str:
    return " → ".join(f"{mean:.2f}" for mean in ended_.mean(axis=0))


def tables(runs: int) -> str:
    """The three tables, Markdown; before → after."""
    heads = " | ".join(f"{folds} × {rows}" for folds, rows in CUTS)
    lines = [f"| gains of rows | {heads} |", "| --- |" + " --- |" * len(CUTS)]
    for name, draw in SHAPES.items():
        cells = " | ".join(_stopped(simulated(draw, f, rows, runs), f) for f, rows in CUTS)
        lines.append(f"| {name} | {cells} |")
        print(lines[-1], file=sys.stderr, flush=True)
    lines += [
        "",
        "| worse by, standard errors | 5 × 60: stopped, % | folds run | 5 × 300: stopped, % | folds run |",
    ]
    lines.append("| --- | --- | --- | --- | --- |")
    for se in (0, 2, 3, 4, 6):
        figures: list[str] = []
        for rows in (60, 300):
            found = simulated(SHAPES["normal"], 5, rows, runs, gain=-se / np.sqrt(5 * rows))
            figures += [_stopped(found, 5), _folds(found)]
        lines.append(f"| {se} | {' | '.join(figures)} |")
        print(lines[-1], file=sys.stderr, flush=True)
    lines += ["", "| programs of | metric | as good: stopped, % | surely worse: pairs | folds run of 5 |"]
    lines.append("| --- | --- | --- | --- | --- |")
    for name in SOURCES:
        null, worse = of_programs(name, 5, max(1, runs // 40))
        metric = world_of(name, 0).task.metric
        lines.append(f"| {name} | {metric} | {_stopped(null, 5)} | {len(worse)} | {_folds(worse)} |")
        print(lines[-1], file=sys.stderr, flush=True)
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Write the tables into README.md; 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--runs", type=int, default=1000)
    put_table(HERE, "benchmarks.racing.run", tables(parser.parse_args(argv).runs))
    return 0


if __name__ == "__main__":
    sys.exit(main())
