"""How a program ended, in the terms of the records: its status, and one line that says why."""

import re
from collections.abc import Mapping
from typing import Any, cast

from gome.state.parts import Status
from gome.tools.execution.crash import cause
from gome.tools.execution.job import Outcome
from gome.tools.execution.scheduler import STARTS

_SHORT = re.compile(  # what PyTorch, CUDA's libraries, JAX and TensorFlow say, at the end of a traceback
    r"CUDA out of memory|CUDA error: out of memory|cudaErrorMemoryAllocation|_STATUS_ALLOC_FAILED|RESOURCE_EXHAUSTED"
    r"|ResourceExhaustedError"
)


def status_of(outcome: Outcome) -> Status:
    """'ok' says nothing of the submission yet. Too little memory is 'memory', on the GPU too, and whoever ended it."""
    if outcome.reason == "killed" or _is_short_of_gpu_memory(outcome):
        return "memory"
    return cast(Status, outcome.reason)


def failure_line(outcome: Outcome, facts: Mapping[str, Any]) -> str:
    """Why it failed, with the figures; `facts` are of its program log."""
    if _is_short_of_gpu_memory(outcome):
        peak = gpu_peak_mb(outcome, facts)
        figures = "" if peak is None else f" ({peak:.0f} MB of it at its peak)"
        return f"the GPU's memory was short{figures}: {cause(outcome.log)}"
    said = {
        "timeout": f"stopped at the time limit after {outcome.seconds:.0f} s",
        "memory": f"stopped because {outcome.limit or 'the memory was short'} ({outcome.peak_mb:.0f} MB at its peak)",
        "killed": f"killed {STARTS} times from outside, last with {outcome.peak_mb:.0f} MB resident",
        "output": f"stopped because {outcome.limit}",
    }
    return said.get(outcome.reason, f"ended with exit code {outcome.exit_code}: {cause(outcome.log)}")


def gpu_peak_mb(outcome: Outcome, facts: Mapping[str, Any]) -> float | None:
    """The most memory that it took of its GPUs, as measured, else as it has logged; None if nobody knows."""
    logged = facts.get("gpu_peak_mb")
    peak = outcome.gpu_peak_mb if outcome.gpu_peak_mb is not None else logged
    return round(peak, 1) if isinstance(peak, int | float) else None


def _is_short_of_gpu_memory(outcome: Outcome) -> bool:
    return outcome.reason == "error" and bool(_SHORT.search(cause(outcome.log)))
