"""Advice: what a person says to a run while it goes, from any process; each trace is told each piece once."""

import datetime
import threading
from pathlib import Path

from gome.tools.records.jsonl import Tail, append_line


class Advice:
    """advice.jsonl of a run: the pieces of advice, and which step of which trace was told how many of them.

    Safe between threads.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.RLock()
        self._tail = Tail(path)
        self._pieces: list[str] = []
        self._told: dict[int, dict[int, int]] = {}  # trace -> step -> pieces told by then

    def give(self, text: str) -> None:
        """Write a piece of advice down; the next diagnosis of every trace reads it."""
        append_line(
            self.path,
            {"t": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "advice": text},
        )

    def all(self) -> list[str]:
        """Every piece, oldest first."""
        with self._lock:
            for row in self._tail.new():
                if "advice" in row:
                    self._pieces.append(str(row["advice"]))
                elif "trace" in row:
                    self._told.setdefault(row["trace"], {})[row["step"]] = row["told"]
            return list(self._pieces)

    def tell(self, trace: int, step: int) -> list[str]:
        """What no step of the trace before this one was told; a step executed again is told the same again."""
        with self._lock:
            pieces = self.all()
            told = self._told.setdefault(trace, {})
            known = max((count for earlier, count in told.items() if earlier < step), default=0)
            if step not in told:
                append_line(self.path, {"trace": trace, "step": step, "told": len(pieces)})
                told[step] = len(pieces)
            return pieces[known : told[step]]
