"""Slots: how many programs run at the same time in this process, first come, first served."""

import os
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass(frozen=True)
class Lease:
    """A slot held; the program may use `threads` threads."""

    threads: int


class Slots:
    """`count` slots over the machine's cores. A trace that has waited longer is served first."""

    def __init__(self, count: int, cores: int | None = None) -> None:
        self.count = count
        self._threads = max(1, (cores or os.cpu_count() or 1) // count)
        self._free = count
        self._waiting: deque[object] = deque()
        self._changed = threading.Condition()

    @contextmanager
    def lease(self, trace: int) -> Iterator[Lease]:
        """Hold a slot while the block runs; waits its turn for one."""
        turn = object()
        with self._changed:
            self._waiting.append(turn)
            self._changed.wait_for(lambda: self._free > 0 and self._waiting[0] is turn)
            self._waiting.popleft()
            self._free -= 1
        try:
            yield Lease(self._threads)
        finally:
            with self._changed:
                self._free += 1
                self._changed.notify_all()


def default_slots(cores: int) -> int:
    """One program for each two cores: training libraries use two threads well, and memory is halved."""
    return max(1, cores // 2)
