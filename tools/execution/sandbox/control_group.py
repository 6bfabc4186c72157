"""A control group of its own for each program: the kernel itself counts and bounds its memory and its tasks.

Counted is all that the kernel charges: the pages of processes, files in memory (shared, deleted, mapped or lying in a
socket), the buffers of sockets and pipes, page tables. Page cache is charged as well, but the kernel takes it back
before it kills anything, and no figure here has it. Versions 1 and 2 are known; where neither can be written, there are
no groups. Sources: the kernel's admin-guide/cgroup-v2.rst, cgroup-v1/memory.rst and cgroup-v1/pids.rst.
"""

import contextlib
import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from types import TracebackType

from gome.state.errors import GomeError
from gome.tools.execution.sandbox import supervisor
from gome.tools.execution.sandbox.process_tree import MB

_NAME = "gome-"
_TRIAL_MB = 32
_LARGEST_MB = 2  # that is asked for at once: a huge page


@dataclass(frozen=True)
class _Words:
    """How a version calls what is needed here.

    `limits` are files and how many times the limit each gets; but for the first, they may be missing. Of `full`, files
    and keys, one figure is as many times the limit, or 1 at least, where the limit was reached.
    """

    limits: tuple[tuple[str, int], ...]
    usage: tuple[str, ...]
    cache: tuple[str, ...]
    full: tuple[tuple[str, str, int], ...]
    killed: str


_WORDS = {
    1: _Words(
        limits=(
            ("memory.limit_in_bytes", 1),
            ("memory.memsw.limit_in_bytes", 1),
            ("memory.kmem.tcp.limit_in_bytes", 1),
        ),
        usage=("memory.usage_in_bytes", "memory.kmem.tcp.usage_in_bytes"),
        cache=("total_inactive_file", "total_active_file"),
        full=(("memory.max_usage_in_bytes", "", 1), ("memory.memsw.max_usage_in_bytes", "", 1)),
        killed="memory.oom_control",
    ),
    2: _Words(
        limits=(("memory.max", 1), ("memory.swap.max", 0)),
        usage=("memory.current",),
        cache=("inactive_file", "active_file", "slab_reclaimable"),
        full=(("memory.events", "oom", 0),),
        killed="memory.events",
    ),
}


@dataclass(frozen=True)
class ControlGroups:
    """Where groups can be made: below these folders, which are one and the same in version 2."""

    version: int
    memory: Path
    pids: Path

    def make(self, memory_mb: int, tasks: int) -> "ControlGroup":
        """A group with these limits, for as long as it is open. GomeError where none can be made any more."""
        try:
            return ControlGroup(self, memory_mb, tasks)
        except OSError as error:
            where = error.filename or self.memory
            raise GomeError(
                f"no control group can be made for a program: {where}: {error.strerror}"
            ) from error

    def remove_stale(self) -> None:
        """Remove the groups of agents that are dead. Who lives has a lock on his; a group with processes stays anyway."""
        for parent in {self.memory, self.pids}:
            for path in parent.glob(f"{_NAME}*"):
                with contextlib.suppress(OSError), _locked(path, fcntl.LOCK_EX | fcntl.LOCK_NB):
                    _remove(path)


class ControlGroup:
    """One group, empty at first. `entrances` are the files that a process writes "0" to in order to join."""

    def __init__(self, where: ControlGroups, memory_mb: int, tasks: int) -> None:
        self._words, self._limit_mb = _WORDS[where.version], memory_mb
        with contextlib.ExitStack() as held:
            made = {parent: held.enter_context(_made_below(parent)) for parent in {where.memory, where.pids}}
            self._memory, self._pids = made[where.memory], made[where.pids]
            self._set_limits(tasks)
            self._held = held.pop_all()
        self.entrances = tuple(str(folder / "cgroup.procs") for folder in made.values())

    def _set_limits(self, tasks: int) -> None:
        (self._pids / "pids.max").write_text(str(tasks))
        for name, times in self._words.limits:
            if name == self._words.limits[0][0] or (self._memory / name).exists():
                (self._memory / name).write_text(str(times * self._limit_mb * MB))

    def __enter__(self) -> "ControlGroup":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._held.close()

    def memory_mb(self) -> float:
        """What its processes take now, MB, without page cache."""
        counts = _counts(self._memory / "memory.stat")
        usage = sum(_counts(self._memory / name).get("", 0) for name in self._words.usage)
        return max(0, usage - sum(counts.get(name, 0) for name in self._words.cache)) / MB

    def ran_out(self) -> bool:
        """Whether the kernel had to kill a process of it because its memory limit was reached."""
        full = any(
            _counts(self._memory / name).get(key, 0) >= max(1, times * (self._limit_mb - _LARGEST_MB) * MB)
            for name, key, times in self._words.full
        )
        return full and _counts(self._memory / self._words.killed).get("oom_kill", 0) > 0

    def tasks(self) -> int:
        """Processes and threads in it."""
        return _counts(self._pids / "pids.current").get("", 0)

    def refused_a_task(self) -> bool:
        """Whether it asked for one more process or thread than it may have."""
        return _counts(self._pids / "pids.events").get("max", 0) > 0


def _counts(path: Path) -> dict[str, int]:
    """The figures in a file of lines 'key value', or of one value, whose key is ''; {} where there is no such file."""
    with contextlib.suppress(OSError, ValueError):
        rows = [line.rpartition(" ") for line in path.read_text().splitlines()]
        return {key: int(value) for key, _, value in rows}
    return {}


@contextlib.contextmanager
def _locked(path: Path, how: int) -> Iterator[None]:
    folder = os.open(path, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(folder, how)
        yield
    finally:
        os.close(folder)


@contextlib.contextmanager
def _made_below(parent: Path) -> Iterator[Path]:
    """A fresh group below this one, locked for as long as it is needed: a killed agent lets go of it, too."""
    with contextlib.ExitStack() as held:
        while True:
            path = Path(tempfile.mkdtemp(prefix=_NAME, dir=parent))
            with contextlib.suppress(FileNotFoundError):  # somebody took it for a stale one: once more
                held.enter_context(_locked(path, fcntl.LOCK_EX))
                if path.exists():
                    break
        yield path
        _remove(path)


def _remove(group: Path) -> None:
    """Remove a group and those below it; one that is not empty stays."""
    with contextlib.suppress(OSError):
        for path, _, _ in os.walk(group, topdown=False):
            os.rmdir(path)


@cache
def find_groups() -> tuple[ControlGroups | None, str]:
    """Where groups can be made, as a trial shows, and why nowhere. Removes what dead agents left there."""
    lack = "no memory and pids controllers are mounted"
    for where in _places():
        where.remove_stale()
        try:
            with where.make(_TRIAL_MB, 8) as group:
                lack = _trial(group)
        except GomeError as error:
            lack = str(error)
        if not lack:
            return where, ""
    return None, lack


def limits_words() -> str:
    """Who bounds memory and tasks of the programs on this machine, in words for people."""
    where, lack = find_groups()
    if where:
        return f"memory and tasks by the kernel (control groups, version {where.version})"
    return f"memory and tasks by looking at them ten times a second; no control groups: {lack}"


def _trial(group: ControlGroup) -> str:
    """Put a process into the group that takes too much memory: why that does not end it as it must, or ''."""
    program = [sys.executable, "-I", "-S", "-c", f"b'x' * ({2 * _TRIAL_MB} << 20)"]
    command = supervisor.command(program, file_size=MB, denied=b"", entrances=group.entrances)
    said = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=60)
    if said.returncode == 0:
        return "a memory limit does not hold"
    if not group.ran_out():
        return (said.stderr.strip().splitlines() or ["a trial process ended otherwise"])[-1][:200]
    return ""


def _places() -> Iterator[ControlGroups]:
    """What may work: version 1 in the agent's own groups; version 2 in the nearest group that hands controllers down."""
    with contextlib.suppress(OSError, ValueError):
        own = _own_groups()
        if "memory" in own and "pids" in own:
            yield ControlGroups(1, own["memory"], own["pids"])
        elif "" in own:
            yield from _below_ancestors(own[""])


def _below_ancestors(own: Path) -> Iterator[ControlGroups]:
    """Groups of version 2 hold processes or groups: the agent's own can't do, unless it is the root.

    None above one that bounds memory or processor: a program would be outside of what bounds its agent.
    """
    for group in (own, *own.parents):
        handed_down = group / "cgroup.subtree_control"
        if not handed_down.exists():
            return
        if {"memory", "pids"} <= set(handed_down.read_text().split()):
            yield ControlGroups(2, group, group)
            return
        for name in ("memory.max", "memory.high", "cpu.max"):
            if (group / name).exists() and not (group / name).read_text().startswith("max"):
                return


def _own_groups() -> dict[str, Path]:
    """The folders of this process's groups, by the controller of version 1; '' is that of version 2."""
    groups: dict[str, str] = {}
    for line in Path("/proc/self/cgroup").read_text().splitlines():
        _, controllers, group = line.split(":", 2)
        groups |= dict.fromkeys(controllers.split(","), group)
    folders = {}
    for line in Path("/proc/self/mountinfo").read_text().splitlines():
        mount, _, source = line.partition(" - ")
        root, at = mount.split()[3:5]
        kind, _, options = source.split(" ", 2)
        names = {"cgroup": options.split(","), "cgroup2": [""]}.get(kind, [])
        for name in set(names) & groups.keys():
            below = os.path.relpath(groups[name], root)
            if not below.startswith(".."):
                folders[name] = Path(at, below)
    return folders
