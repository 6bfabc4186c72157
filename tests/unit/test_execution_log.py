"""What a program prints: kept within a bound, its program log read whatever is in it."""

import json
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.tools.evaluation.fold_facts import facts_of_folds
from gome.tools.execution.log_buffer import BETWEEN, HEAD, TAIL, LogBuffer
from gome.tools.execution.program_log import MAX_ITEMS, parse_log

NAMES = st.sampled_from(["stage", "seconds", "note", "curve", "importance", "train_score", "stages", "x"])
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=4),
    max_leaves=20,
)


def said(*entries: object) -> str:
    return "".join(f"GOME {json.dumps(entry)}\n" for entry in entries)


def numbers(value: object) -> list[float]:
    if isinstance(value, dict):
        return [n for item in value.values() for n in numbers(item)]
    if isinstance(value, list):
        return [n for item in value for n in numbers(item)]
    return [value] if isinstance(value, int | float) else []


def depth(value: object) -> int:
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else None
    return 0 if items is None else 1 + max(map(depth, items), default=0)


@given(st.lists(st.binary(max_size=20_000), max_size=12))
def test_the_log_is_whole_or_bounded(chunks: list[bytes]) -> None:
    log, data = LogBuffer(), b"".join(chunks)
    for chunk in chunks:
        log.feed(chunk)
    assert log.size == len(data)
    if len(data) <= HEAD + TAIL:
        assert log.text() == data.decode(errors="replace")
    else:
        assert log.text().startswith(data[: HEAD - 4].decode(errors="replace")[:-1])
        assert log.text().endswith(data[-TAIL + 4 :].decode(errors="replace")[4:])
        assert len(log.text()) <= HEAD + BETWEEN + TAIL + 100


@given(st.integers(0, 90_000), st.integers(1, 5000))
def test_a_program_log_line_is_kept_wherever_it_stands(before: int, chunk: int) -> None:
    line = b'\nGOME {"valid_score": 0.25}\n'
    data = b"x" * before + line + b"y" * (90_000 - before)
    log = LogBuffer()
    for start in range(0, len(data), chunk):
        log.feed(data[start : start + chunk])
    assert parse_log(log.text()) == {"valid_score": 0.25}


def test_lines_merge_and_collect() -> None:
    text = said(
        {"stage": "features", "seconds": 1.25},
        {"stage": "fit", "seconds": 2},
        {"stage": "fit", "seconds": 3},
        {"train_score": 0.9, "valid_score": 0.8},
        {"valid_score": 0.85},
        {"importance": {"age": 0.5}},
        {"importance": {"fare": 0.3}},
        {"curve": [[100, 0.8], [200, 0.9]]},
        {"note": "tuned"},
        {"note": "weights .5 .5"},
    )
    assert parse_log(f"some output\n{text}more output\n") == {
        "stages": {"features": 1.25, "fit": 5},
        "train_score": 0.9,
        "valid_score": 0.85,
        "importance": {"fare": 0.3},
        "curve": [[100, 0.8], [200, 0.9]],
        "notes": ["tuned", "weights .5 .5"],
        "repeated": {
            "valid_score": {"times": 2, "values": [0.8, 0.85]},
            "importance": {"times": 2, "values": [{"age": 0.5}, {"fare": 0.3}]},
        },
    }


def test_what_is_printed_often_says_how_often() -> None:
    facts = parse_log(said(*({"alpha": n, "note": f"alpha {n}"} for n in range(30))))
    assert facts["alpha"] == 29
    assert facts["repeated"] == {"alpha": {"times": 30, "values": list(range(22, 30))}}
    assert facts["notes"] == [f"alpha {n}" for n in range(30)]


def test_a_program_cannot_say_what_only_the_harness_counts() -> None:
    ours = {"stages": {"fit": 1}, "notes": ["x"], "repeated": {"a": 1}, "by_fold": {"a": [1]}, "folds": 9}
    assert parse_log(said(ours, {"of_last_fold": ["a"]})) == {}


def test_facts_of_several_folds_say_what_was_merged() -> None:
    folds = [
        {"valid_score": 0.8, "depth": 3, "stages": {"fit": 2, "text": 1}, "importance": {"a": 0.6, "b": 0.4},
         "curve": [[1, 0.7]], "notes": ["log target", "best alpha 1"], "kind": "ridge"},
        {"valid_score": 0.9, "depth": 3, "stages": {"fit": 4}, "importance": {"a": 1.0},
         "curve": [[1, 0.9]], "notes": ["log target", "best alpha 2"], "kind": "ridge"},
    ]  # fmt: skip
    assert facts_of_folds(folds) == {
        "folds": 2,
        "valid_score": pytest.approx((0.8 + 0.9) / 2),
        "depth": 3,
        "by_fold": {"valid_score": [0.8, 0.9]},
        "stages": {"fit": 3, "text": 1},
        "importance": {"a": pytest.approx((0.6 + 1.0) / 2), "b": pytest.approx((0.4 + 0) / 2)},
        "curve": [[1, 0.9]],
        "of_last_fold": ["curve"],
        "notes": ["log target", "fold 1: best alpha 1", "fold 2: best alpha 2"],
        "kind": "ridge",
    }
    assert facts_of_folds(folds[:1]) == folds[0]
    assert facts_of_folds([]) == {}


@given(st.lists(st.floats(0, 1), min_size=1, max_size=5))
def test_importances_of_folds_that_sum_to_one_sum_to_one(shares: list[float]) -> None:
    merged = facts_of_folds(
        [{"importance": {"a": share, f"b{n}": 1 - share}} for n, share in enumerate(shares)]
    )
    assert sum(merged["importance"].values()) == pytest.approx(1)


@pytest.mark.parametrize(
    "line",
    [
        "GOME",
        "GOME ",
        "GOME not json",
        "GOME [1, 2]",
        "GOME 3",
        'GOME {"valid_score": NaN}',
        'GOME {"valid_score": -Infinity}',
        'GOME {"valid_score": 1' + "0" * 400 + "}",
        'GOME {"stage": "fit", "seconds": Infinity}',
        'GOME {"stage": {"a": 1}, "seconds": 1}',
        'GOME {"stages": 3}',
        'GOME {"importance": 3}',
        "GOME " + "[" * 4000,
        'GOME {"x": ' + "9" * 5000 + "}",
        ' GOME {"valid_score": 1}',
        'xGOME {"valid_score": 1}',
    ],
)
def test_a_bad_line_says_nothing(line: str) -> None:
    assert parse_log(line) == {}
    assert parse_log(said({"train_score": 1}) + line + "\n" + said({"valid_score": 2})) == {
        "train_score": 1,
        "valid_score": 2,
    }


@given(st.lists(st.dictionaries(NAMES, VALUES, max_size=4) | VALUES, max_size=8))
def test_facts_are_finite_and_small_whatever_is_said(entries: list[object]) -> None:
    facts = parse_log(said(*entries))
    json.dumps(facts, allow_nan=False)
    assert all(map(math.isfinite, numbers(facts)))
    assert depth(facts) <= 6  # repeated, its key, its values, and a curve in them


def test_many_lines_are_bounded() -> None:
    facts = parse_log(
        said(*({f"k{n}": n, "stage": f"s{n}", "seconds": 1, "note": f"{n}"} for n in range(400)))
    )
    assert len(facts) <= MAX_ITEMS + 3
    assert len(facts["stages"]) == len(facts["notes"]) == MAX_ITEMS
    assert facts["notes"][-1] == "399"
