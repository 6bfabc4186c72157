"""How far the folds of one evaluation are."""

import threading
from collections.abc import Callable


class FoldProgress:
    """How far the folds of one evaluation are, told to by several threads. `end`: one more than the last that counts."""

    def __init__(self, folds: int, tell: Callable[[int, int], None]) -> None:
        self.end, self._folds, self._tell = folds, folds, tell
        self._started, self._done, self._lock = False, 0, threading.Lock()

    def start(self) -> None:
        """A fold is about to run."""
        with self._lock:
            first, self._started = not self._started, True
        if first:
            self._tell(self._done, self._folds)

    def done(self, fold: int, *, failed: bool) -> None:
        """A fold has ended; those behind a failed one count no more."""
        with self._lock:
            self._done += 1
            if failed:
                self.end = min(self.end, fold + 1)
            telling = self._started and self._done < self.end
        if telling:
            self._tell(self._done, self._folds)

    def decide(self, folds: int) -> None:
        """So many folds are enough: those behind them count no more."""
        with self._lock:
            self.end = min(self.end, folds)

    def is_beyond_failure(self, fold: int) -> bool:
        """Whether a fold before this one has failed, or those before it are enough."""
        return fold >= self.end
