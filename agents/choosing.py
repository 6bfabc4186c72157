"""The choice among the hypotheses of a diagnosis, with the momentum that is recalled for them."""

from collections.abc import Sequence

import numpy as np

from gome.agents.prompts.context import momentum_context, shown_ids, sibling_context
from gome.agents.prompts.render import render
from gome.agents.prompts.replies import Choice, Diagnosis, HypothesisReply, Pick
from gome.optimizer.momentum import recall
from gome.optimizer.sentence_vectors import cosine_sentences
from gome.optimizer.stages import step_seed
from gome.optimizer.tfidf import cosine_tfidf
from gome.state.prompt_context import HypothesisChoice, PromptContext, StepContext
from gome.state.reducers import upsert
from gome.state.schema import TraceState
from gome.state.step import StepBrief, brief_from_json
from gome.tools.models.conversation import Conversation
from gome.tools.services import RunServices

ROLE = "researcher"


def remembered(state: TraceState, services: RunServices) -> list[StepBrief]:
    """The steps of all traces and of earlier runs, as far as momentum is used."""
    if not services.config.has("momentum"):
        return []
    entries = services.momentum.entries()
    there = {entry["id"] for entry in entries}
    lost = [brief_from_json(entry) for entry in state.get("momentum", []) if entry["id"] not in there]
    return [*(upsert(lost, entries) if lost else entries), *services.earlier]


def siblings(state: TraceState, services: RunServices) -> list[StepContext]:
    """Without momentum, a trace knows what the others are trying and not what came of it."""
    rows = sibling_context(services, state)
    return rows if services.config.has("momentum") else [r for r in rows if r["verdict"] == "running"]


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
    diagnosis: Diagnosis, recalled: Sequence[StepBrief], shown: PromptContext
) -> Choice | None:
    """The choice that stands in the diagnosis; None where there is none that can be used, or something is recalled that
    was not in what the diagnosis was `shown`."""
    if diagnosis.choice is None or {e["id"] for e in recalled} - shown_ids(shown):
        return None
    try:
        return diagnosis.choice.among(diagnosis.hypotheses)
    except ValueError:
        return None


def choose(
    talk: Conversation,
    state: TraceState,
    services: RunServices,
    among: list[HypothesisChoice],
    recalled: Sequence[StepBrief],
) -> Choice:
    """The choice `among` hypotheses as a turn of its own, beside what was recalled for them."""
    shown: PromptContext = {
        "choices": among,
        "momentum": momentum_context(recalled),
        "siblings": siblings(state, services),  # as they are by now
    }
    drafting = state.get("incumbent") is None
    prompt = render(ROLE, "choose", shown, private=services.private(ROLE), drafting=drafting)
    given = [HypothesisReply.model_validate(h) for h in among]
    key = f"{state['trace']}:{state['step']}:choose"
    return talk.ask(prompt, Pick, key=key, check=lambda pick: pick.check(given)).among(given)
