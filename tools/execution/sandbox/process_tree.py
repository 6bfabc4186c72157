"""A process tree in /proc: who is in it, its memory, with what its processes share counted once, and how it is stopped.

The standard library only: an E2B sandbox gets this file too (see e2b.guard).
"""

import contextlib
import os
import signal
from collections.abc import Iterable
from pathlib import Path

MB = 2**20
_TICK = os.sysconf("SC_CLK_TCK")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_LOOKS = 100


def descendants(root: int) -> list[int]:
    """Pids of all processes below process `root`, not itself; [] when it is gone."""
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{name}/stat", "rb") as stat:
            parent = int(stat.read().rpartition(b")")[2].split()[1])  # the name before may hold blanks
            children.setdefault(parent, []).append(int(name))
    found, left = [], [root]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def stop_tree(root: int) -> bool:
    """Stop all processes below `root`, not itself; False if there were new ones at each of many looks.

    By signals, not by the freezer of a control group: what version 1 has frozen can't be killed, and would outlive its
    agent. A stopped process forks no more, and one that was in the middle of that has its child in the next look, or
    forks anew when it goes on: once a look finds nobody new, all stand still.
    """
    told: set[int] = set()
    for _ in range(_LOOKS):
        new = set(descendants(root)) - told
        if not new:
            return True
        _signal(new, signal.SIGSTOP)
        told |= new
    return False


def continue_tree(root: int) -> None:
    """Let all processes below `root` go on."""
    _signal(descendants(root), signal.SIGCONT)


def _signal(pids: Iterable[int], number: signal.Signals) -> None:
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


def tree_memory_mb(pids: Iterable[int], limit_mb: float, files_mb: float = 0.0) -> float:
    """Memory of the processes together, with the files that they keep in memory, MB.

    The sum of the resident sizes is cheap, but counts pages that forked workers share once for each of them, and mapped
    files, which the kernel can take back. Only if it is above `limit_mb` is the exact figure read, which is dearer.
    Memory that is shared may be that of files: the larger of both figures is taken, so that none counts twice.
    """
    pids = list(pids)
    resident = sum(map(_resident_bytes, pids)) / MB
    if resident + files_mb <= limit_mb:
        return resident + files_mb
    own, shared = (sum(column) / MB for column in zip((0, 0), *map(_own_bytes, pids), strict=True))
    return own + max(shared, files_mb)


def tree_cpu_seconds(pids: Iterable[int]) -> float:
    """Seconds that cores have worked for the processes, and for their children that have ended."""
    return sum(map(_cpu_ticks, pids)) / _TICK


def _cpu_ticks(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return sum(map(int, fields[11:15]))  # utime, stime, cutime, cstime
    return 0


def count_tasks(pids: Iterable[int]) -> int:
    """Processes and threads."""
    return sum(map(_threads, pids))


def _threads(pid: int) -> int:
    with contextlib.suppress(OSError):
        return os.stat(f"/proc/{pid}/task").st_nlink - 2  # a folder for each
    return 0


def _resident_bytes(pid: int) -> int:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE
    return 0


def _own_bytes(pid: int) -> tuple[int, int]:
    """Proportional share of anonymous and of shared memory, without files; resident size where /proc does not tell."""
    with contextlib.suppress(OSError, ValueError):
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
        kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        if "Pss_Anon" in kilobytes:
            return 1024 * kilobytes["Pss_Anon"], 1024 * kilobytes["Pss_Shmem"]
    return _resident_bytes(pid), 0
