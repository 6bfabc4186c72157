"""The machine's stock: cores that this process may use, memory, graphics processors."""

import os
import shutil
import subprocess
from typing import Any

import psutil


def hardware() -> dict[str, Any]:
    """{'cpus': usable cores, 'memory_gb': total, 'gpu': names or None}."""
    return {
        "cpus": len(os.sched_getaffinity(0)),
        "memory_gb": round(psutil.virtual_memory().total / 2**30, 1),
        "gpu": _gpu(),
    }


def _gpu() -> str | None:
    tool = shutil.which("nvidia-smi")
    if not tool:
        return None
    query = [tool, "--query-gpu=name,memory.total", "--format=csv,noheader"]
    try:
        found = subprocess.run(query, capture_output=True, text=True, timeout=20)
    except (OSError, subprocess.TimeoutExpired):
        return None
    return "; ".join(found.stdout.strip().splitlines()) or None if found.returncode == 0 else None
