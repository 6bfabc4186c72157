"""The run's own time: seconds in which some process worked on it; time between a stop and a resume is not counted."""

import threading
import time
import uuid
from pathlib import Path

from gome.tools.records.jsonl import append_line, read_lines


class Clock:
    """Sums the sessions of a run. A kill loses at most the seconds since the last `beat`. Monotonic: a change of
    the machine's date does not move it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session = uuid.uuid4().hex[:12]
        self._start = time.monotonic()
        self._lock = threading.Lock()
        sessions = {str(r.get("session")): float(r.get("seconds", 0)) for r in read_lines(path)}
        self._before = sum(sessions.values())

    def elapsed(self) -> float:
        """Seconds worked on this run, this session included."""
        return self._before + time.monotonic() - self._start

    def beat(self) -> float:
        """Write the session's seconds down; returns the elapsed seconds of the run."""
        with self._lock:
            append_line(
                self.path, {"session": self._session, "seconds": round(time.monotonic() - self._start, 3)}
            )
        return self.elapsed()
