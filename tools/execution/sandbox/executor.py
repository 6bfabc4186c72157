"""What all levels of isolation on this machine have in common: how a program is laid out, started, watched and judged."""

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable
from pathlib import Path
from subprocess import DEVNULL
from typing import ClassVar

from gome.state.config import Isolation
from gome.tools.execution.gpu_memory import GpuMemory
from gome.tools.execution.job import Job, Outcome, stopped
from gome.tools.execution.log_buffer import LogBuffer
from gome.tools.execution.sandbox.control_group import ControlGroups
from gome.tools.execution.sandbox.process_tree import MB
from gome.tools.execution.sandbox.watchdog import Watch
from gome.tools.execution.workspace import environment, make_work_dir, take_submission


class LocalExecutor(ABC):
    """Runs programs as processes of this machine; a level says what comes between a process and the machine.

    `python` is the programs' interpreter. In `groups`, if there are any, the kernel itself bounds memory and tasks.
    """

    LEVEL: ClassVar[Isolation]
    suspends: ClassVar[bool] = True
    SEEN_AT: ClassVar[str | None] = None
    """Where a program finds its working folder; None: where it is."""

    def __init__(self, python: Path, groups: ControlGroups | None = None) -> None:
        self.python, self.groups = python.absolute(), groups

    @property
    def level(self) -> Isolation:
        """The isolation that it gives."""
        return self.LEVEL

    @abstractmethod
    def command(self, job: Job) -> list[str]:
        """The words that put up the level's walls, to stand before those of the program."""

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """See Executor.run."""
        make_work_dir(job)
        inside = job.work_dir / "input"
        if self.SEEN_AT:
            inside.mkdir()
        else:
            inside.symlink_to(job.input_dir.resolve(), target_is_directory=True)
        if stop():
            return stopped(self.level)
        return self._watched(job, stop)

    def _watched(self, job: Job, stop: Callable[[], bool]) -> Outcome:
        log, gpus = LogBuffer(), _GpuPeak(job)
        with contextlib.closing(gpus.memory), contextlib.ExitStack() as held:
            watch = Watch(
                [*self.command(job), str(self.python), "main.py"],
                job.work_dir,
                environment(job, home=self.SEEN_AT or str(job.work_dir.resolve()), python=self.python),
                job.limits,
                log,
                stdin=DEVNULL if job.stdin is None else job.stdin,
                metadata=self.level != "landlock",
                group=held.enter_context(self.groups.make(job.memory_mb, job.tasks)) if self.groups else None,
            )
            reason = watch.run(stop, gpus.look, job.turn)
        if watch.limit:
            log.feed(f"\n[gome] ended: {watch.limit}\n".encode())
        return Outcome(
            reason=reason,
            exit_code=watch.exit_code,
            seconds=watch.seconds,
            peak_mb=watch.peak_mb,
            log=log.text(),
            submission=take_submission(job.work_dir, int(job.output_mb * MB)),
            level=self.level,
            limit=watch.limit,
            cpu_seconds=watch.cpu_seconds,
            gpu_peak_mb=gpus.peak_mb,
        )


class _GpuPeak:
    """The most memory that a program took of its GPUs; None if nobody knows."""

    def __init__(self, job: Job) -> None:
        self.memory = GpuMemory(job.gpus, alone=not job.resources.gpu_memory_mb)
        self.peak_mb: float | None = None

    def look(self, pids: list[int]) -> None:
        if (used := self.memory.used_mb(pids)) is not None:
            self.peak_mb = max(self.peak_mb or 0.0, used)
