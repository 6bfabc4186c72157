"""The measured reliability of a run's gradient: laws of the calibration, and where it sends the next step."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.optimizer.reliability import factors, gains, reliability, wilson
from gome.state.step import StepRecord

numbers = st.floats(-3, 3, allow_nan=False).map(lambda v: round(v, 3))


def step(predicted: float, realised: float, stderr: float = 1.0, optimizer: str = "gradient") -> StepRecord:
    row = {
        "trace": 0,
        "step": 1,
        "optimizer": optimizer,
        "parent": "before.py",
        "verdict": "accepted" if realised > 0 else "rejected",
        "hypothesis": {"predicted_gain": predicted, "predicted_low": predicted - 1, "predicted_high": predicted + 1},
        "comparison": {"gain": realised, "stderr": stderr},
        "evaluation": {"status": "ok"},
    }  # fmt: skip
    return StepRecord.from_json(row)


@settings(deadline=None)
@given(st.lists(numbers, max_size=12))
def test_true_predictions_are_worth_what_they_say(values: list[float]) -> None:
    found = reliability([step(v, v) for v in values])
    assert found["factor"] == pytest.approx(1.0)
    assert found["within"] == found["ranged"] == found["pairs"] == len(values)
    assert found["right_sign"] == sum(v != 0 for v in values)


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers), min_size=1, max_size=12), st.floats(0.01, 1e4))
def test_the_factor_does_not_depend_on_the_metrics_unit(
    pairs: list[tuple[float, float]], unit: float
) -> None:
    plain = reliability([step(p, g) for p, g in pairs])["factor"]
    scaled = reliability([step(unit * p, unit * g, unit) for p, g in pairs])["factor"]
    assert scaled == pytest.approx(plain, abs=1e-6)


@settings(deadline=None)
@given(st.lists(st.tuples(numbers, numbers, st.integers(0, 5), st.booleans()), max_size=12))
def test_each_step_has_the_factor_of_the_steps_before_it(rows: list[tuple[float, float, int, bool]]) -> None:
    records = [replace(step(p, g), step=n, kind="merge" if merge else "edit") for p, g, n, merge in rows]
    found = factors(records, (n for _, _, n, _ in rows))
    assert set(found) == {n for _, _, n, _ in rows}
    for number, factor in found.items():
        before = reliability([r for r in records if r.step < number])
        assert factor == pytest.approx(before["factor"])


def test_empty_promises_lower_the_factor_and_refuted_ones_turn_it() -> None:
    assert reliability([step(2.0, 0.0)] * 5)["factor"] < 0.1
    assert reliability([step(2.0, -2.0)] * 5)["factor"] < -0.5
    assert reliability([])["factor"] == 1.0


def test_one_wild_prediction_does_not_decide() -> None:
    good = [step(v, v) for v in (1.0, 1.5, 2.0, 2.5)]
    for wild in (step(50.0, -50.0), step(1.0, 400.0), step(400.0, 0.0)):
        found = reliability([*good, wild])
        assert found["factor"] == pytest.approx(1.0)
        assert found["low"] <= found["factor"] <= found["high"]


def test_the_interval_of_the_factor_narrows_with_steps_and_holds_what_is_true() -> None:
    rng = np.random.default_rng(0)
    held, widths = 0, {4: [], 64: []}
    for _ in range(200):
        for count in widths:
            predicted = rng.uniform(2, 4, count)
            found = reliability(
                [step(p, g) for p, g in zip(predicted, 0.5 * predicted + rng.normal(size=count), strict=True)]
            )
            widths[count].append(found["high"] - found["low"])
            held += count == 64 and found["low"] <= 0.5 <= found["high"]
    assert np.mean(widths[64]) < 0.4 * np.mean(widths[4])
    assert held >= 170  # 90 % of 200, and chance


def test_counts_are_plain_numbers() -> None:
    found = reliability([step(1.0, 1.0), step(1.0, 5.0)])
    assert json.loads(json.dumps(found)) == found
    assert found["within"] == 1


def test_drafts_failures_and_voided_steps_do_not_count() -> None:
    draft = replace(step(0.0, 1.0), parent=None, comparison=None)
    failed = replace(step(1.0, 1.0), verdict="failed", comparison=None, evaluation=None)
    void = StepRecord.from_json({**step(1.0, 1.0).to_json(), "evaluation": {"status": "void"}})
    assert reliability([draft, failed, void])["pairs"] == 0
    assert gains([draft, failed], "gradient")["steps"] == 1


@given(st.integers(0, 60), st.integers(1, 60))
def test_the_interval_holds_the_share(hits: int, more: int) -> None:
    low, high = wilson(hits, hits + more)
    assert 0 <= low <= hits / (hits + more) <= high <= 1
