"""A program run as data: what is to run, what came of it, and the interface of everything that runs it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

Reason = Literal["ok", "error", "timeout", "memory", "output", "stopped"]
SUBMISSION = "submission.csv"


@dataclass(frozen=True)
class Job:
    """One run of a solution. `work_dir` is made fresh; `program` is copied to its main.py, `input_dir` shows as input/.

    `wall_s` seconds; `memory_mb` resident memory of the whole process tree; `output_mb` largest file, the log included.
    """

    program: Path
    input_dir: Path
    work_dir: Path
    seed: int
    wall_s: float
    memory_mb: int
    output_mb: float
    threads: int


@dataclass(frozen=True)
class Outcome:
    """What came of a run. `log` is the head and the tail of its output; `submission` a plain file, or None."""

    reason: Reason
    exit_code: int | None
    seconds: float
    peak_mb: float
    log: str
    submission: Path | None
    level: str


class Executor(Protocol):
    """How programs run. `level` names the isolation it holds."""

    level: str

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """Run to the end, to a limit, or until `stop()`; the process tree is gone when this returns."""
