"""Rows told apart by one column, by several, by their order within an id, or by their place alone."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.state.task import Task
from gome.tools.evaluation.bootstrap import score
from gome.tools.evaluation.grading import GradingError, aligned, grade
from gome.tools.evaluation.metric import UNIT
from gome.tools.evaluation.submission import check_submission
from tests.graded import make_task

SHOPS = pd.DataFrame({"shop": ["a", "a", "b", "b"], "day": ["1", "2", "1", "2"], "y": 0.0})
FRAMES = pd.DataFrame({"film": ["f", "f", "f", "g"], "y": 0.0})
BARE = pd.DataFrame({"y": [0.0, 0.0, 0.0]})


def task(*ids: str) -> Task:
    return make_task("mae", "regression", id=ids[0] if ids else "", more_ids=list(ids[1:]))


def checked(
    sample: pd.DataFrame, given: pd.DataFrame, folder: Path, *ids: str
) -> tuple[pd.DataFrame | None, list[str]]:
    given.to_csv(folder / "submission.csv", index=False)
    return check_submission(folder / "submission.csv", sample, task(*ids))


def test_two_columns_name_a_row_in_any_order(tmp_path: Path) -> None:
    mixed = SHOPS.assign(y=[1.0, 2, 3, 4]).iloc[[3, 1, 0, 2]]
    rows, _ = checked(SHOPS, mixed, tmp_path, "shop", "day")
    assert rows is not None
    assert list(rows["y"]) == [1, 2, 3, 4]
    assert list(rows["shop"]) == ["a", "a", "b", "b"]


def test_rows_of_one_id_are_told_by_their_order(tmp_path: Path) -> None:
    mixed = FRAMES.assign(y=[1.0, 2, 3, 9]).iloc[[3, 0, 1, 2]]
    rows, _ = checked(FRAMES, mixed, tmp_path, "film")
    assert rows is not None
    assert list(rows["y"]) == [1, 2, 3, 9]


def test_rows_without_ids_are_told_by_their_place(tmp_path: Path) -> None:
    rows, _ = checked(BARE, BARE.assign(y=[3.0, 1, 2]), tmp_path)
    assert rows is not None
    assert list(rows["y"]) == [3, 1, 2]


@pytest.mark.parametrize(
    ("sample", "given", "ids", "said"),
    [
        (SHOPS, SHOPS.iloc[:3], ("shop", "day"), "1 ids of the sample are missing, such as shop = b, day = 2"),
        (SHOPS, SHOPS.assign(day="1"), ("shop", "day"), "2 ids occur more than once, such as shop = a, day = 1"),
        (FRAMES, FRAMES.iloc[1:], ("film",), "1 rows of the sample are missing, such as film = f"),
        (FRAMES, FRAMES.iloc[[0, 1, 2, 3, 3]], ("film",), "1 ids occur more often than in the sample, such as film = g"),
        (BARE, BARE.iloc[:2], (), "2 rows where the sample has 3; write one for each, in its order"),
        (BARE, BARE.assign(y=[1, None, 2]), (), "y is missing in 1 of 3 rows, such as row 2"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_of_the_row(
    sample: pd.DataFrame, given: pd.DataFrame, ids: tuple[str, ...], said: str, tmp_path: Path
) -> None:
    rows, problems = checked(sample, given, tmp_path, *ids)
    assert rows is None
    assert said in " ".join(problems)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.sampled_from("ab"), st.sampled_from("01")), min_size=1, max_size=12))
def test_a_stable_mix_of_rows_grades_alike(names: list[tuple[str, str]]) -> None:
    """Whatever repeats: rows may come in any order in which those of one id keep theirs."""
    truth = pd.DataFrame(names, columns=["p", "q"]).assign(y=np.arange(len(names), dtype=float))
    other = truth.iloc[np.random.default_rng(len(names)).permutation(len(names))]
    mixed = other.sort_values(["p", "q", "y"]) if len(names) % 2 else truth.sort_values(["q", "p", "y"])
    assert grade(task("p", "q"), mixed.reset_index(drop=True), truth) == 0


def test_other_rows_are_refused() -> None:
    with pytest.raises(GradingError, match="rows with ids other than"):
        aligned(task("shop", "day"), SHOPS, SHOPS.assign(shop=["c", "a", "b", "b"]))
    with pytest.raises(GradingError, match="rows with ids other than"):
        aligned(task(), BARE, BARE.iloc[:2])


def test_noise_is_over_units_however_rows_are_told_apart() -> None:
    """Rows of a unit all err alike: more of them tell no more, so that the standard error stays that of the units."""
    errors = np.random.default_rng(0).normal(size=200)
    one = pd.DataFrame({"y": np.zeros(200), UNIT: np.arange(200).astype(str)})
    many = pd.concat([one] * 4, ignore_index=True)
    alone = score(task(), [(one, pd.DataFrame({"y": errors}))], seed=1)
    all_ = score(task(), [(many, pd.DataFrame({"y": np.tile(errors, 4)}))], seed=1)
    assert all_["value"] == pytest.approx(alone["value"])
    assert all_["stderr"] == pytest.approx(alone["stderr"], rel=0.02)
    assert alone["stderr"] == pytest.approx(np.abs(errors).std() / np.sqrt(200), rel=0.15)
