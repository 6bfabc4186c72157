"""The memory of a process tree, with what its processes share counted once."""

import contextlib
import os
from collections.abc import Iterable
from pathlib import Path

import psutil

MB = 2**20


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """All processes below `process`, not itself; [] when it is gone."""
    with contextlib.suppress(psutil.Error):
        return process.children(recursive=True)
    return []


def tree_memory_mb(processes: Iterable[psutil.Process], limit_mb: float, files_mb: float = 0.0) -> float:
    """Memory of the processes together, with the files that they keep in memory, MB.

    The sum of the resident sizes is cheap, but counts pages that forked workers share once for each of them, and mapped
    files, which the kernel can take back. Only if it is above `limit_mb` is the exact figure read, which is dearer.
    Memory that is shared may be that of files: the larger of both figures is taken, so that none counts twice.
    """
    processes = list(processes)
    resident = sum(map(_resident_bytes, processes)) / MB
    if resident + files_mb <= limit_mb:
        return resident + files_mb
    own, shared = (sum(column) / MB for column in zip((0, 0), *map(_own_bytes, processes), strict=True))
    return own + max(shared, files_mb)


def count_tasks(processes: Iterable[psutil.Process]) -> int:
    """Processes and threads."""
    return sum(map(_threads, processes))


def _threads(process: psutil.Process) -> int:
    with contextlib.suppress(OSError):
        return os.stat(f"/proc/{process.pid}/task").st_nlink - 2  # a folder for each
    return 0


def _resident_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _own_bytes(process: psutil.Process) -> tuple[int, int]:
    """Proportional share of anonymous and of shared memory, without files; resident size where /proc does not tell."""
    with contextlib.suppress(OSError, ValueError):
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
        kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        if "Pss_Anon" in kilobytes:
            return 1024 * kilobytes["Pss_Anon"], 1024 * kilobytes["Pss_Shmem"]
    return _resident_bytes(process), 0
