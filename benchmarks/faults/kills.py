"""kill -9 at random moments, and resume: what is repeated, and whether the finished run is the same as an unkilled one.

python -m benchmarks.faults.kills --kills 100
"""

import argparse
import itertools
import json
import random
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import psutil

from benchmarks.faults.forked_run import Driver, Store, begin, end, process_of
from benchmarks.faults.scripted_model import write_task
from benchmarks.faults.watch import Model, as_table, decisions, finished, last_words, repeated
from gome.state.config import RunConfig

WAYS: list[tuple[Store, Driver]] = [
    ("sqlite", "sync"),
    ("sqlite", "async"),
    ("memory", "sync"),
    ("memory", "async"),
]
KILLS_A_RUN = 5
LONGEST_S = 600.0


@dataclass
class Tally:
    """What happened to the runs of one way of driving them."""

    store: Store
    driver: Driver
    runs: int = 0
    kills: int = 0
    same: int = 0
    repeated_calls: int = 0
    repeated_programs: int = 0
    asked_again_in_flight: int = 0
    orphans: int = 0

    def row(self) -> dict[str, object]:
        """The tally as a row of the table."""
        return {
            "store": self.store,
            "driver": self.driver,
            "runs": self.runs,
            "kills": self.kills,
            "same steps as unkilled": f"{self.same} of {self.runs}",
            "finished calls repeated": self.repeated_calls,
            "finished programs repeated": self.repeated_programs,
            "calls lost in flight": self.asked_again_in_flight,
            "processes left": self.orphans,
        }


class Kills:
    """Runs on one small task, under one seed, against one loopback model."""

    def __init__(self, work: Path, model: Model, *, steps: int, seed: int) -> None:
        self.work, self.model, self.steps, self.rng = work, model, steps, random.Random(seed)
        self.task = write_task(work / "line")
        self._numbers = itertools.count()

    def unkilled(self, store: Store, driver: Driver) -> tuple[list[tuple[str, str | None, str]], float]:
        """The decisions of a run that nothing happens to, and how long it takes, in seconds."""
        began = time.monotonic()
        run_dir = self._run(store, driver, [], Tally(store, driver))
        return decisions(run_dir), time.monotonic() - began

    def killed(self, tally: Tally, moments: list[float], expected: list[tuple[str, str | None, str]]) -> None:
        """One run that is killed so many seconds after each start, and then goes on to its end."""
        run_dir = self._run(tally.store, tally.driver, moments, tally)
        result = json.loads((run_dir / "result.json").read_text())
        tally.runs += 1
        stands = bool(result["best"] and result["submission_ok"])
        tally.same += decisions(run_dir) == expected and stands

    def _run(self, store: Store, driver: Driver, moments: list[float], tally: Tally) -> Path:
        folder = self.work / f"{store}-{driver}-{next(self._numbers)}"
        folder.mkdir()
        config = RunConfig(
            run_dir=str(folder / "run"),
            model="openai:loopback",
            base_url=self.model.url,
            steps=self.steps,
            finalists=2,
            selection_seeds=1,
        )
        run_dir, log = Path(config.run_dir), folder / "said.txt"
        process = process_of(store, driver, self.task, config, folder)
        first = len(self.model.asked())
        before = finished(run_dir, self.model.asked())
        for moment in [*moments, LONGEST_S]:
            code = end(begin(process, log), moment)
            calls, programs = repeated(before, run_dir, self.model.asked())
            tally.repeated_calls += calls
            tally.repeated_programs += programs
            if code is not None:
                break
            tally.kills += 1
            tally.orphans += len(_left(run_dir))
            before = finished(run_dir, self.model.asked())
        if code != 0:
            raise RuntimeError(f"the run ended with {code}: {last_words(log)}")
        asked = self.model.asked()[first:]
        tally.asked_again_in_flight += len(asked) - len(set(asked))
        return run_dir


def _left(run_dir: Path) -> list[psutil.Process]:
    """Programs of the run that are still there a moment after its agent was killed."""
    until = time.monotonic() + 5
    while True:
        found = [
            p for p in psutil.process_iter(["cmdline"]) if str(run_dir) in " ".join(p.info["cmdline"] or [])
        ]
        if not found or time.monotonic() > until:
            return found
        time.sleep(0.01)


def measure(work: Path, *, kills: int, steps: int, seed: int = 0) -> Iterator[Tally]:
    """Kill runs of every way, as late as an unkilled one takes, until each way has had its share of `kills`."""
    with Model(work) as model:
        subject = Kills(work, model, steps=steps, seed=seed)
        expected, whole = subject.unkilled("sqlite", "sync")
        for store, driver in WAYS:
            tally = Tally(store, driver)
            while tally.kills < kills / len(WAYS):
                count = min(KILLS_A_RUN, round(kills / len(WAYS)) - tally.kills)
                moments = [subject.rng.uniform(0, whole) for _ in range(count)]
                subject.killed(tally, moments, expected)
            yield tally


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--kills", type=int, default=100)
    parser.add_argument("--steps", type=int, default=4, help="steps of each of the two traces")
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gome-kills-") as work:
        rows = []
        for tally in measure(Path(work), kills=given.kills, steps=given.steps, seed=given.seed):
            rows.append(tally.row())
            print(rows[-1], flush=True)
    print(as_table(rows))


if __name__ == "__main__":
    main()
