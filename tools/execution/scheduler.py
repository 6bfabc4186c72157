"""Where and when programs run. The one in this process is here."""

from collections.abc import Callable
from dataclasses import replace
from typing import Protocol

from gome.state.config import Isolation
from gome.state.prompt_context import Hardware
from gome.tools.execution.hardware import hardware, memory_left
from gome.tools.execution.job import Executor, Job, Outcome, stopped
from gome.tools.execution.slots import ASIDE, Lease, Slots

STARTS = 3
"""Of a program that gets killed from outside; after that the machine is taken to be short of memory."""
SPARE_MEMORY = 0.1
"""Share of the machine's memory that has to be left while programs stand still, which keep theirs."""


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
    """Slots in this process, in which one executor runs the programs. What stands still in them is ended where less than
    `spare_memory` of the machine's is left."""

    def __init__(self, executor: Executor, slots: Slots, spare_memory: float = SPARE_MEMORY) -> None:
        self._executor, self._slots, self._spare_memory = executor, slots, spare_memory

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

    def run(self, job: Job, *, trace: int, stop: Callable[[], bool]) -> Outcome:
        """See Scheduler.run. What runs ASIDE stands still while a trace wants its slot, or is 'stopped' where that can't
        be: a program on a GPU would keep its memory there."""
        with self._slots.lease(trace, job.resources, stop) as lease:
            if lease is None:
                return stopped(self.level)
            placed = replace(job, threads=lease.threads, gpus=tuple(gpu.id for gpu in lease.gpus))
            if trace != ASIDE:
                return self._executor.run(placed, stop=stop)
            if lease.gpus or not getattr(self._executor, "suspends", False):
                return self._executor.run(placed, stop=lambda: stop() or lease.wanted())
            return self._executor.run(
                replace(placed, turn=lease), stop=lambda: stop() or self._is_in_the_way(lease)
            )

    def _is_in_the_way(self, lease: Lease) -> bool:
        """Whether the memory of a program that stands still is needed."""
        return not lease.held and memory_left() < self._spare_memory


def run_to_its_end(scheduler: Scheduler, job: Job, *, trace: int, stop: Callable[[], bool]) -> Outcome:
    """The job's outcome. A program that somebody else killed starts over: that is no fault of its own."""
    for _ in range(STARTS):
        outcome = scheduler.run(job, trace=trace, stop=stop)
        if outcome.reason != "killed":
            break
    return outcome
