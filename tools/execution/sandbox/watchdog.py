"""Starts a command and watches it: time, memory of the whole tree, output, disk, and the wish to stop.

The standard library only: an E2B sandbox gets this file too (see e2b.guard).
"""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO, Protocol, cast

from gome.tools.execution.limits import Limits, Reason, Turn
from gome.tools.execution.sandbox import supervisor
from gome.tools.execution.sandbox.file_usage import Files, files_of
from gome.tools.execution.sandbox.process_tree import (
    MB,
    continue_tree,
    count_tasks,
    descendants,
    stop_tree,
    tree_cpu_seconds,
    tree_memory_mb,
)
from gome.tools.execution.sandbox.seccomp import filter_program

POLL_S = 0.1
_FILES_POLL_S = 0.5
_FILES_SHARE = 20  # looking at the files may take one part in so many of the time
_END_S = 10.0
_KILLED = (128 + 9, -9)  # the program or its sandbox; the supervisor itself


class Output(Protocol):
    """Takes in what the program prints; `size` is of all that it was fed, bytes."""

    size: int

    def feed(self, data: bytes) -> None:
        """Take in what came next."""


class Group(Protocol):
    """What the kernel says of the program's control group, see control_group.ControlGroup."""

    entrances: tuple[str, ...]

    def memory_mb(self) -> float: ...
    def ran_out(self) -> bool: ...
    def tasks(self) -> int: ...
    def refused_a_task(self) -> bool: ...


class Watch:
    """One running command: its peak memory, its time and that of the cores, and which limit it passed, '' if none. In its
    time, what it stood still does not count.

    The command runs below a supervisor (see there), so that neither a daemon of its own nor a `kill -9` of this process
    leaves anything running. The supervisor dies with the thread that started it: the one that makes this object and
    waits in `run`. Without a `group` memory is what the processes and the files that they hold are seen to take.
    """

    def __init__(
        self,
        command: list[str],
        work_dir: Path,
        env: dict[str, str],
        limits: Limits,
        output: Output,
        *,
        stdin: int = subprocess.DEVNULL,
        metadata: bool = True,
        group: Group | None = None,
    ) -> None:
        self.peak_mb, self.seconds, self.cpu_seconds, self.limit = 0.0, 0.0, 0.0, ""
        self._work_dir, self._limits, self._output, self._group = work_dir, limits, output, group
        self._started = self._look_at = time.monotonic()
        self._still_s = 0.0
        self._files = Files()
        supervised = supervisor.command(
            command,
            file_size=int(max(limits.output_mb, limits.memory_mb) * MB),
            denied=filter_program(metadata=metadata),
            entrances=group.entrances if group else (),
        )
        self._process = subprocess.Popen(
            supervised,
            cwd=work_dir,
            env=env,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        self._pipe = cast(IO[bytes], self._process.stdout)
        os.set_blocking(self._pipe.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pipe, selectors.EVENT_READ)

    @property
    def exit_code(self) -> int:
        """128 + n after signal n."""
        return self._process.returncode

    def run(
        self,
        stop: Callable[[], bool] = lambda: False,
        look: Callable[[list[int]], None] = lambda pids: None,
        turn: Turn | None = None,
    ) -> Reason:
        """Watch until the command ends or has to be ended; the reason. `look` gets its processes ten times a second. They
        stand still while it is not its `turn`."""
        try:
            return self._until_it_ends(stop, look, turn)
        finally:
            self._end()

    def _until_it_ends(
        self, stop: Callable[[], bool], look: Callable[[list[int]], None], turn: Turn | None
    ) -> Reason:
        checked = 0.0
        while self._process.poll() is None:
            self._read(POLL_S)
            if time.monotonic() - checked < POLL_S and self._printed_mb() <= self._limits.output_mb:
                continue
            checked = time.monotonic()
            pids = descendants(self._process.pid)
            look(pids)
            if reason := self._overrun(pids):
                return reason
            if stop() or (turn and turn.wanted() and not self._stood_still(turn, stop)):
                return "stopped"
        self._read(0)
        self._files = files_of(self._work_dir, [], self._limits.files)
        if reason := self._refused() or self._overwritten():
            return reason
        if self._process.returncode in _KILLED:  # not by us
            return "memory" if self.peak_mb > self._limits.memory_mb / 2 else "killed"
        return "error" if self._process.returncode else "ok"

    def _stood_still(self, turn: Turn, stop: Callable[[], bool]) -> bool:
        """Stop the tree until it is its turn again; False if it has to be ended instead. The supervisor stays awake: it
        ends the tree should this process die."""
        since = time.monotonic()
        if not stop_tree(self._process.pid):
            return False
        turn.hand_on()
        try:
            while not turn.regained():
                if stop():
                    return False
                if self._process.poll() is not None:
                    return True
        finally:
            self._still_s += time.monotonic() - since
        continue_tree(self._process.pid)
        return True

    def _ran_s(self) -> float:
        return time.monotonic() - self._started - self._still_s

    def _end(self) -> None:
        """End what still runs, supervisor last, and wait for it."""
        left = descendants(self._process.pid)
        if self._process.poll() is None:
            self._process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(_END_S)
        if self._process.poll() is None:
            for pid in [*left, self._process.pid]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self._process.wait()
        self.seconds = self._ran_s()
        self._read(0)
        self._selector.close()
        self._pipe.close()

    def _overrun(self, pids: list[int]) -> Reason | None:
        """The limit that is passed now, if any. Keeps the peak memory."""
        self._look_at_files(pids)
        memory, tasks = self._taken(pids)
        self.peak_mb = max(self.peak_mb, memory)
        self.cpu_seconds = max(self.cpu_seconds, tree_cpu_seconds([self._process.pid, *pids]))
        if reason := self._refused():
            return reason
        if memory > self._limits.memory_mb:
            return self._short_of_memory()
        if tasks > self._limits.tasks:
            return self._short_of_tasks()
        if self._ran_s() > self._limits.wall_s:
            return self._passed("timeout", f"it took longer than {self._limits.wall_s:g} s")
        return self._overwritten()

    def _taken(self, pids: list[int]) -> tuple[float, int]:
        """Memory, MB, and processes and threads."""
        if self._group:
            return self._group.memory_mb(), self._group.tasks()
        held_mb = (self._files.memory + self._files.buffers) / MB
        return tree_memory_mb(pids, self._limits.memory_mb, held_mb), count_tasks(pids)

    def _refused(self) -> Reason | None:
        """The limit at which the kernel itself has stopped the program, if any."""
        if self._group and self._group.ran_out():
            self.peak_mb = max(self.peak_mb, self._limits.memory_mb)
            return self._short_of_memory()
        return self._short_of_tasks() if self._group and self._group.refused_a_task() else None

    def _overwritten(self) -> Reason | None:
        """As `_overrun`, of what it printed and wrote until its files were looked at last."""
        files, limits = self._files, self._limits
        if files.disk / MB + self._printed_mb() >= limits.output_mb:
            return self._passed("output", f"it printed and wrote more than {limits.output_mb:g} MB")
        if files.count > limits.files:
            return self._passed("output", f"it had more than {limits.files} files")
        if files.unseen:
            return self._passed(
                "output", "it made a folder that can't be looked into, or too many below one another"
            )
        return None

    def _short_of_memory(self) -> Reason:
        return self._passed("memory", f"it took more than {self._limits.memory_mb} MB of memory")

    def _short_of_tasks(self) -> Reason:
        return self._passed("memory", f"it had more than {self._limits.tasks} processes and threads")

    def _passed(self, reason: Reason, limit: str) -> Reason:
        self.limit = limit
        return reason

    def _look_at_files(self, pids: list[int]) -> None:
        now = time.monotonic()
        if now < self._look_at:
            return
        self._files = files_of(self._work_dir, pids, self._limits.files)
        took = time.monotonic() - now
        self._look_at = now + max(_FILES_POLL_S, _FILES_SHARE * took)

    def _read(self, wait_s: float) -> None:
        """Take in what is printed by now, waiting at most `wait_s` for it, and not for ever if it never ends."""
        if not self._selector.get_map():
            with contextlib.suppress(subprocess.TimeoutExpired):
                self._process.wait(wait_s)
        elif self._selector.select(wait_s):
            data = self._pipe.read(MB)
            if data:
                self._output.feed(data)
            elif data == b"":
                self._selector.unregister(self._pipe)

    def _printed_mb(self) -> float:
        return self._output.size / MB
