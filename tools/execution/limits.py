"""What a program may use, and what ended it.

The standard library only: an E2B sandbox gets this file too (see e2b.guard).
"""

from dataclasses import dataclass
from typing import Literal

Reason = Literal["ok", "error", "timeout", "memory", "output", "killed", "stopped"]


@dataclass(frozen=True)
class Limits:
    """See job.Job for what each counts: seconds, MB, MB, and how many."""

    wall_s: float
    memory_mb: int
    output_mb: float
    tasks: int
    files: int
