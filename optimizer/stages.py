"""Where in the budget a step stands, and what there is to say of it before anybody thinks: `NextStep`."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from gome.optimizer.merge import Partner
from gome.state.in_flight import Incumbent
from gome.state.parts import Stage, StepKind
from gome.state.schema import TraceState
from gome.tools.services import RunServices

ENSEMBLE_FROM = 0.7
"""Share of the budget from which on ensembles and merges are preferred (docs/method.md, "One step")."""


@dataclass(frozen=True)
class NextStep:
    """One step: of which `kind`, from the program `parent` (None: a first program), proposed by `optimizer`.

    `home` is where the trace stands if the step is not accepted; `source` the step that is merged in or started from.
    """

    optimizer: str
    kind: StepKind
    parent: Incumbent | None
    home: Incumbent | None
    source: str | None = None
    partner: Partner | None = None


Optimizer = Callable[[TraceState, RunServices], NextStep]
"""A policy: from where a trace stands to its next step."""


def step_seed(seed: int, trace: int, step: int) -> int:
    """A seed of its own for each step, the same whenever the step is executed."""
    return int(hashlib.sha256(f"{seed}:{trace}:{step}".encode()).hexdigest()[:8], 16)


def stage_of(services: RunServices, state: TraceState) -> Stage:
    """Draft until the trace has an incumbent, ensemble in the last 30 % of the budget, improve in between."""
    if not state.get("incumbent"):
        return "draft"
    _, used = binding_cap(services, state["trace"], state["step"])
    return "ensemble" if used >= ENSEMBLE_FROM else "improve"


def binding_cap(services: RunServices, trace: int, step: int) -> tuple[str, float]:
    """The cap that ends the trace first, as things stand: its name among the settings, and which share of it is used."""
    used = services.budget.shares_used(services.asker.journal.usage())
    used = {"steps": step / services.allowance(trace), **used}
    return max(used.items(), key=lambda item: item[1])
