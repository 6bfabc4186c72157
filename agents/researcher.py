"""The researcher: the gradient. Diagnosis -> challenges -> hypotheses -> choice with momentum -> plan."""

from collections.abc import Sequence
from dataclasses import replace
from heapq import nlargest

import numpy as np

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
    sibling_context,
)
from gome.agents.prompts.render import render
from gome.agents.prompts.replies import Choice, Critique, Diagnosis, HypothesisReply
from gome.optimizer.merge import is_merge, merge_proposal
from gome.optimizer.momentum import recall
from gome.optimizer.policy import next_step
from gome.optimizer.ranking import known_records
from gome.optimizer.reliability import reliability
from gome.optimizer.sentence_vectors import cosine_sentences
from gome.optimizer.stages import Optimizer, step_seed
from gome.optimizer.tfidf import cosine_tfidf
from gome.state.in_flight import Proposal, StepInFlight
from gome.state.parts import Hypothesis
from gome.state.prompt_context import HypothesisChoice, PromptContext, StepContext
from gome.state.reducers import upsert
from gome.state.schema import TraceState
from gome.state.step import StepBrief, brief_from_json
from gome.tools.models.conversation import Conversation
from gome.tools.probes import WALL_S
from gome.tools.records.by_step import last_of_each
from gome.tools.services import RunServices

ROLE = "researcher"
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
    advice: list[str] = []
    learned: TraceState = {}
    merge = merge_proposal(begun.partner) if begun.partner else None
    directed = begun.optimizer == "gradient" and services.config.has("reasoning")
    if merge and not directed:
        proposal = merge
    else:
        advice = services.advice.tell(trace, step)
        context["advice"] = advice or None
        offered = [merge["hypothesis"]] if merge else []
        if directed:
            proposal, learned = _reasoned(state, services, context, program, offered)
        else:
            proposal = _plain(state, services, context, program)
        if merge and begun.partner and is_merge(proposal["hypothesis"], begun.partner):
            proposal["other"] = merge["other"]
        elif merge:
            begun = replace(begun, kind="edit", source=None)
    hypothesis = proposal["hypothesis"]
    services.momentum.announce(trace, step, hypothesis["statement"], hypothesis["component"])
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
        advice=advice,
    )
    following = "reviewer" if services.config.review == "hypotheses" else "coder"
    return {**learned, "work": work, "incumbent": begun.parent, "next": following}


def _reasoned(
    state: TraceState,
    services: RunServices,
    context: PromptContext,
    program: str | None,
    offered: Sequence[Hypothesis],
) -> tuple[Proposal, TraceState]:
    """The gradient, one conversation: diagnosis with probes, then the choice with momentum among its hypotheses and those
    `offered`. Beside the proposal what the state is to know of the lesson that the last step taught."""
    if (incumbent := state.get("incumbent")) and incumbent["evidence"] and services.config.has("evidence"):
        context["evidence"] = services.artifacts.get_json(incumbent["evidence"])
    context["reliability"] = reliability(last_of_each(known_records(state, services), RELIABILITY_STEPS))
    services.emit("researcher", "diagnosing", state["trace"], state["step"])
    talk, probing = Conversation(services.asker, ROLE), Probing(state, services)
    diagnosis = _diagnose(talk, probing, state, services, context, program)
    learned = learn(state, services, diagnosis.lesson)
    if services.config.critique:
        diagnosis = _criticised(talk, state, services, context, diagnosis)
    diagnosis.hypotheses += [HypothesisReply.model_validate(h) for h in offered]
    choice, recalled = _choose(talk, state, services, context, diagnosis)
    proposal: Proposal = {
        "diagnosis": diagnosis.diagnosis,
        "findings": diagnosis.findings if probing.done else "",
        "probes": probing.found,
        "challenges": [c.model_dump() for c in diagnosis.challenges],
        "hypotheses": [h.as_hypothesis() for h in diagnosis.hypotheses],
        "recalled": recalled,
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
        "siblings": _siblings(state, services),
    }
    prompt = render(
        ROLE,
        "propose",
        shown,
        private=services.private(ROLE),
        description=services.task.description,
        program=program,
    )
    choice = services.asker.ask(ROLE, prompt, Choice, key=f"{state['trace']}:{state['step']}:propose")
    return choice.as_proposal()


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
) -> Diagnosis:
    summary = state.get("traces", {}).get(str(state["trace"]), {})
    scenario, history = challenge_schedule(summary.get("accepted", 0), summary.get("rejected", 0))
    accepted = (e for e in _remembered(state, services) if e["verdict"] == "accepted")
    shown: PromptContext = {
        **context,
        "data": data_context(services),
        "history": history_context(state),
        "siblings": _siblings(state, services),
        "momentum": momentum_context(nlargest(BEST_REMEMBERED_SHOWN, accepted, key=_gain)),
    }
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
    )
    if program is None:
        prompt = replace(prompt, pictures=services.pictures(ROLE))
    key = f"{state['trace']}:{state['step']}:diagnose"
    return talk.ask(prompt, Diagnosis, key=key, tools=[probing.tool], calls=probing.allowed)


def _criticised(
    talk: Conversation,
    state: TraceState,
    services: RunServices,
    context: PromptContext,
    diagnosis: Diagnosis,
) -> Diagnosis:
    """The diagnosis with its hypotheses criticised and rewritten: the optional pass, one more turn."""
    prompt = render(
        ROLE, "critique", {"choices": _choices(context, diagnosis)}, private=services.private(ROLE)
    )
    found = talk.ask(prompt, Critique, key=f"{state['trace']}:{state['step']}:critique")
    return diagnosis.model_copy(update={"hypotheses": found.hypotheses})


def _choices(context: PromptContext, diagnosis: Diagnosis) -> list[HypothesisChoice]:
    """The hypotheses as later calls are shown them."""
    return [
        {
            "index": i,
            **h.as_hypothesis(),
            "weighted": round(h.weighted(), 2),
            "calibrated_gain": h.predicted_gain * context["reliability"]["factor"],
        }
        for i, h in enumerate(diagnosis.hypotheses)
    ]


def _siblings(state: TraceState, services: RunServices) -> list[StepContext]:
    """Without momentum, a trace knows what the others are trying and not what came of it."""
    rows = sibling_context(services, state)
    return rows if services.config.has("momentum") else [r for r in rows if r["verdict"] == "running"]


def _gain(entry: StepBrief) -> float:
    return entry["gain_se"] or 0.0


def _remembered(state: TraceState, services: RunServices) -> list[StepBrief]:
    if not services.config.has("momentum"):
        return []
    entries = services.momentum.entries()
    there = {entry["id"] for entry in entries}
    lost = [brief_from_json(entry) for entry in state.get("momentum", []) if entry["id"] not in there]
    return [*(upsert(lost, entries) if lost else entries), *services.earlier]


def _choose(
    talk: Conversation,
    state: TraceState,
    services: RunServices,
    context: PromptContext,
    diagnosis: Diagnosis,
) -> tuple[Choice, list[str]]:
    incumbent = state.get("incumbent")
    summary = state.get("traces", {}).get(str(state["trace"]), {})
    recalled = recall(
        [h.statement for h in diagnosis.hypotheses],
        _remembered(state, services),
        incumbent=incumbent["score"]["value"] if incumbent else None,
        stderr=incumbent["score"]["stderr"] if incumbent else 0.0,
        sign=services.sign,
        path_length=summary.get("accepted", 0),
        rng=np.random.default_rng(step_seed(services.config.seed, state["trace"], state["step"])),
        trace=state["trace"],
        similarity=cosine_sentences if services.config.embedding == "sentences" else cosine_tfidf,
    )
    shown: PromptContext = {
        "choices": _choices(context, diagnosis),
        "momentum": momentum_context(recalled),
        "siblings": _siblings(state, services),  # as they are by now
    }
    prompt = render(ROLE, "choose", shown, private=services.private(ROLE), drafting=incumbent is None)
    choice = talk.ask(prompt, Choice, key=f"{state['trace']}:{state['step']}:choose")
    return choice, [e["id"] for e in recalled]
