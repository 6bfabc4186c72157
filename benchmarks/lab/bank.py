"""Make the bank: run every program of every task once, and keep what it predicted (outcomes.py reads it).

    nice -n 19 python -m benchmarks.lab.bank [TASK ...] [--programs N] [--check N]

A task whose file is in bank/ is left as it is; one that was stopped goes on where it was (--work). --check runs some
programs whole, and tells those that predict anything else.
"""

import argparse
import json
import os
import pickle
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

import numpy as np
import pandas as pd

from benchmarks.lab.outcomes import BANK, PARTS, Outcomes, levels_of, load_with_strengths, nearest
from benchmarks.lab.space import FAMILIES, MODELS, Point, Space, space_of
from benchmarks.lab.tasks import ID, SELECTION, SOURCES, Parts, lay_out, write_task
from gome.offline.compose import render
from gome.state.prompt_context import PromptContext
from gome.tools.data.profile import profile
from gome.tools.evaluation.bootstrap import score
from gome.tools.execution.environment.runtime import ensure_runtime

FOLDS = 2
SKEWED = 1.0
SERVER = Path(__file__).with_name("warm_server.py")
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1", "SEED": "0"}


class WarmPrograms:
    """A warm process of the solutions' environment that runs programs, without walls: they are ours."""

    def __init__(self) -> None:
        self._server = subprocess.Popen(
            [str(ensure_runtime().python), str(SERVER)],
            env={**os.environ, **THREADS, "PYTHONPATH": ""},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def run(
        self, programs: Sequence[str], folders: Sequence[Path], subsets: Sequence[Sequence[tuple[str, int]]]
    ) -> np.ndarray:
        """Run the programs in each folder, as if there were one for each of these `subsets` of their models, given as
        (model, place in `programs`): what they say is in said.npy there, (subsets, rows). Returned are the seconds that
        each took, (folders, subsets). Without any, the first program as it is: submission-whole.csv.

        RuntimeError if one fails."""
        assert self._server.stdin is not None
        assert self._server.stdout is not None
        request = {"programs": programs, "folders": [str(folder) for folder in folders], "subsets": subsets}
        self._server.stdin.write(json.dumps(request) + "\n")
        self._server.stdin.flush()
        reply = json.loads(self._server.stdout.readline())
        if "error" in reply:
            raise RuntimeError(reply["error"])
        return np.array(reply["seconds"])


def context_of(parts: Parts) -> PromptContext:
    """What the composer reads of a task."""
    task = parts.task
    dates = {name: written.format for name, written in task.dates.items()}
    shown = {**task.model_dump(), "dates": dates, "ids": task.ids, "text_columns": task.text_columns}
    return cast(PromptContext, {"task": shown, "data": profile(task)})


def spread(labels: pd.Series, folds: int, rng: np.random.Generator) -> np.ndarray:
    """The fold of each row, labels spread evenly."""
    order = np.lexsort((rng.random(len(labels)), labels.rank(method="dense")))
    fold = np.empty(len(labels), dtype=np.uint8)
    fold[order] = np.arange(len(labels)) % folds
    return fold


@dataclass(frozen=True)
class Bench:
    """A task laid out to run its programs: `folders` are those of the search folds, and the one that learns from all
    search rows and predicts all others."""

    parts: Parts
    context: PromptContext
    space: Space
    fold: np.ndarray
    folders: list[Path]

    def program(self, point: Point) -> str:
        """The text of a program."""
        return render(self.space.recipe(point), self.context)

    def said_whole(self) -> tuple[np.ndarray, np.ndarray]:
        """What the program that was run whole says of the search rows, and of the others."""
        return self._put_together(
            [pd.read_csv(folder / "submission-whole.csv").iloc[:, 1].to_numpy() for folder in self.folders]
        )

    def said_by_all(self) -> list[tuple[np.ndarray, np.ndarray]]:
        """What each program of the group that was run says of the search rows, and of the others."""
        by_folder = [np.load(folder / "said.npy") for folder in self.folders]
        known = [said.astype(object) if said.dtype.kind == "U" else said for said in by_folder]
        return [self._put_together(list(rows)) for rows in zip(*known, strict=True)]

    def _put_together(self, said: list[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        search = np.empty(len(self.fold), dtype=said[0].dtype)
        for k, values in enumerate(said[:-1]):
            search[self.fold == k] = values
        return search, said[-1]


def bench_of(name: str, work: Path) -> Bench:
    """The task, laid out in `work`."""
    parts = lay_out(name, work / "task")
    task, context, target = parts.task, context_of(parts), parts.task.target[0]
    is_regression = task.problem == "regression"
    skewed = is_regression and (context["data"]["target"][target].get("skew") or 0.0) > SKEWED
    space = space_of(context["data"]["columns"], is_regression=is_regression, skewed=skewed)
    fold = spread(parts.train[target], FOLDS, np.random.default_rng(0))
    folders = [*(work / f"fold{k}" for k in range(FOLDS)), work / "whole"]
    for k, folder in enumerate(folders[:-1]):
        write_task(folder / "input", SOURCES[name], name, parts.train[fold != k], parts.train[fold == k])
    write_task(folders[-1] / "input", SOURCES[name], name, parts.train, parts.later)
    return Bench(parts, context, space, fold, folders)


Row = tuple[np.ndarray, np.ndarray, float]
"""What one program says of the search rows and of the others, and the mean seconds of a search fold."""


def make(name: str, work: Path, warm: WarmPrograms, most: int | None) -> Outcomes:
    """The bank of one task; groups of programs that are in `work` are not run again."""
    bench = bench_of(name, work)
    models = bench.space.coordinates[MODELS]
    rests = list(dict.fromkeys(point[1:] for point in bench.space.points))[: most and -(-most // len(models))]
    rows: list[Row] = []
    for number, rest in enumerate(rests):
        kept, began = work / f"group-{number}.pickle", time.monotonic()
        if not kept.is_file():
            kept.write_bytes(pickle.dumps(_group(warm, bench, rest)))
            print(
                f"{name} {number + 1}/{len(rests)}: {time.monotonic() - began:.1f} s",
                file=sys.stderr,
                flush=True,
            )
        rows += pickle.loads(kept.read_bytes())
    return _outcomes(bench, [(m, *rest) for rest in rests for m in models], rows)


def _group(warm: WarmPrograms, bench: Bench, rest: Point) -> list[Row]:
    """The programs that differ by their models alone, in the order of the sets of models."""
    subsets = [[(name, 0) for name in level.split("+")] for level in bench.space.coordinates[MODELS]]
    seconds = warm.run([bench.program(("+".join(FAMILIES), *rest))], bench.folders, subsets)
    return [(*said, float(s)) for said, s in zip(bench.said_by_all(), seconds[:-1].mean(axis=0), strict=True)]


def differing(name: str, bank: Path, work: Path, warm: WarmPrograms, count: int) -> list[Point]:
    """Of `count` programs drawn at random, run whole, those whose predictions are not what the bank says."""
    bench, known = bench_of(name, work), load_with_strengths(name, bank)
    wrong = []
    for place in np.random.default_rng(0).choice(len(known.points), count, replace=False):
        point = known.points[place]
        warm.run([bench.program(point)], bench.folders, [])
        search, _ = bench.said_whole()
        if not np.array_equal(nearest(search, known.levels["search"]), known.codes["search"][place]):
            wrong.append(point)
    return wrong


def _outcomes(bench: Bench, points: list[Point], rows: list[Row]) -> Outcomes:
    parts, task, target = bench.parts, bench.parts.task, bench.parts.task.target[0]
    search, later = (np.stack([row[k] for row in rows]) for k in (0, 1))
    said = {"search": search, "selection": later[:, :SELECTION], "hidden": later[:, SELECTION:]}
    levels = {part: levels_of(said[part], part, task.classes) for part in PARTS}
    codes = {part: nearest(said[part], levels[part]) for part in PARTS}
    truth = {
        "search": parts.train[target].to_numpy(),
        "selection": parts.later[target].to_numpy()[:SELECTION],
        "hidden": parts.later[target].to_numpy()[SELECTION:],
    }
    return Outcomes(
        task=task,
        space=bench.space,
        points=points,
        fold=bench.fold,
        codes=codes,
        levels=levels,
        truth=truth,
        hidden=hidden_scores(parts, said["hidden"]),
        seconds=np.array([row[2] for row in rows]),
    )


def hidden_scores(parts: Parts, said: np.ndarray) -> np.ndarray:
    """The scores of programs on the hidden rows by what they say of them, (programs, rows)."""
    task, target = parts.task, parts.task.target[0]
    answers = parts.later[[ID, target]].iloc[SELECTION:].reset_index(drop=True)
    tables = (answers[[ID]].assign(**{target: values}) for values in said)
    return np.array(
        [score(task, [(answers, table)], seed=0, resamples=2)["value"] for table in tables], dtype=float
    )


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lab.bank", description=__doc__.splitlines()[0]
    )
    parser.add_argument("tasks", nargs="*", default=list(SOURCES), metavar="TASK")
    parser.add_argument("--programs", type=int, help="only so many of each task")
    parser.add_argument("--work", type=Path, default=Path("runs/lab"), help="folder for what is under way")
    parser.add_argument("--bank", type=Path, default=BANK, help="folder of the bank")
    parser.add_argument("--check", type=int, default=0, help="run so many programs of each task whole")
    given = parser.parse_args(argv)
    warm = WarmPrograms()
    for name in given.tasks:
        work = given.work.resolve() / name
        if not (given.bank / f"{name}.npz").is_file():
            make(name, work, warm, given.programs).save(given.bank / f"{name}.npz")
        if given.check:
            wrong = differing(name, given.bank, work, warm, given.check)
            print(f"{name}: {len(wrong)} of {given.check} programs differ when they are run whole", *wrong)
    return 0


if __name__ == "__main__":
    sys.exit(main())
