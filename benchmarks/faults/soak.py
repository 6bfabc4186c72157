"""An hour of runs that are hit all the time: killed, starved of disk, cut off from the model, robbed, moved in time.

python -m benchmarks.faults.soak --minutes 60 --work DIR     (Linux with cc, as root: the full disk is a small tmpfs)

Runs of the command line follow one another. Every 5 to 30 s something happens to the one that goes; a run whose process
ended is resumed. What is counted after each process: model calls and programs that had been finished and were done again,
and ends without one clear line. Runs have the same seed, and their traces see of each other what was done before the
last join (--sync-every), so their steps must be the same ones.
"""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psutil

from benchmarks.faults.scripted_model import write_task
from benchmarks.faults.watch import (
    Finished,
    Model,
    as_table,
    decisions,
    finished,
    is_one_clear_line,
    last_words,
    repeated,
)

DISK_MB = 256
GOME = [sys.executable, "-m", "gome"]
OPTIONS = [
    "--traces",
    "2",
    "--selection-seeds",
    "1",
    "--finalists",
    "2",
    "--steps",
    "1000",
    "--sync-every",
    "5",
]
CLOCKS_S = [0, 0, 400 * 86400, -3 * 86400, 7200]


class Soak:
    """One soak: the run that goes, the process that drives it, and what was counted so far."""

    def __init__(self, work: Path, seconds_a_run: float, seed: int) -> None:
        self.work, self.seconds_a_run, self.rng = work, seconds_a_run, random.Random(seed)
        self.disk = work / "disk"
        self.disk.mkdir(parents=True)
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={DISK_MB}m", "tmpfs", self.disk], check=True)
        self.task, self.clock = write_task(work / "line"), work / "clock.so"
        source = Path(__file__).with_name("clock.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.clock, source], check=True)
        self.counts: Counter[str] = Counter()
        self.faults: dict[str, Counter[str]] = {}
        self.unclear: list[str] = []
        self.histories: list[list[tuple[str, str | None, str]]] = []
        self.run_dir, self.before = self.disk / "run0", Finished(frozenset(), {}, 0)
        self.process: subprocess.Popen[bytes] | None = None

    def start(self, model: Model) -> None:
        """A new process of the run, sometimes under another date."""
        log = self.work / "process.log"
        given = ["--model", "openai:loopback", "--base-url", model.url, "--run-dir", str(self.run_dir)]
        limit = ["--time-limit-s", str(self.seconds_a_run)]
        begun = (self.run_dir / "run.json").is_file()
        if not begun:  # killed while it was laid out: nothing is there to go on with
            shutil.rmtree(self.run_dir, ignore_errors=True)
        arguments = (
            ["resume", str(self.run_dir)] if begun else ["run", str(self.task), *OPTIONS, *limit, *given]
        )
        env = dict(os.environ)
        if begun and (moved := self.rng.choice(CLOCKS_S)):
            env |= {"LD_PRELOAD": str(self.clock), "MOVED_BY_S": str(moved)}
            self.hit("clock jump", "went on")
        with log.open("wb") as said:
            self.process = subprocess.Popen(
                [*GOME, *arguments], stdout=said, stderr=said, env=env, start_new_session=True
            )
        self.counts["processes"] += 1

    def hit(self, fault: str, outcome: str) -> None:
        """Note what came of a fault."""
        self.faults.setdefault(fault, Counter())[outcome] += 1

    def alive(self) -> bool:
        """Whether the run's process goes on."""
        return self.process is not None and self.process.poll() is None

    def end_of_process(self, model: Model) -> None:
        """Take stock of a process that is over."""
        assert self.process is not None
        code = self.process.wait()
        if code not in (-signal.SIGKILL, 0) and not (code == 2 and is_one_clear_line(self.said())):
            self.unclear.append(f"exit code {code}: {self.said()[-1500:]}")
        asked = model.asked()
        calls, programs = repeated(self.before, self.run_dir, asked)
        self.counts["repeated calls"] += calls
        self.counts["repeated programs"] += programs
        self.before = finished(self.run_dir, asked)
        if (self.run_dir / "result.json").is_file():
            self.run_is_over()

    def run_is_over(self) -> None:
        """A run came to its end: keep its decisions, begin the next one."""
        result = json.loads((self.run_dir / "result.json").read_text())
        self.counts["runs"] += 1
        self.counts["submissions"] += bool(result["best"] and result["submission_ok"])
        self.counts["steps"] += result["steps"]
        self.histories.append(decisions(self.run_dir))
        for name in ("history.jsonl", "events.jsonl", "result.json"):
            shutil.copyfile(self.run_dir / name, self.work / f"{self.run_dir.name}.{name}")
        shutil.rmtree(self.run_dir)
        self.run_dir = self.disk / f"run{self.counts['runs']}"
        self.before = Finished(frozenset(), {}, 0)

    def said(self) -> str:
        """The last words of the process."""
        return last_words(self.work / "process.log")

    # the faults

    def kill_agent(self, model: Model) -> None:
        """kill -9 of the agent."""
        assert self.process is not None
        tree = psutil.Process(self.process.pid).children(recursive=True)
        self.process.kill()
        self.process.wait()
        psutil.wait_procs(tree, timeout=10)
        left = [p for p in tree if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        self.counts["orphans"] += len(left)
        self.hit("kill -9 of the agent", "resumed")

    def kill_below(self, fault: str, is_it: Callable[[list[str]], bool]) -> None:
        """kill -9 of a process below the agent, as soon as there is one."""
        assert self.process is not None
        until = time.monotonic() + 20
        while time.monotonic() < until and self.alive():
            with suppress(psutil.Error):
                tree = psutil.Process(self.process.pid).children(recursive=True)
                if found := [p for p in tree if is_it(p.cmdline())]:
                    self.rng.choice(found).kill()
                    self.hit(fault, "went on")
                    return
            time.sleep(0.005)

    def kill_program(self, model: Model) -> None:
        """kill -9 of a running program."""
        self.kill_below("kill -9 of a program", lambda c: c[-1:] == ["main.py"] and len(c) == 2)

    def kill_sandbox(self, model: Model) -> None:
        """kill -9 of what a program runs in."""
        self.kill_below(
            "kill -9 of a sandbox", lambda c: bool(c) and Path(c[0]).name in ("bwrap", "supervisor.py")
        )

    def outage(self, model: Model) -> None:
        """The model's service is away for a while."""
        model.out_of_service(self.rng.uniform(2, 12))
        self.hit("model out of service, 2 to 12 s", "went on")

    def fill_disk(self, model: Model) -> None:
        """No byte is left on the disk until the agent has stopped."""
        filler = self.disk / "filler"
        with suppress(OSError), filler.open("wb") as file:
            while True:
                file.write(b"\0" * 65536)
                file.flush()
        self.stopped_by("full disk", 40)
        filler.unlink()

    def steal_artifact(self, model: Model) -> None:
        """A file of the last steps is gone until the agent has stopped, or long enough to see that it needs it not."""
        files = sorted((self.run_dir / "artifacts").rglob("*.*"), key=lambda p: p.stat().st_mtime)[-40:]
        if files:
            stolen, place = self.rng.choice(files), self.work / "stolen"
            shutil.move(stolen, place)
            self.stopped_by("deleted artifact", 10)
            shutil.move(place, stolen)

    def stopped_by(self, fault: str, seconds: float) -> None:
        """Note whether the agent stops within so long, and how."""
        assert self.process is not None
        with suppress(subprocess.TimeoutExpired):
            self.process.wait(seconds)
        code = self.process.poll()
        if code in (None, 0):
            self.hit(fault, "went on" if code is None else "the run ended well")
        else:
            self.hit(fault, "one clear line" if is_one_clear_line(self.said()) else "unclear end")


def soak(minutes: float, work: Path, seconds_a_run: float, seed: int) -> Soak:
    """Run for so long; the counts so far are in DIR/soak.json all the time."""
    subject = Soak(work, seconds_a_run, seed)
    faults = [
        subject.kill_agent,
        subject.kill_agent,
        subject.kill_program,
        subject.kill_program,
        subject.kill_sandbox,
        subject.outage,
        subject.fill_disk,
        subject.steal_artifact,
    ]
    began = time.monotonic()
    try:
        with Model(work) as model:
            while (passed := time.monotonic() - began) < 60 * minutes:
                if not subject.alive():
                    subject.start(model)
                with suppress(subprocess.TimeoutExpired):
                    subject.process.wait(subject.rng.uniform(5, 30))  # type: ignore[union-attr]
                if subject.alive():
                    subject.rng.choice(faults)(model)
                if not subject.alive():
                    subject.end_of_process(model)
                (work / "soak.json").write_text(json.dumps(summary(subject, passed), indent=1))
            if subject.alive():
                subject.kill_agent(model)
                subject.end_of_process(model)
            (work / "soak.json").write_text(json.dumps(summary(subject, passed), indent=1))
    finally:
        subprocess.run(["umount", "-l", subject.disk], check=False)
    return subject


def summary(subject: Soak, seconds: float) -> dict[str, object]:
    """The figures so far."""
    common = {step: found for step, found in _by_step(subject.histories).items() if len(found) > 1}
    return {
        "minutes": round(seconds / 60, 1),
        **subject.counts,
        "moments": sum(sum(outcomes.values()) for outcomes in subject.faults.values()),
        "faults": {name: dict(outcomes) for name, outcomes in subject.faults.items()},
        "steps_compared": len(common),
        "steps_that_differ": [step for step, found in common.items() if len(set(found)) > 1],
        "unclear": subject.unclear,
    }


def _by_step(
    histories: list[list[tuple[str, str | None, str]]],
) -> dict[str, list[tuple[str | None, str]]]:
    found: dict[str, list[tuple[str | None, str]]] = {}
    for history in histories:
        for step, code, verdict in history:
            found.setdefault(step, []).append((code, verdict))
    return found


def main() -> None:
    """Run the soak and print its table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--run-minutes", type=float, default=6)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--seed", type=int, default=0)
    given = parser.parse_args()
    subject = soak(given.minutes, given.work.resolve(), 60 * given.run_minutes, given.seed)
    rows = [
        {"fault": name, "times": sum(o.values()), "came of it": ", ".join(f"{k} {v}" for k, v in o.items())}
        for name, o in sorted(subject.faults.items())
    ]
    print(as_table(rows))
    print((given.work / "soak.json").read_text())


if __name__ == "__main__":
    main()
