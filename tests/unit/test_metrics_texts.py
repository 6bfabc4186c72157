"""Texts and run-length masks: values worked out by hand, and against slow and plain forms of the same rule."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.state.errors import GomeError
from gome.tools.evaluation import metrics
from gome.tools.evaluation.metric import GradingError
from gome.tools.evaluation.metrics_masks import common, runs
from gome.tools.evaluation.metrics_texts import edit_distance
from tests.graded import make_task, value


def by_table(a: str, b: str) -> int:
    row = list(range(len(b) + 1))
    for i, x in enumerate(a, 1):
        row, above = [i], row
        for j, y in enumerate(b, 1):
            row.append(min(above[j] + 1, row[-1] + 1, above[j - 1] + (x != y)))
    return row[-1]


@pytest.mark.parametrize(
    ("a", "b", "distance"),
    [
        ("kitten", "sitting", 3),
        ("saturday", "sunday", 3),
        ("", "abc", 3),
        ("flaw", "lawn", 2),
        ("x" * 300, "y", 300),
    ],
)
def test_edit_distances_that_are_published(a: str, b: str, distance: int) -> None:
    assert edit_distance(a, b) == edit_distance(b, a) == distance


@settings(max_examples=200, deadline=None)
@given(st.text("abé ", max_size=80), st.text("abé ", max_size=80))
def test_edit_distance_is_that_of_the_table(a: str, b: str) -> None:
    assert edit_distance(a, b) == by_table(a, b)


def test_texts() -> None:
    assert value(make_task("levenshtein", "text"), ["kitten", "a"], ["sitting", "a"]) == 1.5
    assert value(make_task("word_jaccard", "text"), ["a b C", ""], ["c b d", ""]) == pytest.approx(
        (2 / 4 + 1) / 2
    )
    assert value(make_task("text_accuracy", "text"), ["a", "7"], ["a", "7.0"]) == 0.5


def test_masks_by_hand() -> None:
    truth, found = ["1 10", "", "5 2 9 2"], ["6 10", "", "5 6"]  # 5 of 10 + 10; none; 4 of 4 + 6
    assert value(make_task("dice", "text"), truth, found) == pytest.approx((0.5 + 1 + 0.8) / 3)
    assert value(make_task("dice_global", "text"), truth, found) == pytest.approx(2 * 9 / 30)
    task = make_task("mask_ap@0.5-0.95", "text")
    assert value(task, ["1 100"], ["1 72"]) == pytest.approx(5 / 10)  # overlap 0.72: above 0.5, ..., 0.7
    assert value(task, ["1 10;21 10"], ["1 10"]) == pytest.approx(0.5)
    assert value(task, ["", ""], ["", "1 1"]) == pytest.approx(0.5)
    assert value(make_task("mask_ap@0.5", "text"), ["1 10;21 10"], ["1 10;40 3"]) == pytest.approx(1 / 3)


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 10_000))
def test_runs_share_the_pixels_that_arrays_share(seed: int) -> None:
    rng = np.random.default_rng(seed)
    pixels, masks = np.zeros((2, 80), dtype=bool), []
    for side in pixels:
        pairs = [
            (int(s), int(n)) for s, n in zip(rng.integers(0, 60, 5), rng.integers(1, 15, 5), strict=True)
        ]
        for start, length in pairs:
            side[start : start + length] = True
        masks.append(runs(" ".join(f"{s} {n}" for s, n in pairs)))
    assert common(*masks) == (pixels[0] & pixels[1]).sum()
    assert [int((m[:, 1] - m[:, 0]).sum()) for m in masks] == pixels.sum(axis=1).tolist()


def test_what_is_no_mask_is_told() -> None:
    with pytest.raises(GradingError, match="'1 2 3' is no list of 'start length"):
        value(make_task("dice", "text"), ["1 2"], ["1 2 3"])
    with pytest.raises(GomeError, match=r"as in mask_ap@0\.5-0\.95"):
        metrics.get("mask_ap@2")
