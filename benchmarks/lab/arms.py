"""What is compared: ways to run, each the default but for what its name says."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from benchmarks.lab.line_search import DEFAULT_LIMITS, Limits
from benchmarks.lab.nodes import TIES_FROM
from benchmarks.lab.reasoner import Dials

QUICKER = ("ensemble", "evidence")
"""Left out in all runs: an ensemble is weighed at the end of some (handover.py), and nobody reads the evidence."""
RELIABILITIES = (0.0, 0.2, 0.4, 0.6, 0.8, 1.0)
USUAL = 0.6
"""Reliability of the arms that differ by something else."""


@dataclass(frozen=True)
class Arm:
    """One way to run: settings of the product, the reasoner's dials, from which share of resamples a tie is accepted, and
    the limits of the line search, None for a run without."""

    name: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    dials: Dials = field(default_factory=Dials)
    tie_from: float = TIES_FROM
    limits: Limits | None = None

    def config(self) -> dict[str, Any]:
        """The settings with what all runs leave out."""
        without = (*QUICKER, *self.settings.get("without", ()), *(() if self.limits else ("tuning",)))
        return {**self.settings, "without": without}


DEFAULT = f"gradient {USUAL:g}"
DESCENT = tuple(Arm(f"gradient {r:g}", dials=Dials(r)) for r in RELIABILITIES)
TREE = (Arm("tree", {"optimizer": "tree"}),)
PRECISION = tuple(Arm(f"precision {p:g}", dials=Dials(USUAL, p)) for p in (0.0, 1.0))
PARTS = tuple(
    Arm(f"without {part}", {"without": (part,)})
    for part in ("merge", "momentum", "restarts", "racing", "reasoning")
)
PATIENCE = tuple(Arm(f"patience {n}", {"patience": n}) for n in (1, 2, 5))
TIES = tuple(Arm(f"ties from {share:g}", tie_from=share) for share in (0.25, 0.5, 0.75, 0.9))
TIES_ELSEWHERE = tuple(
    Arm(f"ties from {share:g} at {r:g}", dials=Dials(r), tie_from=share)
    for r in (0.2, 1.0)
    for share in (0.25, 0.5)
)
"""Whether what holds of ties at the usual reliability holds at others."""
TRACES = tuple(Arm(f"traces {n}", {"traces": n}) for n in (1, 4, 8))
TUNED = f"tuning {USUAL:g}"
TUNING = tuple(Arm(f"tuning {r:g}", dials=Dials(r), limits=DEFAULT_LIMITS) for r in (0.2, USUAL, 1.0))
LIMITS = (
    *(Arm(f"tuning share {share:g}", limits=Limits(share=share)) for share in (0.1, 0.4, 1.0)),
    *(Arm(f"tuning trials {n}", limits=Limits(trials=n)) for n in (6, 24)),
    *(Arm(f"tuning programs {n}", limits=Limits(programs=n)) for n in (1, 4)),
)
ARMS = (
    *TREE,
    *DESCENT,
    *PRECISION,
    *PARTS,
    *PATIENCE,
    *TIES,
    *TIES_ELSEWHERE,
    *TRACES,
    *TUNING,
    *LIMITS,
)
