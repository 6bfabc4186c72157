"""The sandboxes of one run: made, reused, counted and ended."""

import contextlib
import datetime
import hashlib
import threading
from pathlib import Path

from e2b import Sandbox, SandboxInfo, SandboxQuery, SandboxState

from gome.state.errors import GomeError
from gome.tools.execution.e2b.box import LABEL, Box, SandboxLost, end_sandbox, refused
from gome.tools.execution.e2b.cost import SandboxLog
from gome.tools.execution.e2b.template import Service, ready_template
from gome.tools.execution.file_transfer import Manifest

IDLE_S = 600


class Pool:
    """At most `size` sandboxes, labelled with the run's folder. Safe to share between threads.

    What a program has seen it may have hidden somewhere in its sandbox for the next one. So a sandbox goes on to another
    job only if that job's input holds every file that was sent into it before; else a fresh one takes its place.
    """

    def __init__(self, run_dir: Path, size: int, service: Service) -> None:
        if size < 1:
            raise ValueError(f"sandboxes: {size}, but at least 1 is needed")
        self.service, self._size, self._log = service, size, SandboxLog(run_dir)
        self._result = run_dir / "result.json"
        self._label = hashlib.sha256(str(run_dir.resolve()).encode()).hexdigest()[:32]
        self._changed, self._preparing = threading.Condition(), threading.Lock()
        self._template: str | None = None
        self._idle: list[Box] = []
        self._busy = 0
        self._left: dict[str, SandboxInfo] = {}  # by the job that is in it
        self._take_stock()

    def _take_stock(self) -> None:
        """Of the sandboxes that an earlier process of this run left, keep those with a job in them; end the others."""
        jobs, found = self._log.jobs(), self._listed()
        self._left = {job: info for info in found if (job := jobs.get(info.sandbox_id))}
        for name in self._log.use().running.keys() - {info.sandbox_id for info in found}:
            self._log.lost(name)
        self._clear()

    def _clear(self) -> None:
        """End all sandboxes of this run but those that are left with a job."""
        kept = {info.sandbox_id for info in self._left.values()}
        for info in self._listed():
            if info.sandbox_id not in kept:
                end_sandbox(info.sandbox_id)
                self._log.stopped(info.sandbox_id, _running_s(info))

    def _listed(self) -> list[SandboxInfo]:
        """All sandboxes of this run, running and paused."""
        with refused("its sandboxes can't be listed"):
            pages = Sandbox.list(query=SandboxQuery(metadata={LABEL: self._label}))
            found = []
            while pages.has_next:
                found += pages.next_items()
        return found

    def take(self, job: str, files: Manifest, need_s: float) -> Box:
        """A sandbox for a job on `files` that lives `need_s` seconds more: the one with this job in it, if there is one.

        Waits while all are in use. Raises GomeError if the service gives none.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._busy < self._size)
            self._busy += 1
            left = self._left.pop(job, None)
            box = None if left else self._fitting(files)
            surplus = self._idle[: max(0, self._busy + len(self._idle) - self._size)]
            del self._idle[: len(surplus)]
        for other in surplus:
            self._end(other)
        try:
            if left:
                with contextlib.suppress(SandboxLost):  # its time was over
                    return self._resume(left, need_s)
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
        """The sandbox may be used again, until it is idle for too long: what its job left has been fetched."""
        self.begun(box, "")
        try:
            box.keep_for(IDLE_S)
        except SandboxLost:
            self.drop(box)
            return
        with self._changed:
            self._idle.append(box)
        self._release()

    def begun(self, box: Box, job: str) -> None:
        """The job is about to run there. A later process looks for it in this sandbox."""
        self._log.has_job(box.name, job)

    def leave(self, box: Box) -> None:
        """Pause the sandbox with the job that runs in it, for a later process to go on with; end it where that fails."""
        if box.pause():
            self._log.stopped(box.name, box.age_s, "paused")
        else:
            self._end(box)
        self._release()

    def drop(self, box: Box) -> None:
        """The sandbox is not used again."""
        self._end(box)
        self._release()

    def close(self) -> None:
        """End all sandboxes of the run; if it is to go on, those that are paused or left with a job stay."""
        with self._changed:
            idle, self._idle = self._idle, []
        for box in idle:
            self._end(box)
        with contextlib.suppress(GomeError):
            if self._result.exists():
                self._left.clear()
                self._clear()

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
            self._template = self._template or ready_template(self.service, self._start, self._end)
        return self._start(self._template, need_s)

    def _start(self, template: str | None, seconds: float, *, network: bool = False) -> Box:
        box = Box.make(template, self._label, seconds, network=network)
        self._log.running(box.name)
        return box

    def _resume(self, left: SandboxInfo, seconds: float) -> Box:
        box = Box.resume(left.sandbox_id, seconds, age_s=_running_s(left))
        if left.state == SandboxState.PAUSED:
            self._log.running(box.name, "resumed")
        return box

    def _end(self, box: Box) -> None:
        box.end()
        self._log.stopped(box.name, box.age_s)

    def _release(self) -> None:
        with self._changed:
            self._busy -= 1
            self._changed.notify_all()


def _running_s(info: SandboxInfo) -> float:
    """Seconds since it was started; 0 of one that is paused: they were counted then."""
    if info.state == SandboxState.PAUSED:
        return 0.0
    return (datetime.datetime.now(datetime.UTC) - info.started_at).total_seconds()
