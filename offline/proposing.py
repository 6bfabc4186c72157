"""Diagnosis and choice by rules: which moves fit the evidence, what each may gain, and which is taken."""

import random
from typing import cast

from gome.offline.column_moves import COLUMN_MOVES
from gome.offline.content_moves import CONTENT_MOVES
from gome.offline.drafts import draft_for
from gome.offline.evidence import Case, tag_of
from gome.offline.findings import findings
from gome.offline.model_moves import MODEL_MOVES
from gome.offline.moves import Move
from gome.state.parts import SCORE_WEIGHTS, Hypothesis
from gome.state.plain import JsonObject
from gome.state.prompt_context import HypothesisChoice

MOVES: dict[str, Move] = {move.tag: move for move in (*CONTENT_MOVES, *COLUMN_MOVES, *MODEL_MOVES)}
MOST_ADOPTED = 5.0
LAST_RESORT = "another-draw"
PROPOSED = 4
UNDIRECTED = 0.3  # expected gain of a move drawn at random, in standard errors
FAILED_ELSEWHERE = 1.0  # taken off a candidate's weighted score where memory recalls that it failed


def open_moves(case: Case) -> list[Move]:
    """Untried moves that fit, change something and leave the program within its time; a random draw if there are none."""
    assert case.recipe is not None
    recipe = case.recipe
    fitting = [m for m in MOVES.values() if m.fits(case, recipe) and m.change(case, recipe) != recipe]
    fresh = [m for m in fitting if m.tag not in case.tried and m.tag != LAST_RESORT]
    affordable = [m for m in fresh if m.cost <= case.room]
    return affordable or [MOVES[LAST_RESORT]]


def expected_gain(case: Case, move: Move) -> float:
    """What the move may gain here, in standard errors: experience, what it brought to siblings, what came true so far."""
    gain = move.gain(case) * case.trust
    if move.tag in case.elsewhere:
        seen = case.elsewhere[move.tag]
        gain = max(gain, 0.5 * gain + 0.5 * min(seen, MOST_ADOPTED)) if seen > 0 else 0.4 * gain
    return max(0.05, gain)


def _limit(value: float) -> float:
    return round(min(10.0, max(1.0, value)), 1)


def _hypothesis(case: Case, move: Move) -> Hypothesis:
    gain = expected_gain(case, move)
    novelty = 5.0 if move.tag in case.underway else 6.0 if move.tag in case.elsewhere else 9.0
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


def _weighted(hypothesis: Hypothesis) -> float:
    return sum(weight * hypothesis["scores"][name] for name, weight in SCORE_WEIGHTS.items())


def _ranked(case: Case, moves: list[Move]) -> list[tuple[Move, Hypothesis]]:
    """Moves and their hypotheses, the most promising first, one for each challenge."""
    shuffled = list(moves)
    random.Random(case.facts["seed"]).shuffle(shuffled)  # ties fall differently for each trace and step
    pairs = [(move, _hypothesis(case, move)) for move in shuffled]
    best: dict[str, tuple[Move, Hypothesis]] = {}
    for move, hypothesis in sorted(pairs, key=lambda pair: -_weighted(pair[1])):
        best.setdefault(move.challenge, (move, hypothesis))
    return list(best.values())


def diagnose(case: Case) -> JsonObject:
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
        "diagnosis": " ".join(findings(case, proposed[0][0].challenge)),
        "challenges": challenges,
        "hypotheses": [hypothesis for _, hypothesis in proposed],
    }


def _diagnose_start(case: Case) -> JsonObject:
    columns = case.data.get("columns", [])
    taken = {tag for row in case.facts.get("siblings", []) if (tag := tag_of(row["hypothesis"]))} | set(
        case.tried
    )
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


def propose(case: Case) -> JsonObject:
    """The reply to `propose`: any move that fits and that nobody tried, drawn without a look at the evidence."""
    if case.recipe is None:
        start = _diagnose_start(case)
        hypothesis = start["hypotheses"][0]
        return {"hypothesis": hypothesis, "reason": start["diagnosis"], "plan": _plan(case, hypothesis)}
    moves = sorted(open_moves(case), key=lambda move: move.tag)
    new = [m for m in moves if m.tag not in case.elsewhere and m.tag not in case.underway]
    move = random.Random(case.facts["seed"]).choice(new or moves)
    hypothesis = _hypothesis(case, move) | {
        "predicted_gain": UNDIRECTED * case.stderr,
        "predicted_low": -case.stderr,
        "predicted_high": 2 * case.stderr,
    }
    return {"hypothesis": hypothesis, "reason": "not tried yet", "plan": _plan(case, hypothesis)}


def criticise(case: Case) -> JsonObject:
    """The hypotheses as they are: the rules had weighed them by all that they know when they wrote them down."""
    return {"hypotheses": case.facts["choices"]}


def choose(case: Case) -> JsonObject:
    """The reply to `choose`: the best candidate after what memory recalls of the same move on other traces."""
    choices = case.facts["choices"]
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
