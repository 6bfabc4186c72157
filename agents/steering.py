"""What kind of step comes next, and from which program: descent on the trace's own, or a node of the greedy tree."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from gome.agents.facts import stage_of, step_seed
from gome.agents.incumbent import incumbent_of, known_records, leader
from gome.agents.merging import Partner, find_partner
from gome.agents.stagnation import has_stalled, other_parent
from gome.state.records import Move
from gome.state.schema import TraceState
from gome.tools.bench import Bench
from gome.tools.evaluation.reliability import draw_optimizer

DRAFTS, DRAFT_SHARE = 5, 0.25
"""A tree begins with this many drafts, or with this share of its steps if that is less."""


@dataclass(frozen=True)
class Course:
    """One step: `move` from `parent` (None: a first program), proposed by `optimizer`.

    `home` is where the trace stands if the step is not accepted; `source` the step that is merged in or started from.
    """

    optimizer: str
    move: Move
    parent: dict[str, Any] | None
    home: dict[str, Any] | None
    source: str | None = None
    partner: Partner | None = None


Optimizer = Callable[[TraceState, Bench], Course]


def steer(state: TraceState, bench: Bench) -> Course:
    """The course of the step at hand, by the configured optimizer."""
    optimizer: str = bench.config.optimizer
    if optimizer == "auto":
        optimizer = _trusted(state, bench)
    return _tree(state, bench) if optimizer == "tree" else _descent(state, bench)


def _trusted(state: TraceState, bench: Bench) -> str:
    """Descent or enumeration, drawn by how often the steps of each gained in this run. The first step is descent's."""
    if not state.get("incumbent"):
        return "gradient"
    rng = np.random.default_rng(step_seed(bench.config.seed, state["trace"], state["step"]))
    return draw_optimizer(known_records(state, bench), rng)


def _descent(state: TraceState, bench: Bench) -> Course:
    """The next step of the trace's own path; where it ends, a merge with another trace, or another start."""
    incumbent = state.get("incumbent")
    if not incumbent:
        return Course("gradient", "draft", None, None)
    stalled = has_stalled(state, bench)
    if bench.config.has("merge") and (stalled or _leads_at_the_end(state, bench)):
        partner = find_partner(bench, known_records(state, bench), state["trace"], incumbent["code"])
        if partner:
            return Course("gradient", "merge", incumbent, incumbent, partner.record["id"], partner)
    if stalled and bench.config.has("restarts") and (record := other_parent(state, bench)):
        parent = incumbent_of(record, bench)
        return Course("gradient", "restart", parent, parent, record["id"])
    return Course("gradient", "edit", incumbent, incumbent)


def _leads_at_the_end(state: TraceState, bench: Bench) -> bool:
    """Whether the trace holds the run's best program and the last part of the budget has begun."""
    if stage_of(bench, state) != "ensemble":
        return False
    best = leader(known_records(state, bench), bench.sign)
    return best is not None and best["code"] == (state.get("incumbent") or {}).get("code")


def _tree(state: TraceState, bench: Bench) -> Course:
    """Some drafts, then the best program of the run is improved: the greedy policy of AIDE, shared by all traces.

    A failing program is mended within its step, by the coder's debug rounds, not by a step of its own.
    """
    home, config = state.get("incumbent"), bench.config
    drafts = min(DRAFTS, max(1, int(DRAFT_SHARE * config.traces * config.steps)))
    best = leader(known_records(state, bench), bench.sign)
    own = drafts // config.traces + (state["trace"] < drafts % config.traces)
    drafting = config.optimizer == "tree" and state["step"] < own
    if drafting or best is None:
        return Course("tree", "draft", None, home)
    return Course("tree", "edit", incumbent_of(best, bench), home, best["id"])
