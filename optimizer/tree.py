"""Tree search: some drafts, then the best program of the run is improved, in the greedy manner of AIDE."""

from gome.optimizer.incumbent import incumbent_of
from gome.optimizer.ranking import leader
from gome.optimizer.stages import NextStep
from gome.state.config import UNCAPPED_STEPS
from gome.state.schema import TraceState
from gome.tools.services import RunServices

DRAFTS, DRAFT_SHARE = 5, 0.25
"""A tree begins with this many drafts, or with this share of its steps if that is less."""


def grow(state: TraceState, services: RunServices) -> NextStep:
    """A draft or a child of the best node; all traces share the tree.

    A failing program is mended within its step, by the coder's debug rounds, not by a step of its own.
    """
    home, config = state.get("incumbent"), services.config
    drafts = min(DRAFTS, max(1, int(DRAFT_SHARE * config.traces * (config.steps or UNCAPPED_STEPS))))
    best = leader(state, services)
    own = drafts // config.traces + (state["trace"] < drafts % config.traces)
    drafting = config.optimizer == "tree" and state["step"] < own
    if drafting or best is None:
        return NextStep("tree", "draft", None, home)
    return NextStep("tree", "edit", incumbent_of(best, services), home, best.id)
