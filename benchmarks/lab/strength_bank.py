"""Add to the bank the programs that only a line search reaches: all strengths of models that are neither plain nor
regularised (outcomes.py reads them).

    nice -n 19 python -m benchmarks.lab.strength_bank [TASK ...]

A task whose file is in bank/ is left as it is; one that was stopped goes on where it was (--work).
"""

import argparse
import pickle
import sys
import time
from pathlib import Path

import numpy as np

from benchmarks.lab.bank import Bench, WarmPrograms, bench_of, hidden_scores
from benchmarks.lab.outcomes import BANK, PARTS, Stronger, load, nearest
from benchmarks.lab.space import FAMILIES, MODELS, Point
from benchmarks.lab.strengths import KINDS, NAMED, STRENGTHS, kinds_of, size_of, sizes_of, strengths_of
from benchmarks.lab.tasks import SELECTION, SOURCES

Said = list[tuple[np.ndarray, np.ndarray]]
"""What programs say of the search rows and of the others."""


def programs_of(bench: Bench, switches: Point) -> list[Point]:
    """The programs with these switches that the bank has not yet."""
    every = [(models, size) for models in bench.space.coordinates[MODELS] for size in sizes_of(models)]
    return [(models, size, *switches) for models, size in every if size not in NAMED]


def make(name: str, work: Path, warm: WarmPrograms) -> Stronger:
    """The programs of one task; groups of programs that are in `work` are not run again."""
    bench, known = bench_of(name, work), load(name)
    points: list[Point] = []
    rows: Said = []
    for number, switches in enumerate(dict.fromkeys(point[2:] for point in bench.space.points)):
        kept, began = work / f"strengths-{number}.pickle", time.monotonic()
        if not kept.is_file():
            kept.write_bytes(pickle.dumps(_group(warm, bench, programs_of(bench, switches))))
            print(f"{name} {number + 1}: {time.monotonic() - began:.1f} s", file=sys.stderr, flush=True)
        rows += pickle.loads(kept.read_bytes())
        points += programs_of(bench, switches)
    search, later = (np.stack([row[k] for row in rows]) for k in (0, 1))
    said = {"search": search, "selection": later[:, :SELECTION], "hidden": later[:, SELECTION:]}
    codes = {part: nearest(said[part], known.levels[part]) for part in PARTS}
    return Stronger(points, codes, hidden_scores(bench.parts, said["hidden"]))


def _group(warm: WarmPrograms, bench: Bench, points: list[Point]) -> Said:
    """What programs say that differ by their models and their strengths alone."""
    everything = "+".join(FAMILIES)
    fitted = [size_of(everything, dict.fromkeys(KINDS, strength)) for strength in STRENGTHS]
    switches = points[0][2:]
    subsets = [[(model, _place(model, size)) for model in models.split("+")] for models, size, *_ in points]
    warm.run([bench.program((everything, size, *switches)) for size in fitted], bench.folders, subsets)
    return bench.said_by_all()


def _place(model: str, size: str) -> int:
    """Which of the fitted strengths a model has."""
    return STRENGTHS.index(strengths_of(size)[kinds_of(model)[0]])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lab.strength_bank", description=__doc__.splitlines()[0]
    )
    parser.add_argument("tasks", nargs="*", default=list(SOURCES), metavar="TASK")
    parser.add_argument("--work", type=Path, default=Path("runs/lab"), help="folder for what is under way")
    parser.add_argument("--bank", type=Path, default=BANK, help="folder of the bank")
    given = parser.parse_args(argv)
    warm = WarmPrograms()
    for name in given.tasks:
        if not Stronger.path(given.bank, name).is_file():
            make(name, given.work.resolve() / name, warm).save(Stronger.path(given.bank, name))
    return 0


if __name__ == "__main__":
    sys.exit(main())
