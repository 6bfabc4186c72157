"""What a program may use, when it may run, and what ended it.

The standard library only: an E2B sandbox gets this file too (see e2b.guard).
"""

from dataclasses import dataclass
from typing import Literal, Protocol

Reason = Literal["ok", "error", "timeout", "memory", "output", "killed", "stopped"]


@dataclass(frozen=True)
class Limits:
    """See job.Job for what each counts: seconds, MB, MB, and how many."""

    wall_s: float
    memory_mb: int
    output_mb: float
    tasks: int
    files: int


class Turn(Protocol):
    """The slot of a program that gives way to others: handed on while it stands still, and got back. Asked ten times a
    second."""

    def wanted(self) -> bool:
        """Whether it has to stand still now."""

    def hand_on(self) -> None:
        """It stands still: somebody else may run."""

    def regained(self) -> bool:
        """Whether it may go on; waits a tenth of a second for that."""
