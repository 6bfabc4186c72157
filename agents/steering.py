"""What kind of step comes next, and from which program: descent on the trace's own, or a node of the greedy tree."""

from dataclasses import dataclass
from math import ceil
from typing import Any

from gome.agents.incumbent import incumbent_of, known_records, ranked
from gome.state.records import Move
from gome.state.schema import TraceState
from gome.tools.bench import Bench

DRAFTS, DRAFT_SHARE = 5, 0.25
"""A tree begins with this many drafts, or with this share of its steps if that is less."""


@dataclass(frozen=True)
class Course:
    """One step: `move` from `parent` (None: a first program), proposed by `optimizer`.

    `home` is where the trace stands if the step is not accepted; `source` the step that is merged in or restarted from.
    """

    optimizer: str
    move: Move
    parent: dict[str, Any] | None
    home: dict[str, Any] | None
    source: str | None = None


def steer(state: TraceState, bench: Bench) -> Course:
    """The course of the step at hand, by the configured optimizer."""
    if bench.config.optimizer == "tree":
        return _tree(state, bench)
    return _descent(state, bench)


def _descent(state: TraceState, bench: Bench) -> Course:
    """The next step of the trace's own path."""
    incumbent = state.get("incumbent")
    return Course("gradient", "edit" if incumbent else "draft", incumbent, incumbent)


def _tree(state: TraceState, bench: Bench) -> Course:
    """Some drafts, then the best program of the run is improved: the greedy policy of AIDE, shared by all traces.

    A failing program is mended within its step, by the coder's debug rounds, not by a step of its own.
    """
    home, config = state.get("incumbent"), bench.config
    drafts = min(DRAFTS, max(1, int(DRAFT_SHARE * config.traces * config.steps)))
    best = ranked(known_records(state, bench), bench.sign)
    if state["step"] < ceil(drafts / config.traces) or not best:
        return Course("tree", "draft", None, home)
    return Course("tree", "edit", incumbent_of(best[0], bench), home, best[0]["id"])
