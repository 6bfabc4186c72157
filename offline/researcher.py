"""Diagnosis and choice by rules: which changes fit the evidence, what each may gain, and which is taken."""

import random
from typing import cast

from gome.offline.case import Case, tag_of
from gome.offline.changes import Change
from gome.offline.column_changes import COLUMN_CHANGES
from gome.offline.content_changes import CONTENT_CHANGES
from gome.offline.diagnosis import diagnosis_sentences
from gome.offline.drafts import draft_for
from gome.offline.model_changes import MODEL_CHANGES
from gome.state.parts import SCORE_WEIGHTS, Hypothesis, weighted
from gome.state.plain import JsonObject
from gome.state.prompt_context import HypothesisChoice

CHANGES: dict[str, Change] = {
    change.tag: change for change in (*CONTENT_CHANGES, *COLUMN_CHANGES, *MODEL_CHANGES)
}
MOST_ADOPTED = 5.0
LAST_RESORT = "another-draw"
PROPOSED = 4
UNDIRECTED = 0.3  # expected gain of a change drawn at random, in standard errors
FAILED_ELSEWHERE = 1.0  # taken off a candidate's weighted score where memory recalls that it failed


def open_changes(case: Case) -> list[Change]:
    """Untried changes that fit, have an effect and leave the program within its time; a random draw if there are none."""
    assert case.recipe is not None
    recipe = case.recipe
    fitting = [m for m in CHANGES.values() if m.fits(case, recipe) and m.apply(case, recipe) != recipe]
    fresh = [m for m in fitting if m.tag not in case.tried and m.tag != LAST_RESORT]
    affordable = [m for m in fresh if m.cost <= case.room]
    return affordable or [CHANGES[LAST_RESORT]]


def expected_gain(case: Case, change: Change) -> float:
    """The gain to expect here, in standard errors: experience, what it brought to siblings, what came true so far."""
    gain = change.gain(case) * case.trust
    if change.tag in case.elsewhere:
        seen = case.elsewhere[change.tag]
        gain = max(gain, 0.5 * gain + 0.5 * min(seen, MOST_ADOPTED)) if seen > 0 else 0.4 * gain
    return max(0.05, gain)


def _limit(value: float) -> float:
    return round(min(10.0, max(1.0, value)), 1)


def _hypothesis(case: Case, change: Change) -> Hypothesis:
    gain = expected_gain(case, change)
    novelty = 5.0 if change.tag in case.underway else 6.0 if change.tag in case.elsewhere else 9.0
    cheap = min(1.0, case.room / (4 * change.cost))
    scores = {
        "alignment": _limit(6 + gain),
        "impact": _limit(2 + 2.2 * gain),
        "novelty": novelty,
        "feasibility": _limit(3 + 7 * cheap),
        "risk_reward": _limit(4 + 2 * gain - 0.3 * change.cost),
    }
    unit = case.stderr
    return {
        "statement": f"{change.statement(case)}. [change: {change.tag}]",
        "component": change.component,
        "challenge": change.challenge,
        "expected_effect": f"{case.task['metric']} better by about {gain:.1f} standard errors",
        "scores": scores,
        "predicted_gain": gain * unit,
        "predicted_low": -0.5 * unit,
        "predicted_high": 2 * gain * unit,
    }


def _ranked(case: Case, changes: list[Change]) -> list[tuple[Change, Hypothesis]]:
    """Changes and their hypotheses, the most promising first, one for each challenge."""
    shuffled = list(changes)
    random.Random(case.context["seed"]).shuffle(shuffled)  # ties fall differently for each trace and step
    pairs = [(change, _hypothesis(case, change)) for change in shuffled]
    best: dict[str, tuple[Change, Hypothesis]] = {}
    for change, hypothesis in sorted(pairs, key=lambda pair: -weighted(pair[1]["scores"])):
        best.setdefault(change.challenge, (change, hypothesis))
    return list(best.values())


def diagnose(case: Case) -> JsonObject:
    """The reply to `diagnose`."""
    if case.recipe is None:
        return _diagnose_start(case)
    proposed = _ranked(case, open_changes(case))[:PROPOSED]
    challenges = [
        {
            "caption": change.challenge,
            "statement": change.why(case),
            "category": change.component,
            "source": change.source,
            "reasoning": change.why(case),
            "expected_effect": hypothesis["expected_effect"],
        }
        for change, hypothesis in proposed
    ]
    return {
        "diagnosis": " ".join(diagnosis_sentences(case, proposed[0][0].challenge)),
        "challenges": challenges,
        "hypotheses": [hypothesis for _, hypothesis in proposed],
    }


def _diagnose_start(case: Case) -> JsonObject:
    columns = case.data.get("columns", [])
    siblings = {tag for row in case.context.get("siblings", []) if (tag := tag_of(row["hypothesis"]))}
    tag, words, _ = draft_for(case, siblings | case.claimed | set(case.tried))
    kinds = sorted({c["kind"] for c in columns})
    about = f"{case.rows} rows of {', '.join(kinds)} columns; nothing has been measured yet."
    hypothesis = {
        "statement": f"A sound baseline: {words}. [change: {tag}]",
        "component": "model",
        "challenge": "no program yet",
        "expected_effect": "a first valid score to improve on",
        "scores": dict.fromkeys(SCORE_WEIGHTS, 7.0),
        "predicted_gain": 0.0,
        "predicted_low": 0.0,
        "predicted_high": 0.0,
    }
    challenge = {
        "caption": "no program yet",
        "statement": about,
        "category": "model",
        "source": "scenario",
        "reasoning": "improvement needs something to be measured against",
        "expected_effect": "a first score",
    }
    return {"diagnosis": about, "challenges": [challenge], "hypotheses": [hypothesis]}


def propose(case: Case) -> JsonObject:
    """The reply to `propose`: any change that fits and that nobody tried, drawn without a look at the evidence."""
    if case.recipe is None:
        start = _diagnose_start(case)
        hypothesis = start["hypotheses"][0]
        return {"hypothesis": hypothesis, "reason": start["diagnosis"], "plan": _plan(case, hypothesis)}
    changes = sorted(open_changes(case), key=lambda change: change.tag)
    new = [m for m in changes if m.tag not in case.elsewhere and m.tag not in case.underway]
    change = random.Random(case.context["seed"]).choice(new or changes)
    hypothesis = _hypothesis(case, change) | {
        "predicted_gain": UNDIRECTED * case.stderr,
        "predicted_low": -case.stderr,
        "predicted_high": 2 * case.stderr,
    }
    return {"hypothesis": hypothesis, "reason": "not tried yet", "plan": _plan(case, hypothesis)}


def criticise(case: Case) -> JsonObject:
    """The hypotheses as they are: the rules had weighed them by all that they know when they wrote them down."""
    return {"hypotheses": case.context["choices"]}


def choose(case: Case) -> JsonObject:
    """The reply to `choose`: the best candidate after what memory recalls of the same change on other traces; put once
    more, of those that nobody has claimed, if there are any."""
    everything = case.context["choices"]
    choices = [c for c in everything if tag_of(c["statement"]) not in case.claimed] or everything
    weighed = {c["index"]: _after_memory(case, c) for c in choices}
    best = max(choices, key=lambda c: weighed[c["index"]])
    first = max(choices, key=lambda c: c["weighted"])
    reason = f"largest weighted score ({best['weighted']})"
    if best is not first:
        reason += f" once it is counted that '{tag_of(first['statement'])}' failed before"
    hypothesis = cast(Hypothesis, {k: v for k, v in best.items() if k in Hypothesis.__annotations__})
    return {"decision": "select", "hypothesis": hypothesis, "reason": reason, "plan": _plan(case, hypothesis)}


def _after_memory(case: Case, choice: HypothesisChoice) -> float:
    tag = tag_of(choice["statement"]) or ""
    failed = case.elsewhere.get(tag, 0.0) < 0 or case.tried.get(tag, "accepted") != "accepted"
    return float(choice["weighted"]) - FAILED_ELSEWHERE * failed


def _plan(case: Case, hypothesis: Hypothesis) -> list[str]:
    if case.recipe is None:
        return [
            "Read the tables, leave out the id, and prepare the columns by kind.",
            hypothesis["statement"],
            "Print train and validation score, stage times and importance; write the submission in the sample's columns.",
        ]
    return [
        hypothesis["statement"],
        "Leave reading, validation and everything else of the program as it is, so that this change alone is measured.",
    ]
