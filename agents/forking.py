"""Forks: a hypothesis that a person changes in the state of an earlier step is tried by a trace beside the first one.

The step keeps its number and the trace gets a new one, so that nothing of what was done before is overwritten.
"""

from typing import Any

from pydantic import ValidationError

from gome.agents.prompts.replies import HypothesisReply
from gome.state.errors import GomeError
from gome.state.in_flight import Proposal, ShownHypothesis
from gome.state.review import Answer
from gome.state.schema import TraceState
from gome.tools.services import RunServices

REASON = "changed in the state, by a person"


def shown_hypothesis(proposal: Proposal) -> ShownHypothesis:
    """What the state shows of a proposal; to change it there makes a fork."""
    hypothesis = proposal["hypothesis"]
    return ShownHypothesis(
        statement=hypothesis["statement"], component=hypothesis["component"], plan=proposal["plan"]
    )


def fork_of(state: TraceState, services: RunServices) -> TraceState:
    """The update that makes a new trace of a state whose hypothesis is not the proposed one; empty if it is.

    The same change of the same step is the same trace: nothing of it is done twice. GomeError for what is no hypothesis.
    """
    work, trace, step = state["work"], state["trace"], state["step"]
    proposal = services.artifacts.get_json(work["proposal"])
    changed = _changed(proposal, work.get("hypothesis"))
    if changed is None:
        return {}
    ref, hypothesis = services.artifacts.put_json(changed), changed["hypothesis"]
    fork = services.momentum.fork(f"{trace}:{step}:{ref}", first=services.config.traces)
    services.momentum.claim(fork, step, hypothesis["statement"], hypothesis["component"])
    said = f"forked from trace {trace}: {hypothesis['statement']}"
    services.emit("researcher", said, fork, step, hypothesis=hypothesis["statement"])
    return {
        "trace": fork,
        "work": {**work, "proposal": ref, "hypothesis": shown_hypothesis(changed)},
        "records": [{**r, "trace": fork} for r in state.get("records", []) if r["trace"] == trace],
        "traces": {str(fork): state.get("traces", {}).get(str(trace), {"step": step})},
    }


def _changed(proposal: Proposal, wanted: Any) -> Proposal | None:
    """The proposal with the hypothesis that the state has now; None if that is the proposed one."""
    before = shown_hypothesis(proposal)
    given = {"statement": wanted} if isinstance(wanted, str) else wanted
    if given is None or {**before, **given} == before:
        return None
    after = {**before, "plan": [given.get("statement", before["statement"])], **given}
    try:
        answer = Answer(action="edit", **after)
        hypothesis = HypothesisReply(statement=answer.statement or "", component=after["component"])
    except (TypeError, ValidationError) as error:
        problem = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
        raise GomeError(f"work.hypothesis: {problem}; give statement, component and plan") from None
    return {
        **proposal,
        "hypothesis": hypothesis.as_hypothesis(),
        "plan": answer.plan or [],
        "reason": REASON,
        "recalled": [],
    }
