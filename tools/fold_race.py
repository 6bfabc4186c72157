"""Folds of one evaluation, looked at in their order as they end, until it is decided that the rest need not run."""

import threading
from collections.abc import Callable, Sequence

from gome.state.parts import Race
from gome.tools.evaluation.bootstrap import FoldPredictions

Look = Callable[[Sequence[FoldPredictions], int], Race | None]
"""From the predictions on the first folds, and the number of all folds, to a decided race; None: go on."""


class FoldRace:
    """Told by several threads of folds that ended well. The first fold, the first two and so on are looked at once each,
    in this order, whatever the order in which folds end: a run that is resumed decides the same."""

    def __init__(self, folds: int, look: Look) -> None:
        self.decided: Race | None = None
        self._folds, self._look = folds, look
        self._ended: dict[int, Callable[[], FoldPredictions]] = {}
        self._known: list[FoldPredictions] = []
        self._lock = threading.Lock()

    def done(self, fold: int, predictions: Callable[[], FoldPredictions]) -> int | None:
        """A fold has ended; after how many folds the race is decided, None while it is not."""
        with self._lock:
            self._ended[fold] = predictions
            while self.decided is None and len(self._known) in self._ended:
                self._known.append(self._ended[len(self._known)]())
                if len(self._known) < self._folds:
                    self.decided = self._look(self._known, self._folds)
            return self.decided["folds"] if self.decided else None
