"""Diagnosis and choice by rules: which moves fit the evidence, what each may gain, and which is taken."""

import random
from typing import Any

from gome.agents.offline.column_moves import COLUMN_MOVES
from gome.agents.offline.content_moves import CONTENT_MOVES
from gome.agents.offline.drafts import draft_for
from gome.agents.offline.evidence import Case, tag_of
from gome.agents.offline.model_moves import MODEL_MOVES, WIDE_GAP
from gome.agents.offline.moves import Move
from gome.agents.replies import SCORE_WEIGHTS

MOVES: dict[str, Move] = {move.tag: move for move in (*CONTENT_MOVES, *COLUMN_MOVES, *MODEL_MOVES)}
PROPOSED = 4
ADOPTED_GAIN_SE = 2.0


def open_moves(case: Case) -> list[Move]:
    """Moves that fit and change something, untried ones first; tried ones only where nothing else is left."""
    assert case.recipe is not None
    recipe = case.recipe
    fitting = [m for m in MOVES.values() if m.fits(case, recipe) and m.change(case, recipe) != recipe]
    affordable = [m for m in fitting if m.cost <= case.room] or fitting
    return [m for m in affordable if m.tag not in case.tried] or affordable


def expected_gain(case: Case, move: Move) -> float:
    """What the move may gain here, in standard errors: experience, what it brought to siblings, what came true so far."""
    gain = move.gain(case) * case.trust
    if move.tag in case.elsewhere:
        seen = case.elsewhere[move.tag]
        gain = 0.5 * gain + 0.5 * seen if seen > 0 else 0.4 * gain
    return max(0.05, gain)


def _limit(value: float) -> float:
    return round(min(10.0, max(1.0, value)), 1)


def _hypothesis(case: Case, move: Move) -> dict[str, Any]:
    gain = expected_gain(case, move)
    novelty = 1.0 if move.tag in case.tried else 6.0 if move.tag in case.elsewhere else 9.0
    cheap = min(1.0, case.room / (4 * move.cost))
    scores = {
        "alignment": _limit(6 + gain),
        "impact": _limit(2 + 2.2 * gain),
        "novelty": novelty,
        "feasibility": _limit(3 + 7 * cheap),
        "risk_reward": _limit(4 + 2 * gain - 0.3 * move.cost),
    }
    unit = case.stderr
    return {
        "statement": f"{move.statement(case)}. [move: {move.tag}]",
        "component": move.component,
        "challenge": move.challenge,
        "expected_effect": f"{case.task['metric']} better by about {gain:.1f} standard errors",
        "scores": scores,
        "predicted_gain": gain * unit,
        "predicted_low": -0.5 * unit,
        "predicted_high": 2 * gain * unit,
    }


def _weighted(hypothesis: dict[str, Any]) -> float:
    return sum(weight * hypothesis["scores"][name] for name, weight in SCORE_WEIGHTS.items())


def _ranked(case: Case, moves: list[Move]) -> list[tuple[Move, dict[str, Any]]]:
    shuffled = list(moves)
    random.Random(case.facts["seed"]).shuffle(shuffled)  # ties fall differently for each trace and step
    pairs = [(move, _hypothesis(case, move)) for move in shuffled]
    return sorted(pairs, key=lambda pair: -_weighted(pair[1]))


def diagnose(case: Case) -> dict[str, Any]:
    """The reply to `diagnose`."""
    if case.recipe is None:
        return _diagnose_start(case)
    proposed = _ranked(case, open_moves(case))[:PROPOSED]
    challenges = [
        {
            "caption": move.challenge,
            "statement": move.why(case),
            "category": move.component,
            "source": move.source,
            "reasoning": move.why(case),
            "expected_effect": hypothesis["expected_effect"],
        }
        for move, hypothesis in proposed
    ]
    return {
        "diagnosis": " ".join(findings(case)),
        "challenges": challenges,
        "hypotheses": [hypothesis for _, hypothesis in proposed],
    }


def findings(case: Case) -> list[str]:
    """What the evidence says of the incumbent, a sentence each."""
    score, evidence = case.incumbent, case.facts.get("evidence") or {}
    said = [
        f"The incumbent ({', '.join(sorted(case.families))}) scores {score['score']:.5g} ± {score['stderr']:.2g}."
    ]
    if case.gap is not None:
        verdict = (
            "it learns its training rows by heart"
            if case.gap > WIDE_GAP
            else "variance is not what limits it"
        )
        said.append(f"Its own training and validation scores differ by {case.gap:.0%}: {verdict}.")
    if slices := evidence.get("worst_slices"):
        worst = slices[0]
        said.append(
            f"Errors are largest where {worst.get('column')} is {worst.get('slice', worst.get('value'))}."
        )
    if pairs := evidence.get("confusion"):
        said.append(f"The most frequent confusion is {pairs[0]}.")
    rejected = [r for r in case.facts.get("history", []) if r["verdict"] != "accepted"]
    if rejected:
        said.append(
            f"{len(rejected)} of the last steps brought nothing, the latest: {rejected[-1]['hypothesis']}"
        )
    return said


def _diagnose_start(case: Case) -> dict[str, Any]:
    columns = case.data.get("columns", [])
    taken = {tag for row in case.facts.get("siblings", []) if (tag := tag_of(row["hypothesis"]))}
    tag, words, _ = draft_for(case, taken)
    kinds = sorted({c["kind"] for c in columns})
    about = f"{case.rows} rows of {', '.join(kinds)} columns; nothing has been measured yet."
    hypothesis = {
        "statement": f"A sound baseline: {words}. [move: {tag}]",
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


def choose(case: Case) -> dict[str, Any]:
    """The reply to `choose`: the best candidate, unless a sibling's proven move fits here and is not among them."""
    choices = case.facts["choices"]
    best = max(choices, key=lambda c: c["weighted"])
    decision, reason = "select", f"largest weighted score ({best['weighted']})"
    chosen = best
    if case.recipe is not None and (adopted := _adoptable(case, {tag_of(c["statement"]) for c in choices})):
        chosen = _hypothesis(case, adopted)
        decision = "create"
        reason = (
            f"brought another trace {case.elsewhere[adopted.tag]:.1f} standard errors and is missing here"
        )
    keys = ("statement", "component", "challenge", "expected_effect", "scores", "predicted_gain")
    hypothesis = {k: chosen[k] for k in (*keys, "predicted_low", "predicted_high")}
    return {"decision": decision, "hypothesis": hypothesis, "reason": reason, "plan": _plan(case, hypothesis)}


def _adoptable(case: Case, offered: set[str | None]) -> Move | None:
    proven = sorted(case.elsewhere.items(), key=lambda item: -item[1])
    fitting = {m.tag: m for m in open_moves(case) if m.tag not in case.tried}
    return next(
        (
            fitting[tag]
            for tag, gain in proven
            if gain >= ADOPTED_GAIN_SE and tag in fitting and tag not in offered
        ),
        None,
    )


def _plan(case: Case, hypothesis: dict[str, Any]) -> list[str]:
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
