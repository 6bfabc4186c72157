"""A program that gives way stands still with all its processes, for nothing of that time, and dies with its agent."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from threading import Thread

import psutil
import pytest

from gome.state.config import Isolation
from gome.tools.execution.job import Executor, Job, Outcome
from gome.tools.execution.scheduler import LocalScheduler
from gome.tools.execution.slots import ASIDE, Slots
from tests.levels import EXECUTORS, LACKS, PYTHON

BEATS = 20
PROGRAM = f"""
import os, time
name = "child" if os.fork() == 0 else "parent"
with open(name, "w", buffering=1) as file:
    for _ in range({BEATS}):
        file.write(".")
        file.flush()
        time.sleep(0.02)
if name == "parent":
    os.wait()
    open("submission.csv", "w").write("done")
"""


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Executor:
    if LACKS[request.param]:
        pytest.skip(f"{request.param} does not run here: {LACKS[request.param]}")
    return EXECUTORS[request.param](PYTHON)


def job(folder: Path, program: str = PROGRAM, wall_s: float = 60) -> Job:
    (folder / "input").mkdir(parents=True, exist_ok=True)
    (folder / "p.py").write_text(program)
    return Job(folder / "p.py", folder / "input", folder / "work", 0, wall_s, 400, 5)


def beats(folder: Path) -> list[int]:
    paths = [folder / "work" / name for name in ("parent", "child")]
    return [path.stat().st_size if path.exists() else 0 for path in paths]


def until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


@dataclass
class Aside:
    """A job that runs aside in the only slot of `slots`, in a thread."""

    executor: Executor
    job: Job
    spare_memory: float = 0.0
    slots: Slots = field(default_factory=lambda: Slots(1, 1))
    outcomes: list[Outcome] = field(default_factory=list)

    def __post_init__(self) -> None:
        run = LocalScheduler(self.executor, self.slots, self.spare_memory).run
        self.thread = Thread(
            target=lambda: self.outcomes.append(run(self.job, trace=ASIDE, stop=lambda: False)), daemon=True
        )
        self.thread.start()

    def outcome(self) -> Outcome:
        self.thread.join(60)
        return self.outcomes[0]


def test_all_its_processes_stand_still_while_a_trace_has_its_slot(executor: Executor, tmp_path: Path) -> None:
    aside = Aside(executor, job(tmp_path))
    until(lambda: all(beats(tmp_path)))
    with aside.slots.lease(0) as trace:
        assert trace is not None
        before = beats(tmp_path)
        time.sleep(0.3)
        assert beats(tmp_path) == before
        assert max(before) < BEATS
    outcome = aside.outcome()
    assert outcome.reason == "ok", outcome.log
    assert beats(tmp_path) == [BEATS, BEATS]


def test_the_time_that_it_stood_still_counts_nowhere(tmp_path: Path) -> None:
    limit = 4.0
    aside = Aside(EXECUTORS["plain"](PYTHON), job(tmp_path, wall_s=limit))
    until(lambda: all(beats(tmp_path)))
    with aside.slots.lease(0):
        time.sleep(1.1 * limit)
    outcome = aside.outcome()
    assert outcome.reason == "ok"
    assert outcome.seconds < limit


class Bare:
    """An executor that knows nothing of turns."""

    level: Isolation = "plain"

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        return EXECUTORS["plain"](PYTHON).run(replace(job, turn=None), stop=stop)


@pytest.mark.parametrize(("executor", "spare"), [(EXECUTORS["plain"](PYTHON), 1.0), (Bare(), 0.0)])
def test_it_is_ended_where_memory_is_short_or_it_cannot_stand_still(
    executor: Executor, spare: float, tmp_path: Path
) -> None:
    aside = Aside(executor, job(tmp_path, "import time\ntime.sleep(60)\n"), spare)
    until((tmp_path / "work" / "main.py").exists)
    with aside.slots.lease(0) as trace:
        assert trace is not None
        assert aside.outcome().reason == "stopped"


def test_killing_the_agent_kills_what_stands_still(executor: Executor, tmp_path: Path) -> None:
    job(tmp_path, "import os, time\nif not os.fork(): open('running', 'w').close()\ntime.sleep(60)\n")
    agent = f"""
from pathlib import Path
from threading import Thread
from time import sleep
from gome.tools.execution.sandbox.{executor.level} import {type(executor).__name__} as Level
from gome.tools.execution.sandbox.control_group import find_groups
from tests.integration.test_standing_still import Aside, Job
root = Path({str(tmp_path)!r})
level = Level(Path({str(PYTHON)!r}), find_groups()[0])
aside = Aside(level, Job(root / "p.py", root / "input", root / "work", 0, 60, 400, 5))
while not (root / "work" / "running").exists():
    sleep(.05)
with aside.slots.lease(0):
    (root / "stands").touch()
    sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", agent], cwd=Path(__file__).parents[2])
    until(lambda: (tmp_path / "stands").exists() or process.poll() is not None)
    children = psutil.Process(process.pid).children(recursive=True)
    still = [child for child in children if child.status() == psutil.STATUS_STOPPED]
    assert len(still) >= 2  # the program and its child
    assert len(children) == len(still) + 1  # all but the supervisor
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, left = psutil.wait_procs(children, timeout=10)
    assert left == []
