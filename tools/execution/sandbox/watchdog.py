"""Starts a command and watches it: time, memory of the whole tree, output, disk, and the wish to stop."""

import contextlib
import os
import selectors
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, cast

from gome.state.config import Isolation
from gome.tools.execution.gpu_memory import GpuMemory
from gome.tools.execution.job import Job, Outcome, Reason, stopped
from gome.tools.execution.log_buffer import LogBuffer
from gome.tools.execution.sandbox import supervisor
from gome.tools.execution.sandbox.file_usage import Files, files_of
from gome.tools.execution.sandbox.process_tree import (
    MB,
    count_tasks,
    descendants,
    tree_cpu_seconds,
    tree_memory_mb,
)
from gome.tools.execution.sandbox.seccomp import filter_program
from gome.tools.execution.workspace import take_submission

POLL_S = 0.1
_FILES_POLL_S = 0.5
_FILES_SHARE = 20  # looking at the files may take one part in so many of the time
_END_S = 10.0
_KILLED = (128 + 9, -9)  # the program or its sandbox; the supervisor itself


def run_watched(
    command: list[str], job: Job, *, env: dict[str, str], level: Isolation, stop: Callable[[], bool]
) -> Outcome:
    """Run `command` in the job's working folder under the job's limits, to its end, in this thread.

    The command runs below a supervisor (see there), so that neither a daemon of its own nor a `kill -9` of this process
    leaves anything running. The supervisor dies with the thread that started it: this one, which waits here.
    """
    if stop():
        return stopped(level)
    watch = _Watch(command, job, env, level, stop)
    try:
        reason = watch.until_it_ends()
    finally:
        watch.end()
    if watch.limit:
        watch.log.feed(f"\n[gome] ended: {watch.limit}\n".encode())
    return Outcome(
        reason=reason,
        exit_code=watch.process.returncode,
        seconds=watch.seconds,
        peak_mb=watch.peak_mb,
        log=watch.log.text(),
        submission=take_submission(job.work_dir, int(job.output_mb * MB)),
        level=level,
        limit=watch.limit,
        cpu_seconds=watch.cpu_seconds,
        gpu_peak_mb=watch.gpu_peak_mb,
    )


class _Watch:
    """One running command: its log so far, its peak memory, and whether it has to end."""

    def __init__(
        self, command: list[str], job: Job, env: dict[str, str], level: Isolation, stop: Callable[[], bool]
    ) -> None:
        self.job, self.stop = job, stop
        self.gpu_peak_mb: float | None = None
        self._gpu = GpuMemory(job.gpus, alone=not job.resources.gpu_memory_mb)
        self.log, self.peak_mb, self.seconds, self.limit = LogBuffer(), 0.0, 0.0, ""
        self.cpu_seconds = 0.0
        self._started = self._look_at = time.monotonic()
        self._files = Files()
        file_size = int(max(job.output_mb, job.memory_mb) * MB)
        self.process = subprocess.Popen(
            _supervised(command, file_size, level),
            cwd=job.work_dir,
            env=env,
            stdin=subprocess.DEVNULL if job.stdin is None else job.stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._output = cast(IO[bytes], self.process.stdout)
        os.set_blocking(self._output.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._output, selectors.EVENT_READ)

    def until_it_ends(self) -> Reason:
        """Watch until the command ends or has to be ended; the reason."""
        checked = 0.0
        while self.process.poll() is None:
            self._read(POLL_S)
            if time.monotonic() - checked < POLL_S and self._printed_mb() <= self.job.output_mb:
                continue
            checked = time.monotonic()
            if reason := self._overrun():
                return reason
        self._read(0)
        self._files = files_of(self.job.work_dir, [], self.job.files)
        if reason := self._overwritten():
            return reason
        if self.process.returncode in _KILLED:  # not by us
            return "memory" if self.peak_mb > self.job.memory_mb / 2 else "killed"
        return "error" if self.process.returncode else "ok"

    def end(self) -> None:
        """End what still runs, supervisor last, and wait for it."""
        left = descendants(self.process.pid)
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_END_S)
        if self.process.poll() is None:
            for pid in [*left, self.process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
        self.seconds = time.monotonic() - self._started
        self._read(0)
        self._selector.close()
        self._gpu.close()
        self._output.close()

    def _overrun(self) -> Reason | None:
        """The limit that is passed now, if any. Keeps the peak memory."""
        job, pids = self.job, descendants(self.process.pid)
        self._look_at_files(pids)
        memory = tree_memory_mb(pids, job.memory_mb, (self._files.memory + self._files.buffers) / MB)
        self.peak_mb = max(self.peak_mb, memory)
        self.cpu_seconds = max(self.cpu_seconds, tree_cpu_seconds([self.process.pid, *pids]))
        if (gpu := self._gpu.used_mb(pids)) is not None:
            self.gpu_peak_mb = max(self.gpu_peak_mb or 0.0, gpu)
        if memory > job.memory_mb:
            return self._passed("memory", f"it took more than {job.memory_mb} MB of memory")
        if count_tasks(pids) > job.tasks:
            return self._passed("memory", f"it had more than {job.tasks} processes and threads")
        if time.monotonic() - self._started > job.wall_s:
            return self._passed("timeout", f"it took longer than {job.wall_s:g} s")
        if reason := self._overwritten():
            return reason
        return "stopped" if self.stop() else None

    def _overwritten(self) -> Reason | None:
        """As `_overrun`, of what it printed and wrote until its files were looked at last."""
        files, most = self._files, self.job.files
        if files.disk / MB + self._printed_mb() >= self.job.output_mb:
            return self._passed("output", f"it printed and wrote more than {self.job.output_mb:g} MB")
        if files.count > most:
            return self._passed("output", f"it had more than {most} files")
        if files.unseen:
            return self._passed(
                "output", "it made a folder that can't be looked into, or too many below one another"
            )
        return None

    def _passed(self, reason: Reason, limit: str) -> Reason:
        self.limit = limit
        return reason

    def _look_at_files(self, pids: list[int]) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._files = files_of(self.job.work_dir, pids, self.job.files)
        took = time.monotonic() - now
        self._look_at = now + max(_FILES_POLL_S, _FILES_SHARE * took)

    def _read(self, wait_s: float) -> None:
        """Take in what is printed by now, waiting at most `wait_s` for it, and not for ever if it never ends."""
        if not self._selector.get_map():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(wait_s)
        elif self._selector.select(wait_s):
            data = self._output.read(MB)
            if data:
                self.log.feed(data)
            elif data == b"":
                self._selector.unregister(self._output)

    def _printed_mb(self) -> float:
        return self.log.size / MB


def _supervised(command: list[str], file_size: int, level: Isolation) -> list[str]:
    script = str(Path(supervisor.__file__).resolve())
    denied = filter_program(metadata=level != "landlock").hex()
    return [sys.executable, "-I", "-S", script, str(os.getpid()), str(file_size), denied, *command]
