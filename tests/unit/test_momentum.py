"""Momentum: the kernel's laws, recall, and the reducers that carry momentum and histories."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.agents.researcher import challenge_schedule
from gome.optimizer.momentum import kernel_logits, recall
from gome.optimizer.tfidf import cosine_tfidf
from gome.state.reducers import RECENT, latest_summaries, upsert, upsert_momentum, upsert_recent
from gome.state.step import brief_from_json


def entry(
    trace: int, step: int, *, accepted: bool = True, gain_se: float = 1.0, text: str = "use a log target"
) -> dict:
    return brief_from_json(
        {
            "id": f"{trace}:{step}",
            "trace": trace,
            "step": step,
            "hypothesis": text,
            "component": "model",
            "verdict": "accepted" if accepted else "rejected",
            "gain": gain_se / 10,
            "gain_se": gain_se,
            "score": 0.5 + gain_se / 10,
            "code": None,
            "lesson": "",
        }
    )


entries = st.builds(
    lambda t, s, a, g: entry(t, s, accepted=a, gain_se=g),
    st.integers(0, 3),
    st.integers(0, 30),
    st.booleans(),
    st.floats(-5, 5),
)


@given(st.lists(entries), st.lists(entries), st.lists(entries))
def test_upsert_is_associative_and_idempotent(a: list, b: list, c: list) -> None:
    assert upsert(upsert(a, b), c) == upsert(a, upsert(b, c))
    assert upsert(upsert(a, b), b) == upsert(a, b)


@given(st.lists(entries, max_size=200))
def test_channels_stay_bounded(rows: list) -> None:
    recent = upsert_recent([], rows)
    assert all(sum(e["trace"] == t for e in recent) <= RECENT for t in range(4))
    assert len(upsert_momentum([], rows)) <= 48 + 4 * 4


@given(st.lists(entries, min_size=1))
def test_the_best_memory_is_never_dropped(rows: list) -> None:
    kept = upsert_momentum([], rows)
    accepted = [e for e in upsert([], rows) if e["verdict"] == "accepted"]
    if accepted:
        assert max(e["gain_se"] for e in kept if e["verdict"] == "accepted") == max(
            e["gain_se"] for e in accepted
        )


summaries = st.dictionaries(
    st.sampled_from("012"), st.builds(lambda s: {"step": s, "accepted": s}, st.integers(0, 9))
)


@given(summaries, summaries)
def test_the_summary_that_is_further_on_wins_in_any_order(a: dict, b: dict) -> None:
    assert latest_summaries(a, b) == latest_summaries(b, a)


def test_kernel_formula() -> None:
    similarity, delta = np.array([[0.5, 0.0]]), np.array([1.0, -3.0])
    expected = [0.5 * math.exp(-math.log(2) / 30 * 30) + math.tanh(1), math.tanh(-3)]
    assert kernel_logits(similarity, delta, 30)[0] == pytest.approx(expected)


@given(st.floats(0, 1), st.floats(-100, 100), st.integers(0, 500))
def test_logits_are_clamped_and_similarity_fades(similarity: float, delta: float, length: int) -> None:
    now = kernel_logits(np.array([[similarity]]), np.array([delta]), length)[0, 0]
    later = kernel_logits(np.array([[similarity]]), np.array([delta]), length + 10)[0, 0]
    assert -2 <= later <= now <= 2


def test_recall_shows_the_best_and_warns_of_a_near_failure() -> None:
    rows = [
        entry(0, 1, gain_se=5, text="log transform of the skewed target"),
        entry(1, 1, gain_se=1, text="one hot encoding of categories"),
        entry(1, 2, accepted=False, gain_se=-2, text="add polynomial interactions of numeric columns"),
    ]
    found = recall(
        ["interactions of numeric columns"],
        rows,  # type: ignore[arg-type]
        incumbent=0.5,
        stderr=0.1,
        sign=1,
        path_length=2,
        rng=np.random.default_rng(0),
    )
    assert [e["id"] for e in found] == ["0:1", "1:1", "1:2"]


def test_recall_does_not_depend_on_the_metrics_scale() -> None:
    rows = [entry(0, s, gain_se=s, text=f"idea number {s}") for s in range(1, 8)]
    scaled = [{**e, "score": e["score"] * 1e6, "gain": e["gain"] * 1e6} for e in rows]

    def ids(memories: list, unit: float) -> list[str]:
        rng = np.random.default_rng(1)
        found = recall(
            ["idea number 3"],
            memories,
            incumbent=0.6 * unit,
            stderr=0.05 * unit,
            sign=1,
            path_length=3,
            rng=rng,
        )
        return [e["id"] for e in found]

    assert ids(rows, 1) == ids(scaled, 1e6)


def test_similarity_of_texts() -> None:
    found = cosine_tfidf(["log target"], ["a log target helps", "more trees"])
    assert found[0, 0] > found[0, 1] == 0
    assert cosine_tfidf([""], ["", "the"]).shape == (1, 2)


@given(st.integers(0, 40), st.integers(0, 40))
def test_challenges_move_from_data_to_history(accepted: int, rejected: int) -> None:
    scenario, history = challenge_schedule(accepted, rejected)
    assert scenario + history == 3
    assert 0 <= scenario <= 3
    assert challenge_schedule(accepted + 1, rejected)[0] <= scenario
    assert challenge_schedule(0, 0) == (3, 0)


def test_dead_ends_of_siblings_are_recalled_beside_ones_own() -> None:
    tuned = "tune the learning rate of the boosted trees"
    rows = [
        entry(0, 1, accepted=False, text=tuned),
        entry(1, 1, accepted=False, text="tune the learning rate of boosted trees by search"),
        entry(1, 2, accepted=False, text="drop the columns that drift"),
    ]
    found = recall(
        [tuned],
        rows,
        incumbent=0.5,
        stderr=0.1,
        sign=1,
        path_length=1,
        rng=np.random.default_rng(0),
        trace=0,
    )
    assert {e["id"] for e in found} == {"0:1", "1:1"}
