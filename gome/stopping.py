"""Ending work from outside: by keys, by a signal, or by whoever holds the stopper."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

from langgraph.runtime import RunControl


class Stopper:
    """The first call lets what a run has in flight finish, the second drops it. Calls may come from any thread."""

    def __init__(self) -> None:
        self.drain, self.stop = threading.Event(), threading.Event()
        self._control: RunControl | None = None
        self._say: Callable[[str], None] = lambda line: None

    def __call__(self) -> None:
        if self.drain.is_set():
            self.stop.set()
            self._say("dropping the work in flight")
            return
        self.drain.set()
        if self._control:
            self._control.request_drain("interrupted")
        self._say("finishing what is in flight, then stopping; interrupt again to stop now")

    @contextmanager
    def over(self, say: Callable[[str], None]) -> Iterator[RunControl]:
        """The control of a graph that this ends; signals do so too, in the main thread."""
        control, self._say = RunControl(), say
        self._control = control
        if self.drain.is_set():
            control.request_drain("interrupted")
        with _on_signals(self, signal.SIGINT, signal.SIGTERM):
            yield control


@contextmanager
def stopped_by_keys() -> Iterator[threading.Event]:
    """Ctrl-C sets the event, by which programs in flight end; in the main thread."""
    stop = threading.Event()
    with _on_signals(stop.set, signal.SIGINT):
        yield stop


@contextmanager
def _on_signals(then: Callable[[], None], *numbers: int) -> Iterator[None]:
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def handle(number: int, frame: FrameType | None) -> None:
        then()

    before = {number: signal.signal(number, handle) for number in numbers}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
