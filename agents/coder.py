"""The coder: the update step. The plan becomes an edit of the incumbent, and failing programs are mended."""

from dataclasses import dataclass
from typing import Any, cast

from gome.agents.forking import fork_of
from gome.agents.prompts.context import (
    base_context,
    data_context,
    incumbent_context,
    incumbent_in_short,
    merge_context,
)
from gome.agents.prompts.render import render
from gome.agents.trying import Trying
from gome.state.errors import StepFailed
from gome.state.in_flight import Proposal
from gome.state.parts import Trial
from gome.state.prompt_context import PromptContext
from gome.state.schema import TraceState
from gome.tools.execution.crash import relevant_tail
from gome.tools.models.conversation import Conversation
from gome.tools.models.tool_calls import capped
from gome.tools.services import RunServices

ROLE = "coder"
PROBE_CHARS = 6000
"""Of the program of a probe, and of what came of it."""
MOST_TAKEN = 20_000
"""Characters of another step's program beside the one to be changed; the middle of a longer one is left out."""


@dataclass(frozen=True)
class Written:
    """A program, what the coder said of it, and all trials of the step so far."""

    program: str
    said: str
    trials: list[Trial]


def coder(state: TraceState, services: RunServices) -> TraceState:
    """Write the step's program (draft or edit), or mend the one that just failed; returns it in `work`."""
    debugging = bool(state["work"]["errors"])
    fork: TraceState = {} if debugging else fork_of(state, services)
    state = cast(TraceState, {**state, **fork})
    work = state["work"]
    written = _debug(state, services) if debugging else _write(state, services)
    following = "reviewer" if services.config.review == "programs" else "runner"
    work = {
        **work,
        "code": services.artifacts.put_text(written.program, "py"),
        "rounds": work["rounds"] + debugging,
        "repairs": [*work.get("repairs", []), *([written.said] if debugging and written.said else [])],
        "trials": services.artifacts.put_json(written.trials),
    }
    return {**fork, "work": work, "next": following}


def _write(state: TraceState, services: RunServices) -> Written:
    proposal: Proposal = services.artifacts.get_json(state["work"]["proposal"])
    context: PromptContext = {
        **base_context(services, state),
        "hypothesis": proposal["hypothesis"],
        "plan": proposal["plan"],
        "data": data_context(services),
    }
    program = None
    if incumbent := state.get("incumbent"):
        program = services.artifacts.get_text(incumbent["code"])
        context["incumbent"] = incumbent_in_short(incumbent_context(services, incumbent))
    call, texts = "edit" if program else "draft", {}
    if other := proposal.get("other"):
        call, context["other"] = "merge", merge_context(other)
        texts["other_program"] = services.artifacts.get_text(other["code"])
    texts |= _probed(proposal, services) | _taken(proposal, services)
    services.emit("coder", call, state["trace"], state["step"])
    return _ask(state, services, call, context, program, **texts)


def _taken(proposal: Proposal, services: RunServices) -> dict[str, str]:
    """The program of another step, where the plan takes something over from it."""
    step = proposal.get("takes_from")
    lender = services.history.by_id(step) if step else None
    if lender is None or not lender.code:
        return {}
    program = capped(services.artifacts.get_text(lender.code), MOST_TAKEN)
    return {"taken_step": lender.id, "taken_program": program}


def _probed(proposal: Proposal, services: RunServices) -> dict[str, str]:
    """The probe whose variant the hypothesis is: its program, and what the researcher was shown of it."""
    number, probes = proposal["hypothesis"].get("probe") or 0, proposal.get("probes", [])
    if not 0 < number <= len(probes):
        return {}
    probe = probes[number - 1]
    return {
        "probed": capped(services.artifacts.get_text(probe["program"]), PROBE_CHARS),
        "probe_output": capped(probe["output"], PROBE_CHARS),
    }


def _debug(state: TraceState, services: RunServices) -> Written:
    work = state["work"]
    error = work["errors"][-1]
    program = services.artifacts.get_text(str(work["code"]))
    log = services.artifacts.get_text(error["log"]) if error["log"] else ""
    proposal = services.artifacts.get_json(work["proposal"])
    context: PromptContext = {
        **base_context(services, state),
        "hypothesis": proposal["hypothesis"],
        "data": data_context(services),
        "error": {
            "status": error["status"],
            "problems": error["problems"],
            "seconds": error["seconds"],
            "cpu_seconds": error.get("cpu_seconds"),
            "round": work["rounds"],
            "stages": error.get("stages", {}),
        },
    }
    services.emit(
        "coder", f"debug {work['rounds'] + 1}: {error['problems'][0]}", state["trace"], state["step"]
    )
    return _ask(
        state,
        services,
        "debug",
        context,
        program,
        split=error["split"],
        traceback=relevant_tail(log),
        earlier=[e["problems"][0] for e in work["errors"][:-1]],
    )


def _ask(
    state: TraceState,
    services: RunServices,
    call: str,
    context: PromptContext,
    program: str | None,
    **texts: Any,
) -> Written:
    """What comes of one conversation: with trials as far as any are left, else a single reply."""
    trying = Trying(state, services, program)
    prompt = render(
        ROLE,
        call,
        context,
        private=services.private(ROLE),
        program=program,
        description=services.task.description,
        trials=trying.allowed,
        trial_seconds=trying.seconds,
        **texts,
    )
    key = f"{state['trace']}:{state['step']}:{call}{state['work']['rounds']}"
    try:
        reply = Conversation(services.asker, ROLE).ask(
            prompt, trying.schema, key=key, check=trying.check, tools=[trying.tool], calls=trying.allowed
        )
    except StepFailed:
        if trying.runs is None:
            raise
        return Written(trying.runs, "", trying.trials)  # what ran is not lost by what was said of it
    return Written(trying.handed_in(reply), reply.said, trying.trials)
