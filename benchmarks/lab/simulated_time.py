"""Simulated time: traces take turns, the one whose time is earliest first, and programs wait for slots."""

import math
import threading
from collections.abc import Iterator
from contextlib import contextmanager


class SimulatedTime:
    """The clock of a run whose seconds nobody waits for, in the place of `Clock`.

    Each trace has its own time. A node is worked on at the time of its trace and moves that on; whoever is behind all the
    others goes next, so a run is the same however its threads are scheduled, and the same without any.
    """

    def __init__(self, traces: int, slots: int) -> None:
        self.now = 0.0
        self._times = dict.fromkeys(range(traces), 0.0)
        self._free = [0.0] * slots
        self._busy = False
        self._turn = threading.Condition()

    def elapsed(self) -> float:
        """The time of the trace whose turn it is; of the last one, when all have ended."""
        return self.now

    beat = elapsed

    @contextmanager
    def working(self) -> Iterator[None]:
        """Nothing: simulated time moves when it is told to."""
        yield

    @property
    def next(self) -> int | None:
        """The trace whose turn it is, None when all have ended."""
        return min(self._times, key=lambda trace: (self._times[trace], trace), default=None)

    @contextmanager
    def turn(self, trace: int) -> Iterator[None]:
        """Wait for the turn of a trace, and hold it."""
        with self._turn:
            self._turn.wait_for(lambda: not self._busy and self.next == trace)
            self._busy, self.now = True, self._times[trace]
        try:
            yield
        finally:
            with self._turn:
                if trace in self._times:
                    self._times[trace] = self.now
                self._busy = False
                self._turn.notify_all()

    def end(self, trace: int) -> None:
        """The trace whose turn it is takes no further one."""
        del self._times[trace]

    def spend(self, seconds: float) -> None:
        """The trace whose turn it is waits so long."""
        self.now += seconds

    def slots(self, at_s: float) -> tuple[int, float]:
        """Of the slots, how many no program of a trace has at a time that is past, and when there is another one."""
        return (
            sum(free <= at_s for free in self._free),
            min((free for free in self._free if free > at_s), default=math.inf),
        )

    def run(self, seconds: float) -> None:
        """The trace whose turn it is runs a program, in the slot that is free first."""
        place = min(range(len(self._free)), key=lambda k: self._free[k])
        self.now = max(self.now, self._free[place]) + seconds
        self._free[place] = self.now
