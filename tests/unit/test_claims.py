"""Claims: what counts as the same thing, one claim at a time, and how they outlive a kill."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from itertools import combinations
from pathlib import Path
from statistics import NormalDist
from threading import Barrier
from typing import Any

import pytest
from langgraph.store.memory import InMemoryStore

from gome.agents.prompts.replies import Choice, Diagnosis
from gome.graph.persistence.momentum_store import StoredMomentum
from gome.offline.case import tag_of
from gome.optimizer.acceptance import clear_of_luck
from gome.optimizer.overlap import overlapping
from gome.tools.models.reply import Reply, read_reply
from gome.tools.records.jsonl import read_lines
from tests.unit.offline_cases import Play, ask

SHIFTS = "Add each training image shifted by one pixel in four directions to the training rows"
RUN = [
    "Replace the model by a support vector classifier with an RBF kernel, C 10, gamma scale",
    "Add products of neighbouring pixels",
    "Double the trees to 600",
    "Add the differences of neighbouring pixels as columns",
]


def row(trace: int, hypothesis: str, verdict: str = "running") -> Any:
    return {"trace": trace, "step": 1, "hypothesis": hypothesis, "component": "model", "verdict": verdict}


@pytest.mark.parametrize(
    ("said", "same"),
    [
        ("Add each training image shifted by one pixel in four directions", True),
        ("Shift every training image by one pixel in four directions and add the copies", True),
        ("Add products of neighbouring pixels", False),
        ("Extremely randomised trees, 300 of them, on raw pixels", False),
    ],
)
def test_the_same_idea_in_other_words_overlaps(said: str, same: bool) -> None:
    rows = [row(1, said), row(2, "Calibrate the probabilities by isotonic regression")]
    assert overlapping(SHIFTS, rows, RUN) == (rows[:1] if same else [])


ROOT = Path(__file__).parents[2]
RECORDINGS = [
    *sorted((ROOT / "benchmarks" / "played" / "recordings").glob("*-probes-?.jsonl")),
    *sorted((ROOT / "tests" / "recordings").glob("*.jsonl")),
]


def replies_of(recording: Path, call: str, schema: type[Reply]) -> dict[str, Reply]:
    """The last reply to each call of a recorded run, by trace:step."""
    found = {}
    for exchange in read_lines(recording):
        trace, step, asked, _ = exchange["key"].split(":")
        if asked == call:
            with suppress(ValueError):  # a call of a probe
                found[f"{trace}:{step}"] = read_reply(exchange["reply"], schema)
    return found


def test_the_threshold_tells_equal_from_different_ideas_of_recorded_runs() -> None:
    """The figures of docs/method.md: what sharpens a hypothesis is like it, hypotheses of one diagnosis differ."""
    same, different = [], []
    for recording in RECORDINGS:
        diagnoses = {k: d.hypotheses for k, d in replies_of(recording, "diagnose", Diagnosis).items()}
        run = [h.statement for hypotheses in diagnoses.values() for h in hypotheses]
        for place, chosen in replies_of(recording, "choose", Choice).items():
            named = [h.statement for h in diagnoses[place]]
            if chosen.decision == "modify":
                rows = [row(1, text) for text in named]
                same.append(bool(overlapping(chosen.hypothesis.statement, rows, run)))
        for hypotheses in diagnoses.values():
            pairs = combinations([h.statement for h in hypotheses], 2)
            different += [not overlapping(a, [row(1, b)], run) for a, b in pairs]
    assert (sum(same), len(same)) == (8, 8)
    assert (sum(different), len(different)) == (98, 100)


def test_of_many_that_claim_the_same_at_once_one_gets_it() -> None:
    momentum, start = StoredMomentum(InMemoryStore(), "run"), Barrier(8)

    def claim(trace: int) -> list[Any]:
        start.wait()
        return momentum.claim(
            trace, 1, SHIFTS, "data", unless=lambda: overlapping(SHIFTS, momentum.claims(), [])
        )

    with ThreadPoolExecutor(8) as threads:
        refused = list(threads.map(claim, range(8)))
    (holder,) = momentum.claims()
    assert [trace for trace, found in enumerate(refused) if not found] == [holder["trace"]]
    assert all(found == [holder] for found in refused if found)


def test_a_step_that_is_executed_again_keeps_its_claim_and_another_step_does_not() -> None:
    store = InMemoryStore()
    StoredMomentum(store, "run").claim(0, 1, SHIFTS, "data")
    resumed = StoredMomentum(store, "run")
    against = [row(1, SHIFTS)]
    assert resumed.claim(0, 1, SHIFTS, "data", unless=lambda: against) == []
    assert resumed.claim(0, 2, SHIFTS, "data", unless=lambda: against) == against
    assert [claim["step"] for claim in resumed.claims()] == [1]
    resumed.withdraw(0)
    assert resumed.claims() == []


def test_the_starts_that_are_proposed_first_hold_for_all_traces() -> None:
    store = InMemoryStore()
    first, second = [{"statement": name, "component": "model"} for name in ("trees", "kernels")]
    momentum = StoredMomentum(store, "run")
    assert momentum.starts([]) == []
    assert momentum.starts([first, second]) == [first, second]
    assert StoredMomentum(store, "run").starts([second, first]) == [first, second]


def test_the_best_of_many_has_to_show_more() -> None:
    def gained(errors: float) -> Any:
        return {"gain": errors, "stderr": 1.0, "p_better": 0.95, "low": 0.0, "high": 1.0}

    for tried in (1, 6):
        needed = NormalDist().inv_cdf(1 - 0.1 / tried)
        assert clear_of_luck(gained(needed + 0.01), tried)
        assert not clear_of_luck(gained(needed - 0.01), tried)


def test_the_rules_choose_something_else_when_it_is_claimed() -> None:
    play = Play("missing values")
    play.step()
    facts = play.context()
    hypotheses = play.diagnosis().hypotheses
    facts["choices"] = [
        {"index": i, **h.model_dump(), "weighted": round(h.weighted(), 2)} for i, h in enumerate(hypotheses)
    ]
    chosen = ask("choose", facts, Choice, play.program).hypothesis.statement
    again = ask("choose", {**facts, "claimed": [row(1, chosen)]}, Choice, play.program).hypothesis.statement
    assert tag_of(again) != tag_of(chosen)
    everything = [row(1, h.statement) for h in hypotheses]
    left = ask("choose", {**facts, "claimed": everything}, Choice, play.program)
    assert left.hypothesis.statement == chosen
