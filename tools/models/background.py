"""A call that may never come back, in a thread of its own, so that whoever waits for it can go on without."""

import contextvars
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

T = TypeVar("T")


class BackgroundCall(Generic[T]):
    """`call()` begun in a daemon thread called `name`, with the caller's context variables; it may be left to itself."""

    def __init__(self, call: Callable[[], T], name: str) -> None:
        self._box: list[T | BaseException] = []
        context = contextvars.copy_context()

        def run() -> None:
            try:
                self._box.append(context.run(call))
            except BaseException as error:  # handed to the caller
                self._box.append(error)

        self._thread = threading.Thread(target=run, name=name, daemon=True)
        self._thread.start()

    def ends_within(self, seconds: float) -> bool:
        """Wait so long at most; whether it has ended."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    def result(self) -> T:
        """What an ended call returned; raises what it raised."""
        found = self._box[0]
        if isinstance(found, BaseException):
            raise found
        return found
