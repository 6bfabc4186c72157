"""What kind of step comes next, and from which program: descent on the trace's own, or a node of the greedy tree."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gome.optimizer.incumbent import incumbent_of, known_records, leader
from gome.optimizer.merge import Partner, find_partner
from gome.optimizer.reliability import draw_optimizer
from gome.optimizer.restart import has_stalled, other_parent
from gome.state.schema import TraceState
from gome.state.step import Move
from gome.tools.services import RunServices

DRAFTS, DRAFT_SHARE = 5, 0.25
"""A tree begins with this many drafts, or with this share of its steps if that is less."""

ENSEMBLE_FROM = 0.7
"""Share of the budget from which on ensembles and merges are preferred (method.md, one step, 5)."""


def step_seed(seed: int, trace: int, step: int) -> int:
    """A seed of its own for each step, the same whenever the step is executed."""
    return int(hashlib.sha256(f"{seed}:{trace}:{step}".encode()).hexdigest()[:8], 16)


def stage_of(services: RunServices, state: TraceState) -> str:
    """Draft until the trace has an incumbent, ensemble in the last third of the budget, improve in between."""
    if not state.get("incumbent"):
        return "draft"
    used = max(
        state["step"] / services.allowance(state["trace"]),
        services.clock.elapsed() / services.config.time_limit_s,
    )
    return "ensemble" if used >= ENSEMBLE_FROM else "improve"


@dataclass(frozen=True)
class NextStep:
    """One step: `move` from `parent` (None: a first program), proposed by `optimizer`.

    `home` is where the trace stands if the step is not accepted; `source` the step that is merged in or started from.
    """

    optimizer: str
    move: Move
    parent: dict[str, Any] | None
    home: dict[str, Any] | None
    source: str | None = None
    partner: Partner | None = None


Optimizer = Callable[[TraceState, RunServices], NextStep]


def next_step(state: TraceState, services: RunServices) -> NextStep:
    """The course of the step at hand, by the configured optimizer."""
    optimizer: str = services.config.optimizer
    if optimizer == "auto":
        optimizer = _trusted(state, services)
    return _tree(state, services) if optimizer == "tree" else _descent(state, services)


def _trusted(state: TraceState, services: RunServices) -> str:
    """Descent or enumeration, drawn by how often the steps of each gained in this run. The first step is descent's."""
    if not state.get("incumbent"):
        return "gradient"
    rng = np.random.default_rng(step_seed(services.config.seed, state["trace"], state["step"]))
    return draw_optimizer(known_records(state, services), rng)


def _descent(state: TraceState, services: RunServices) -> NextStep:
    """The next step of the trace's own path; where it ends, a merge with another trace, or another start."""
    incumbent = state.get("incumbent")
    if not incumbent:
        return NextStep("gradient", "draft", None, None)
    stalled = has_stalled(state, services)
    if services.config.has("merge") and (stalled or _leads_at_the_end(state, services)):
        partner = find_partner(services, known_records(state, services), state["trace"], incumbent["code"])
        if partner:
            return NextStep("gradient", "merge", incumbent, incumbent, partner.record["id"], partner)
    if stalled and services.config.has("restarts") and (record := other_parent(state, services)):
        parent = incumbent_of(record, services)
        return NextStep("gradient", "restart", parent, parent, record["id"])
    return NextStep("gradient", "edit", incumbent, incumbent)


def _leads_at_the_end(state: TraceState, services: RunServices) -> bool:
    """Whether the trace holds the run's best program and the last part of the budget has begun."""
    if stage_of(services, state) != "ensemble":
        return False
    best = leader(known_records(state, services), services.sign)
    return best is not None and best["code"] == (state.get("incumbent") or {}).get("code")


def _tree(state: TraceState, services: RunServices) -> NextStep:
    """Some drafts, then the best program of the run is improved: the greedy policy of AIDE, shared by all traces.

    A failing program is mended within its step, by the coder's debug rounds, not by a step of its own.
    """
    home, config = state.get("incumbent"), services.config
    drafts = min(DRAFTS, max(1, int(DRAFT_SHARE * config.traces * config.steps)))
    best = leader(known_records(state, services), services.sign)
    own = drafts // config.traces + (state["trace"] < drafts % config.traces)
    drafting = config.optimizer == "tree" and state["step"] < own
    if drafting or best is None:
        return NextStep("tree", "draft", None, home)
    return NextStep("tree", "edit", incumbent_of(best, services), home, best["id"])
