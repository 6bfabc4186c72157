"""The run's own time: seconds in which somebody worked on it. Not counted: between a stop and a resume, and while all
traces wait for a person."""

import threading
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gome.tools.records.jsonl import append_line, read_lines

SHORTEST_BEAT_S = 1.0


class Clock:
    """Sums the sessions of a run. A kill loses at most the seconds since the last `beat`. Monotonic: a change of
    the machine's date does not move it. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._session = uuid.uuid4().hex[:12]
        self._lock = threading.Lock()
        sessions = {str(r.get("session")): float(r.get("seconds", 0)) for r in read_lines(path)}
        self._before = sum(sessions.values())
        self._worked, self._workers, self._since = 0.0, 0, 0.0
        self._written = -SHORTEST_BEAT_S

    @contextmanager
    def working(self) -> Iterator[None]:
        """The clock runs while at least one worker is inside."""
        with self._lock:
            if not self._workers:
                self._since = time.monotonic()
            self._workers += 1
        try:
            yield
        finally:
            with self._lock:
                self._workers -= 1
                if not self._workers:
                    self._worked += time.monotonic() - self._since

    def elapsed(self) -> float:
        """Seconds worked on this run, this session included."""
        with self._lock:
            return self._before + self._session_s()

    def beat(self) -> float:
        """Write the session's seconds down, at most once a second; returns the elapsed seconds of the run."""
        with self._lock:
            seconds = self._session_s()
            if seconds - self._written >= SHORTEST_BEAT_S:
                append_line(self.path, {"session": self._session, "seconds": round(seconds, 3)})
                self._written = seconds
            return self._before + seconds

    def _session_s(self) -> float:
        return self._worked + (time.monotonic() - self._since if self._workers else 0.0)
