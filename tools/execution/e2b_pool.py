"""The sandboxes of one run: made, reused, counted and ended."""

import contextlib
import datetime
import hashlib
import threading
from pathlib import Path

from e2b import Sandbox, SandboxQuery

from gome.state.errors import GomeError
from gome.tools.execution.e2b_box import LABEL, Box, SandboxLost, refused
from gome.tools.execution.e2b_parcel import Manifest
from gome.tools.execution.e2b_template import Service, ready_template
from gome.tools.records.jsonl import append_line

IDLE_S = 600


class Pool:
    """At most `size` sandboxes, labelled with the run's folder. Safe to share between threads.

    What a program has seen it may have hidden somewhere in its sandbox for the next one. So a sandbox goes on to another
    job only if that job's input holds every file that was sent into it before; else a fresh one takes its place.
    """

    def __init__(self, run_dir: Path, size: int, service: Service) -> None:
        if size < 1:
            raise ValueError(f"sandboxes: {size}, but at least 1 is needed")
        self.service, self._size, self._log = service, size, run_dir / "e2b.jsonl"
        self._label = hashlib.sha256(str(run_dir.resolve()).encode()).hexdigest()[:32]
        self._changed, self._preparing = threading.Condition(), threading.Lock()
        self._template: str | None = None
        self._idle: list[Box] = []
        self._busy = 0
        self.seconds = 0.0
        self.clear_orphans()

    def clear_orphans(self) -> int:
        """End all sandboxes of this run that an earlier process left behind; how many there were."""
        with refused("its sandboxes can't be listed"):
            pages = Sandbox.list(query=SandboxQuery(metadata={LABEL: self._label}))
            found = []
            while pages.has_next:
                found += pages.next_items()
            for info in found:
                Sandbox.kill(info.sandbox_id)
                age = datetime.datetime.now(datetime.UTC) - info.started_at
                self._count(info.sandbox_id, age.total_seconds())
        return len(found)

    def take(self, files: Manifest, need_s: float) -> Box:
        """A sandbox for a job on `files` that lives `need_s` seconds more. Waits while all are in use.

        Raises GomeError if the service gives none.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._busy < self._size)
            self._busy += 1
            box = self._fitting(files)
            surplus = self._idle[: max(0, self._busy + len(self._idle) - self._size)]
            del self._idle[: len(surplus)]
        for other in surplus:
            self._end(other)
        try:
            if box is not None:
                with contextlib.suppress(SandboxLost):  # an idle one that the service has ended
                    box.keep_for(need_s)
                    return box
                self._end(box)
            return self._make(need_s)
        except BaseException:
            self._release()
            raise

    def give_back(self, box: Box) -> None:
        """The sandbox may be used again, until it is idle for too long."""
        try:
            box.keep_for(IDLE_S)
        except SandboxLost:
            self.drop(box)
            return
        with self._changed:
            self._idle.append(box)
        self._release()

    def drop(self, box: Box) -> None:
        """The sandbox is not used again."""
        self._end(box)
        self._release()

    def close(self) -> None:
        """End the idle sandboxes, and any others of this run."""
        with self._changed:
            idle, self._idle = self._idle, []
        for box in idle:
            self._end(box)
        with contextlib.suppress(GomeError):
            self.clear_orphans()

    def _fitting(self, files: Manifest) -> Box | None:
        """The idle sandbox with the most of `files`, out of those that have seen nothing else. Under the lock."""
        fitting = [
            box
            for box in self._idle
            if box.seen.items() <= files.items() and box.age_s < self.service.lifetime_s / 2
        ]
        box = max(fitting, key=lambda box: len(box.seen), default=None)
        if box is not None:
            self._idle.remove(box)
        return box

    def _make(self, need_s: float) -> Box:
        with self._preparing:
            self._template = self._template or ready_template(self.service, self._label)
        box = Box.make(self._template, self._label, need_s)
        append_line(self._log, {"sandbox": box.name, "started": _now()})
        return box

    def _end(self, box: Box) -> None:
        box.end()
        self._count(box.name, box.age_s)

    def _count(self, name: str, seconds: float) -> None:
        with self._changed:
            self.seconds += seconds
        append_line(self._log, {"sandbox": name, "ended": _now(), "seconds": round(seconds, 1)})

    def _release(self) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()


def _now() -> str:
    return datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds")
