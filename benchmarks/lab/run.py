"""Play the arms on the bank, seed by seed; results are appended to results.jsonl, so that a later call adds more.

python -m benchmarks.lab.run --seeds 500 [--minutes M] [--tasks TASK ...] [--arms ARM ...]
"""

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import sklearn

from benchmarks.lab.arms import ARMS, DEFAULT, TUNED, Arm
from benchmarks.lab.handover import handed_over
from benchmarks.lab.line_search import DEFAULT_LIMITS
from benchmarks.lab.nodes import Graded
from benchmarks.lab.outcomes import BANK
from benchmarks.lab.play import Played, play
from benchmarks.lab.reasoner import TRULY
from benchmarks.lab.tasks import SOURCES
from benchmarks.lab.world import SAMPLES, World, world_of
from gome.state.step import StepRecord
from gome.tools.records.jsonl import append_line, read_lines

RESULTS = Path(__file__).with_name("results.jsonl")
BLOCK = 5
"""Seeds for which all tasks are played before the next ones begin."""


def row_of(arm: Arm, name: str, seed: int, bank: Path = BANK) -> dict[str, Any]:
    """One run: the line for results.jsonl."""
    world = world_of(name, seed % SAMPLES, bank)
    limits = arm.limits or DEFAULT_LIMITS
    played = play(world, arm.dials, seed, settings=arm.config(), tie_from=arm.tie_from, limits=limits)
    row: dict[str, Any] = {"task": name, "seed": seed, "arm": arm.name, **measured(world, played)}
    if arm.limits:
        row |= searched(played)
    if arm.name in (DEFAULT, TUNED):
        row["handed"] = {k: round(v, 3) for k, v in handed_over(world, played.records).items()}
    return row


def measured(world: World, played: Played) -> dict[str, Any]:
    """What a run reached and by which path: `curve` has a triple (programs graded, seconds, hidden worth) each time that
    another program became the best one by its search score."""
    edits = [r for r in played.records if r.kind == "edit" and r.parent and r.evaluation]
    gains = [_gain(world, r, played.records) for r in edits]
    curve = list(path(world, played.graded))
    return {
        "graded": len(played.graded),
        "worth": curve[-1][2] if curve else 0.0,
        "curve": curve,
        "edits": len(edits),
        "truly": sum(gain > TRULY for gain in gains),
        "merges": sum(r.kind == "merge" for r in played.records),
    }


def searched(played: Played) -> dict[str, Any]:
    """What a line search did: trials that ended, their seconds, steps taken over from it, and how many were accepted."""
    steps = [record for record in played.records if record.kind == "tune"]
    return {
        "trials": len(played.trials),
        "trial_s": round(sum(trial.seconds for trial in played.trials)),
        "tune": len(steps),
        "tuned": sum(record.accepted for record in steps),
    }


def path(world: World, graded: Sequence[Graded]) -> Iterator[tuple[int, int, float]]:
    """Where the best accepted program changes."""
    best = None
    for count, program in enumerate(graded, start=1):
        value = world.sign * world.score(program.number)["value"] if program.accepted else None
        if value is not None and (best is None or value > best):
            best = value
            yield count, round(program.at_s), round(float(world.worth[program.number]), 3)


def _gain(world: World, record: StepRecord, records: Sequence[StepRecord]) -> float:
    numbers = {r.code: r.evaluation["facts"]["number"] for r in records if r.evaluation}
    return float(world.worth[numbers[record.code]] - world.worth[numbers[str(record.parent)]])


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.lab.run", description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no further run after so long")
    parser.add_argument("--tasks", nargs="*", default=list(SOURCES), choices=list(SOURCES), metavar="TASK")
    parser.add_argument("--arms", nargs="*", help="some of: " + ", ".join(arm.name for arm in ARMS))
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args(argv)
    sklearn.set_config(assume_finite=True, skip_parameter_validation=True)  # the bank's rows are sound
    done = {(r["task"], r["seed"], r["arm"]) for r in read_lines(given.results)}
    end = time.monotonic() + 60 * given.minutes
    wanted = (
        (arm, name, seed)
        for first in range(0, given.seeds, BLOCK)
        for name in given.tasks
        for seed in range(first, min(first + BLOCK, given.seeds))
        for arm in ARMS
        if (name, seed, arm.name) not in done and (not given.arms or arm.name in given.arms)
    )
    for arm, name, seed in wanted:
        if time.monotonic() > end:
            break
        append_line(given.results, row_of(arm, name, seed))
    return 0


if __name__ == "__main__":
    sys.exit(main())
