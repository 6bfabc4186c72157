"""One program run: what it is given, how it ended, and who can run it."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from gome.state.config import Isolation
from gome.tools.execution.limits import Limits, Reason, Turn
from gome.tools.execution.resources import NOTHING, Resources

Stage = Literal["", "fit", "predict"]


@dataclass(frozen=True)
class Job:
    """A program and what it may use.

    `program` is copied to `work_dir`/main.py; `work_dir` is made fresh, and what was in it is lost. The program finds
    the files of `input_dir` under input/. `wall_s` is in seconds, `memory_mb` the resident memory of the whole process
    tree with the files that it keeps in memory, `output_mb` all that it prints and writes, `tasks` its processes and
    threads at a time, `files` the files and folders that it has in `work_dir` and in memory. The scheduler says on how
    many threads and on which GPUs it runs (ids for CUDA_VISIBLE_DEVICES), as far as it has the
    `resources` that the program asks for; without GPUs none is visible. `stdin` is a descriptor that it gets as its
    standard input, where it runs on this machine; None: there is nothing to read. `smoke` tells the program to work on a
    few units only, by GOME_SMOKE=1.

    Links in `input_dir` may lead into the folders `shown`, which the program sees read-only where they are; on this
    machine only.

    `stage` tells a program that can do both apart to fit, and leave below model/ what predicting needs, or to predict by
    the folder `model`, which it finds copied as model/; by GOME_STAGE. On this machine only.

    A program with a `turn` may have to stand still meanwhile; that time counts neither for `wall_s` nor in its outcome.
    """

    program: Path
    input_dir: Path
    work_dir: Path
    seed: int
    wall_s: float
    memory_mb: int
    output_mb: float
    resources: Resources = NOTHING
    threads: int = 1
    gpus: tuple[str, ...] = ()
    tasks: int = 4000
    files: int = 200_000
    stdin: int | None = None
    smoke: bool = False
    stage: Stage = ""
    model: Path | None = None
    shown: tuple[Path, ...] = ()
    turn: Turn | None = None

    @property
    def limits(self) -> Limits:
        """All of them."""
        return Limits(self.wall_s, self.memory_mb, self.output_mb, self.tasks, self.files)


@dataclass(frozen=True)
class Outcome:
    """How a run ended. When it is returned, no process of the program is left.

    `reason` 'ok' means exit code 0; 'timeout', 'memory', 'output' and 'stopped' that the harness ended it, and
    why; 'killed' that somebody else did, by SIGKILL.
    `exit_code` is 128 + n after signal n. `log` holds stdout and stderr as they came, the middle cut out if long.
    `limit` says in words which limit it passed, '' if none. `cpu_seconds` are the cores' together, None if unknown.
    `gpu_peak_mb` is of all its cards together, None if unknown.
    `submission` is a copy of the written submission.csv, taken after the end: None if it is none to be taken (see
    submission_copy.copy_submission).
    """

    reason: Reason
    exit_code: int
    seconds: float
    peak_mb: float
    log: str
    submission: Path | None
    level: Isolation
    limit: str = ""
    cpu_seconds: float | None = None
    gpu_peak_mb: float | None = None


class Executor(Protocol):
    """Runs one program at a time per thread; safe to share between threads.

    One with an attribute `suspends` that is true knows `Job.turn`. With others, programs that give way are ended.
    """

    @property
    def level(self) -> Isolation:
        """The isolation that it gives."""

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """Run the job to its end in the calling thread. `stop()` is asked about ten times a second; True ends the run.

        Raises GomeError if the program or the input folder is not there.
        """


def stopped(level: Isolation) -> Outcome:
    """The outcome of a run that somebody stopped before it began."""
    return Outcome("stopped", 128 + 9, 0.0, 0.0, "", None, level)
