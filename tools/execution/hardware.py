"""What the machine gives this process: cores, memory, GPU."""

import os
from collections.abc import Iterable
from pathlib import Path

import psutil

from gome.state.prompt_context import Hardware
from gome.tools.execution.gpus import Gpu, find_gpus

_CGROUP = Path("/sys/fs/cgroup")
_GB = 2**30


def hardware() -> Hardware:
    """What may be used here, not what is built in.

    Cores respect CPU affinity and the cgroup's quota, memory the cgroup's limit. `gpu` names the cards with their
    memory, None where there is none.
    """
    return Hardware(cpus=_cpus(), memory_gb=round(_memory_bytes() / _GB, 1), gpu=named(find_gpus()))


def _cpus() -> int:
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    quota, _, period = _read("cpu.max").partition(" ")
    if quota.isdigit() and period.isdigit():
        cores = min(cores, int(quota) // int(period))
    return max(cores, 1)


def _memory_bytes() -> int:
    limit = _read("memory.max")
    total = int(psutil.virtual_memory().total)
    return min(total, int(limit)) if limit.isdigit() else total


def _read(name: str) -> str:
    """A file of this process's control group (version 2), '' where there is none."""
    try:
        return (_CGROUP / name).read_text().strip()
    except OSError:
        return ""


def memory_left() -> float:
    """Share of the memory that may be used here which nobody uses now; what the kernel can take back counts as free."""
    machine = psutil.virtual_memory()
    left = machine.available / machine.total
    limit, used = _read("memory.max"), _read("memory.current")
    if limit.isdigit() and used.isdigit():
        counts = dict(line.split() for line in _read("memory.stat").splitlines())
        held = int(used) - sum(int(counts.get(f"{kind}active_file", 0)) for kind in ("", "in"))
        left = min(left, 1 - held / max(1, int(limit)))
    return left


def named(gpus: Iterable[Gpu]) -> str | None:
    """The cards in words: 'A100, 40960 MB; A100, 40960 MB'."""
    return "; ".join(f"{gpu.name}, {gpu.memory_mb} MB" for gpu in gpus) or None
