"""The choice among the hypotheses of a diagnosis, with the momentum that is recalled for them."""

from collections.abc import Sequence

import numpy as np

from gome.agents.prompts.context import merge_context, momentum_context, shown_ids, sibling_context
from gome.agents.prompts.render import render
from gome.agents.prompts.replies import Choice, Diagnosis, HypothesisReply, Pick
from gome.optimizer.momentum import recall
from gome.optimizer.ranking import leader
from gome.optimizer.sentence_vectors import cosine_sentences
from gome.optimizer.stages import step_seed
from gome.optimizer.tfidf import BLOCK, cosine_tfidf
from gome.state.errors import StepFailed
from gome.state.in_flight import MergedProgram
from gome.state.parts import Hypothesis
from gome.state.prompt_context import HypothesisChoice, PromptContext
from gome.state.reducers import upsert
from gome.state.schema import TraceState
from gome.state.step import StepBrief, brief_from_json
from gome.tools.models.conversation import Conversation
from gome.tools.models.prompt import Prompt
from gome.tools.records.by_step import absent, last_of_each
from gome.tools.services import RunServices

REMEMBERED = 1000
"""Last steps of each trace that are recalled from: what a step costs does not grow with the run."""
ROLE = "researcher"
"""Whose turns these are: the researcher's modules share it."""


def remembered(state: TraceState, services: RunServices) -> list[StepBrief]:
    """What a step is reminded of, as far as momentum is used: the last steps of each trace, those of the largest gains
    that the state carries, the best one however old it is, and the steps of earlier runs."""
    if not services.config.has("momentum"):
        return []
    # by blocks, so that the likeness of texts finds nearly all of them as they were at the step before
    last = last_of_each(services.momentum.entries(), REMEMBERED, stride=BLOCK)
    best = leader(state, services)
    carried = [brief_from_json(entry) for entry in state.get("momentum", [])]
    older = upsert(absent([*carried, *([best.brief()] if best else [])], last), [])
    return [*older, *last, *services.earlier]


def recalled_for(
    hypotheses: Sequence[HypothesisReply], state: TraceState, services: RunServices
) -> list[StepBrief]:
    """What the momentum recalls for these hypotheses."""
    incumbent = state.get("incumbent")
    summary = state.get("traces", {}).get(str(state["trace"]), {})
    return recall(
        [h.statement for h in hypotheses],
        remembered(state, services),
        incumbent=incumbent["score"]["value"] if incumbent else None,
        stderr=incumbent["score"]["stderr"] if incumbent else 0.0,
        sign=services.sign,
        path_length=summary.get("accepted", 0),
        rng=np.random.default_rng(step_seed(services.config.seed, state["trace"], state["step"])),
        trace=state["trace"],
        similarity=cosine_sentences if services.config.embedding == "sentences" else cosine_tfidf,
    )


def choices(hypotheses: Sequence[HypothesisReply], context: PromptContext) -> list[HypothesisChoice]:
    """The hypotheses as later calls are shown them; calibrated once it is known what predictions are worth."""
    trust = context.get("reliability")
    rows: list[HypothesisChoice] = []
    for i, h in enumerate(hypotheses):
        row: HypothesisChoice = {"index": i, **h.as_hypothesis(), "weighted": round(h.weighted(), 2)}
        if trust:
            row["calibrated_gain"] = h.predicted_gain * trust["factor"]
        rows.append(row)
    return rows


def chosen_at_once(
    diagnosis: Diagnosis, recalled: Sequence[StepBrief], shown: PromptContext, start: Hypothesis | None = None
) -> Choice | None:
    """The choice that stands in the diagnosis; None where there is none that can be used, or something is recalled that
    was not in what the diagnosis was `shown`, or another `start` was planned for the trace."""
    if diagnosis.choice is None or {e["id"] for e in recalled} - shown_ids(shown):
        return None
    try:
        choice = diagnosis.choice.among(diagnosis.hypotheses)
    except ValueError:
        return None
    return None if start and choice.hypothesis.statement != start["statement"] else choice


def choose(
    talk: Conversation,
    state: TraceState,
    services: RunServices,
    among: list[HypothesisChoice],
    recalled: Sequence[StepBrief],
    *,
    starts: Sequence[Hypothesis] = (),
    other: MergedProgram | None = None,
    stands: Choice | None = None,
) -> Choice:
    """The choice `among` hypotheses as a turn of its own, beside what was recalled for them; the first steps that were
    planned for all traces, and the program of a merge that is among the hypotheses. Where no usable reply comes, what
    `stands`: the diagnosis' own choice, if it made one; else StepFailed."""
    shown: PromptContext = {
        "choices": among,
        "momentum": momentum_context(recalled),
        "siblings": sibling_context(services, state),  # as they are by now
    }
    if other:
        shown["other"] = merge_context(other)
    if starts:
        shown["starts"] = [
            {"trace": trace, "hypothesis": start["statement"], "component": start["component"]}
            for trace, start in enumerate(starts)
        ]
    private, drafting = services.private(ROLE), state.get("incumbent") is None
    prompt = render(ROLE, "choose", shown, private=private, drafting=drafting, trace=state["trace"])
    given = [HypothesisReply.model_validate(h) for h in among]
    try:
        return picked(talk, given, prompt, f"{state['trace']}:{state['step']}:choose")
    except StepFailed:
        if stands is None:
            raise
        return stands


def picked(talk: Conversation, given: Sequence[HypothesisReply], prompt: Prompt, key: str) -> Choice:
    """What is picked of the given hypotheses, or put in their place, in reply to a prompt."""
    return talk.ask(prompt, Pick, key=key, check=lambda pick: pick.check(given)).among(given)
