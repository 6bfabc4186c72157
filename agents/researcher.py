"""The researcher: the gradient. Diagnosis -> challenges -> hypotheses -> choice with momentum -> plan."""

from dataclasses import replace
from functools import partial
from heapq import nlargest

from gome.agents.choosing import ROLE, choices, choose, chosen_at_once, picked, recalled_for, remembered
from gome.agents.claiming import Claim, planned_starts, starts_to_plan
from gome.agents.forking import shown_hypothesis
from gome.agents.hindsight import last_change, learn, rejected
from gome.agents.line_search import tuned_step
from gome.agents.probing import Probing
from gome.agents.prompts.context import (
    base_context,
    data_context,
    history_context,
    incumbent_context,
    momentum_context,
    shown_ids,
    sibling_context,
    without_history,
)
from gome.agents.prompts.render import render
from gome.agents.prompts.replies import Choice, Critique, Diagnosis, HypothesisReply
from gome.optimizer.merge import is_merge, merge_proposal
from gome.optimizer.policy import next_step
from gome.optimizer.ranking import known_records
from gome.optimizer.reliability import FEWEST_PAIRS, reliability
from gome.optimizer.stages import NextStep, Optimizer
from gome.state.in_flight import Proposal, StepInFlight
from gome.state.parts import Hypothesis
from gome.state.prompt_context import PromptContext
from gome.state.schema import TraceState
from gome.state.step import StepRecord
from gome.tools.models.conversation import Conversation
from gome.tools.models.prompt import Prompt
from gome.tools.probes import WALL_S
from gome.tools.records.by_step import last_of_each
from gome.tools.services import RunServices

BEST_REMEMBERED_SHOWN = 4
RELIABILITY_STEPS = 200
"""Last steps of each trace that tell how far predictions can be trusted now."""


def researcher(state: TraceState, services: RunServices, optimizer: Optimizer = next_step) -> TraceState:
    """Propose the step: returns the `work` in flight with the chosen hypothesis and its plan, kept as an artifact.

    `optimizer` says from which program the step starts and of which kind it is.
    """
    if tuning := tuned_step(state, services):
        return tuning
    trace, step = state["trace"], state["step"]
    begun = optimizer(state, services)
    state = {**state, "incumbent": begun.parent}
    context = base_context(services, state)
    program = None
    if incumbent := begun.parent:
        program = services.artifacts.get_text(incumbent["code"])
        context["incumbent"] = incumbent_context(services, incumbent)
    proposal, begun, learned = _proposed(state, services, begun, context, program)
    hypothesis = proposal["hypothesis"]
    services.emit("researcher", hypothesis["statement"], trace, step, hypothesis=hypothesis["statement"])
    work = StepInFlight(
        stage=context["stage"],
        optimizer=begun.optimizer,
        kind=begun.kind,
        source=begun.source,
        home=begun.home,
        hypothesis=shown_hypothesis(proposal),
        proposal=services.artifacts.put_json(proposal),
        started=services.clock.elapsed(),
        rounds=0,
        code=None,
        evaluation=None,
        errors=[],
        failure=None,
        advice=context.get("advice") or [],
    )
    following = "reviewer" if services.config.review == "hypotheses" else "coder"
    return {**learned, "work": work, "incumbent": begun.parent, "next": following}


def _proposed(
    state: TraceState, services: RunServices, begun: NextStep, context: PromptContext, program: str | None
) -> tuple[Proposal, NextStep, TraceState]:
    """The proposal; the step as it is by it, as a merge that is not chosen is an edit; and what the state is to know of
    the lesson that the last step taught."""
    merge = merge_proposal(begun.partner) if begun.partner else None
    directed = begun.optimizer == "gradient" and services.config.has("reasoning")
    if merge and not directed:
        hypothesis = merge["hypothesis"]
        services.momentum.claim(
            state["trace"], state["step"], hypothesis["statement"], hypothesis["component"]
        )
        return merge, begun, {}
    context["advice"] = services.advice.tell(state["trace"], state["step"]) or None
    if directed:
        proposal, learned = _reasoned(state, services, context, program, merge)
    else:
        proposal, learned = _plain(state, services, context, program), {}
    if (taken := proposal.get("takes_from")) and not _lends(services.history.by_id(taken)):
        proposal["takes_from"] = None
    if merge and begun.partner and is_merge(proposal["hypothesis"], begun.partner):
        proposal |= {"other": merge["other"], "takes_from": None}
    elif merge:
        begun = replace(begun, kind="edit", source=None)
    return proposal, begun, learned


def _reasoned(
    state: TraceState,
    services: RunServices,
    context: PromptContext,
    program: str | None,
    merge: Proposal | None,
) -> tuple[Proposal, TraceState]:
    """The gradient, one conversation: diagnosis with probes and choice; a turn of its own for the choice where momentum
    recalls what the diagnosis was not shown, or there is more to choose from than it proposed; and the claim. Beside the
    proposal what the state is to know of the lesson that the last step taught."""
    if (incumbent := state.get("incumbent")) and incumbent["evidence"] and services.config.has("evidence"):
        context["evidence"] = services.artifacts.get_json(incumbent["evidence"])
    found = reliability(last_of_each(known_records(state, services), RELIABILITY_STEPS))
    if found["pairs"] >= FEWEST_PAIRS:
        context["reliability"] = found
    services.emit("researcher", "diagnosing", state["trace"], state["step"])
    talk, probing = Conversation(services.asker, ROLE), Probing(state, services)
    at_once, claim = merge is None and not services.config.critique, Claim(state, services)
    claim.asking("diagnose")
    diagnosis, shown = _diagnose(talk, probing, state, services, context, program, at_once=at_once)
    learned = learn(state, services, diagnosis.lesson)
    if services.config.critique:
        diagnosis = _criticised(talk, state, services, context, diagnosis)
    starts = planned_starts(state, services, diagnosis)
    own_start = starts[state["trace"]] if starts else None
    hypotheses = _with_offered(diagnosis, merge["hypothesis"] if merge else own_start)
    recalled = recalled_for(hypotheses, state, services)
    choice = chosen_at_once(diagnosis, recalled, shown, own_start) if at_once else None
    if choice is None:
        claim.asking("choose")
        among, other = choices(hypotheses, context), merge["other"] if merge else None
        stands = chosen_at_once(diagnosis, [], shown)
        choice = choose(talk, state, services, among, recalled, starts=starts, other=other, stands=stands)
    again = partial(picked, talk, hypotheses)
    choice = claim.settled(choice, "choose", again, [h.statement for h in hypotheses])
    proposal: Proposal = {
        "diagnosis": diagnosis.diagnosis,
        "findings": diagnosis.findings if probing.done else "",
        "probes": probing.found,
        "challenges": [c.model_dump() for c in diagnosis.challenges],
        "hypotheses": [h.as_hypothesis() for h in hypotheses],
        "recalled": [e["id"] for e in recalled],
        **choice.as_proposal(),
    }
    return proposal, learned


def _plain(state: TraceState, services: RunServices, context: PromptContext, program: str | None) -> Proposal:
    """One idea from the program and the scores of earlier ones, without a diagnosis: what a tree search asks for."""
    services.emit("researcher", "proposing", state["trace"], state["step"])
    shown: PromptContext = {
        **context,
        "data": data_context(services),
        "history": history_context(state),
        "siblings": sibling_context(services, state),
    }
    prompt = render(
        ROLE,
        "propose",
        shown,
        private=services.private(ROLE),
        description=services.task.description,
        program=program,
    )
    talk, claim = Conversation(services.asker, ROLE), Claim(state, services)
    claim.asking("propose")

    def ask(prompt: Prompt, key: str) -> Choice:
        return talk.ask(prompt, Choice, key=key)

    choice = ask(prompt, f"{state['trace']}:{state['step']}:propose")
    return claim.settled(choice, "propose", ask).as_proposal()


def _with_offered(diagnosis: Diagnosis, offered: Hypothesis | None) -> list[HypothesisReply]:
    """What there is to choose from: the hypotheses of the diagnosis, and what else is on offer."""
    if offered is None or offered["statement"] in {h.statement for h in diagnosis.hypotheses}:
        return diagnosis.hypotheses
    return [*diagnosis.hypotheses, HypothesisReply.model_validate(offered)]


def _lends(record: StepRecord | None) -> bool:
    """Whether something can be taken over from the program of a step: it was scored, and its score was not void."""
    return record is not None and record.counts and record.code is not None


def challenge_schedule(accepted: int, rejected: int) -> tuple[int, int]:
    """How many (scenario, history) challenges to ask for after so many accepted and rejected steps on the path.

    w = (3a + 2r) // 2, m = max(0, 3 - w // 4): from the data first, from what happened later
    (docs/method.md, one step, 2).
    """
    scenario = max(0, 3 - ((3 * accepted + 2 * rejected) // 2) // 4)
    return scenario, 3 - scenario


def _diagnose(
    talk: Conversation,
    probing: Probing,
    state: TraceState,
    services: RunServices,
    context: PromptContext,
    program: str | None,
    *,
    at_once: bool,
) -> tuple[Diagnosis, PromptContext]:
    """The diagnosis, which makes the choice too if that may be made `at_once`, and what it was shown."""
    summary = state.get("traces", {}).get(str(state["trace"]), {})
    scenario, history = challenge_schedule(summary.get("accepted", 0), summary.get("rejected", 0))
    accepted = (e for e in remembered(state, services) if e["verdict"] == "accepted")
    shown: PromptContext = {
        **context,
        "data": data_context(services),
        "history": history_context(state),
        "siblings": sibling_context(services, state),
    }
    best = nlargest(BEST_REMEMBERED_SHOWN, accepted, key=lambda entry: entry["gain_se"] or 0.0)
    shown["momentum"] = momentum_context(e for e in best if e["id"] not in shown_ids(shown))
    if own := context.get("incumbent"):
        shown["incumbent"] = without_history(own, shown["history"])
    if found := rejected(state, services):
        shown["rejected"] = found
    prompt = render(
        ROLE,
        "diagnose",
        shown,
        private=services.private(ROLE),
        description=services.task.description,
        program=program,
        diff=last_change(state, services),
        scenario_challenges=scenario,
        history_challenges=history,
        probes=probing.allowed,
        probe_seconds=round(WALL_S),
        at_once=at_once,
        starts=starts_to_plan(state, services),
    )
    if program is None:
        prompt = replace(prompt, pictures=services.pictures(ROLE))
    key = f"{state['trace']}:{state['step']}:diagnose"
    return talk.ask(prompt, Diagnosis, key=key, tools=[probing.tool], calls=probing.allowed), shown


def _criticised(
    talk: Conversation,
    state: TraceState,
    services: RunServices,
    context: PromptContext,
    diagnosis: Diagnosis,
) -> Diagnosis:
    """The diagnosis with its hypotheses criticised and rewritten: the optional pass, one more turn."""
    among = choices(diagnosis.hypotheses, context)
    prompt = render(ROLE, "critique", {"choices": among}, private=services.private(ROLE))
    found = talk.ask(prompt, Critique, key=f"{state['trace']}:{state['step']}:critique")
    return diagnosis.model_copy(update={"hypotheses": found.hypotheses})
