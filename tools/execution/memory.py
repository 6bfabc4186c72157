"""The memory of a process tree, with what its processes share counted once."""

import contextlib
from collections.abc import Iterable
from pathlib import Path

import psutil

MB = 2**20


def descendants(process: psutil.Process) -> list[psutil.Process]:
    """All processes below `process`, not itself; [] when it is gone."""
    with contextlib.suppress(psutil.Error):
        return process.children(recursive=True)
    return []


def tree_memory_mb(processes: Iterable[psutil.Process], limit_mb: float) -> float:
    """Resident memory of the processes together, MB.

    The sum of the resident sizes is cheap, but counts pages that forked workers share once for each of them, and mapped
    files, which the kernel can take back. Only if it is above `limit_mb` is the exact figure read, which is dearer.
    """
    processes = list(processes)
    resident = sum(map(_resident_bytes, processes)) / MB
    if resident <= limit_mb:
        return resident
    return sum(map(_own_bytes, processes)) / MB


def _resident_bytes(process: psutil.Process) -> int:
    with contextlib.suppress(psutil.Error):
        return int(process.memory_info().rss)
    return 0


def _own_bytes(process: psutil.Process) -> int:
    """Proportional share of anonymous and shared memory, without files; resident size where /proc does not tell."""
    with contextlib.suppress(OSError, ValueError):
        lines = Path(f"/proc/{process.pid}/smaps_rollup").read_text().splitlines()[1:]
        kilobytes = {name: int(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
        if "Pss_Anon" in kilobytes:
            return 1024 * (kilobytes["Pss_Anon"] + kilobytes["Pss_Shmem"])
    return _resident_bytes(process)
