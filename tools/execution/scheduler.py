"""Where and when programs run. The one in this process is here."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from gome.state.config import Isolation
from gome.state.prompt_context import Hardware
from gome.tools.execution.hardware import hardware
from gome.tools.execution.job import Executor, Job, Outcome, stopped
from gome.tools.execution.slots import Slots

STARTS = 3
"""Of a program that gets killed from outside; after that the machine is taken to be short of memory."""


class Scheduler(Protocol):
    """Runs the programs of all traces, as many at a time as it has slots. Safe to share between threads."""

    @property
    def level(self) -> Isolation:
        """The isolation that every program gets."""

    @property
    def slots(self) -> int:
        """Programs that can run at the same time."""

    @property
    def hardware(self) -> Hardware:
        """The machine that a program finds itself on: {"cpus", "memory_gb", "gpu"}, see hardware.hardware."""

    def run(self, job: Job, *, trace: int, stop: Callable[[], bool]) -> Outcome:
        """Wait for the trace's turn and a free slot, and run the job there to its end, in the calling thread.

        `stop()` is asked about ten times a second, also while waiting; True ends the run. Raises GomeError if the
        program or the input folder is not there, or nothing can run programs any more.
        """


class LocalScheduler:
    """Slots in this process, in which one executor runs the programs."""

    def __init__(self, executor: Executor, slots: Slots) -> None:
        self._executor, self._slots = executor, slots

    @property
    def level(self) -> Isolation:
        """The executor's."""
        return self._executor.level

    @property
    def slots(self) -> int:
        """See Scheduler.slots."""
        return self._slots.count

    @property
    def hardware(self) -> Hardware:
        """This machine's."""
        return hardware()

    def idle(self) -> bool:
        """See Slots.idle."""
        return self._slots.idle()

    def wanted(self) -> bool:
        """See Slots.wanted."""
        return self._slots.wanted()

    def run(self, job: Job, *, trace: int, stop: Callable[[], bool]) -> Outcome:
        """See Scheduler.run."""
        with self._slots.lease(trace, job.resources, stop) as lease:
            if lease is None:
                return stopped(self.level)
            return self._executor.run(
                replace(job, threads=lease.threads, gpus=tuple(gpu.id for gpu in lease.gpus)), stop=stop
            )


def run_to_its_end(scheduler: Scheduler, job: Job, *, trace: int, stop: Callable[[], bool]) -> Outcome:
    """The job's outcome. A program that somebody else killed starts over: that is no fault of its own."""
    for _ in range(STARTS):
        outcome = scheduler.run(job, trace=trace, stop=stop)
        if outcome.reason != "killed":
            break
    return outcome
