"""Laws of scores and comparisons: what a bootstrap has to say whatever the metric."""

import time
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.state.task import Task
from gome.tools.evaluation import metrics
from gome.tools.evaluation.bootstrap import FoldPredictions, compare, score
from gome.tools.evaluation.grading import GradingError
from tests.graded import fold, make_task, simulated

ALL = metrics.names()


def pair(metric: str, n: int, seed: int) -> tuple[Task, list[FoldPredictions], list[FoldPredictions]]:
    """Two programs' predictions of the same rows; the second is the noisier one."""
    task, answers, good = simulated(metric, n, seed, noise=0.8)
    _, same, bad = simulated(metric, n, seed, noise=1.6)
    pd.testing.assert_frame_equal(answers, same)
    return task, [(answers, good)], [(answers, bad)]


@pytest.mark.parametrize("name", ALL)
def test_identical_predictions_gain_nothing(name: str) -> None:
    task, ours, _ = pair(name, 60, 1)
    assert compare(task, ours, ours, seed=0) == {
        "gain": 0.0, "stderr": 0.0, "p_better": 0.5, "low": 0.0, "high": 0.0}  # fmt: skip


@pytest.mark.parametrize("name", ALL)
def test_a_comparison_turned_round_is_its_opposite(name: str) -> None:
    task, ours, theirs = pair(name, 60, 2)
    one = compare(task, ours, theirs, seed=3, resamples=100)
    other = compare(task, theirs, ours, seed=3, resamples=100)
    assert other["gain"] == pytest.approx(-one["gain"])
    assert other["stderr"] == pytest.approx(one["stderr"])
    assert other["p_better"] == pytest.approx(1 - one["p_better"])
    assert (other["low"], other["high"]) == pytest.approx((-one["high"], -one["low"]))


@pytest.mark.parametrize("name", [n for n in ALL if metrics.get(n).form in ("value", "probability")])
def test_less_noise_is_a_gain_whatever_the_direction(name: str) -> None:
    task, good, bad = pair(name, 2000, 4)
    comparison = compare(task, bad, good, seed=0, resamples=100)
    assert comparison["gain"] > 0
    assert comparison["low"] < comparison["gain"] < comparison["high"]
    assert comparison["p_better"] > 0.9


SCIKIT_LEARN = {
    "auc": "roc_auc_score(answers['y'], submission['y'])",
    "average_precision": "average_precision_score(answers['y'], submission['y'])",
    "f1_macro": "f1_score(answers['y'], submission['y'], average='macro')",
    "mcc": "matthews_corrcoef(answers['y'], submission['y'])",
    "qwk": "cohen_kappa_score(answers['y'], submission['y'], weights='quadratic')",
    "r2": "r2_score(answers['y'], submission['y'])",
}


@pytest.mark.parametrize("name", SCIKIT_LEARN)
def test_weighted_rows_and_a_grader_called_on_each_resample_agree(name: str, tmp_path: Path) -> None:
    (tmp_path / "plain.py").write_text(
        f"from sklearn.metrics import *\n\ndef grade(submission, answers):\n    return {SCIKIT_LEARN[name]}\n"
    )
    task, ours, theirs = pair(name, 400, 5)
    plain = task.model_copy(update={"metric": "plain:grade", "root": str(tmp_path)})
    fast, slow = compare(task, theirs, ours, seed=0), compare(plain, theirs, ours, seed=0, resamples=200)
    assert slow["gain"] == pytest.approx(fast["gain"])
    assert slow["stderr"] == pytest.approx(fast["stderr"], rel=0.25)


@settings(max_examples=10, deadline=None)
@given(seed=st.integers(0, 10_000), n=st.sampled_from([100, 400, 1600]))
def test_the_standard_error_of_a_mean_is_that_of_the_formula(seed: int, n: int) -> None:
    task, answers, submission = simulated("mae", n, seed)
    loss = (answers["y"] - submission["y"]).abs()
    found = score(task, [(answers, submission)], seed=seed, resamples=400)
    assert found["stderr"] == pytest.approx(loss.std() / np.sqrt(n), rel=0.15)


@pytest.mark.parametrize("name", ["auc", "rmse", "spearman", "f1"])
def test_the_standard_error_shrinks_with_the_root_of_the_rows(name: str) -> None:
    few, many = (
        score(task, [(answers, submission)], seed=0)["stderr"]
        for task, answers, submission in (simulated(name, n, 7) for n in (400, 6400))
    )
    assert few / many == pytest.approx(4, rel=0.3)


def test_the_standard_error_of_auc_is_that_of_its_sampling_distribution() -> None:
    samples = [simulated("auc", 300, seed) for seed in range(150)]
    spread = np.std([metrics.get("auc")(a, s, task) for task, a, s in samples])
    task, answers, submission = samples[0]
    assert score(task, [(answers, submission)], seed=0, resamples=400)["stderr"] == pytest.approx(
        spread, rel=0.25
    )


def test_a_score_is_the_mean_over_folds() -> None:
    task = make_task("mae", "regression")
    found = score(task, [fold(task, [0.0, 0.0], [1.0, 1.0]), fold(task, [0.0], [4.0], ids=[9])], seed=0)
    assert found["folds"] == [1.0, 4.0]
    assert found["value"] == 2.5


def test_rows_graded_twice_do_not_count_as_twice_the_rows() -> None:
    task, answers, submission = simulated("mae", 300, 8)
    once = score(task, [(answers, submission)], seed=0, resamples=400)
    twice = score(task, [(answers, submission)] * 2, seed=0, resamples=400)
    other = answers.assign(id=answers["id"] + 1000), submission.assign(id=submission["id"] + 1000)
    separate = score(task, [(answers, submission), other], seed=0, resamples=400)
    assert twice["stderr"] == pytest.approx(once["stderr"])
    assert separate["stderr"] == pytest.approx(once["stderr"] / np.sqrt(2), rel=0.15)


def test_rows_of_a_group_are_drawn_together() -> None:
    rng = np.random.default_rng(0)
    group = np.repeat(np.arange(40), 10)
    shift = rng.normal(size=40)[group]
    task = make_task("mse", "regression", group="g")
    answers, submission = fold(task, shift, np.zeros(400))
    alone = score(task, [(answers, submission)], seed=0)["stderr"]
    together = score(task, [(answers.assign(g=group), submission)], seed=0)["stderr"]
    assert together / alone == pytest.approx(np.sqrt(10), rel=0.25)


def test_the_same_seed_gives_the_same_numbers_and_another_one_others() -> None:
    task, ours, theirs = pair("auc", 100, 9)
    assert compare(task, ours, theirs, seed=1) == compare(task, ours, theirs, seed=1)
    assert compare(task, ours, theirs, seed=1)["stderr"] != compare(task, ours, theirs, seed=2)["stderr"]


def test_resamples_of_one_class_are_left_out() -> None:
    task = make_task("auc", "binary")
    found = score(task, [fold(task, [0, 0, 0, 1], [0.1, 0.2, 0.5, 0.4])], seed=0)
    assert found["value"] == pytest.approx(2 / 3)
    assert 0 < found["stderr"] < 1


def test_rows_in_any_order_are_compared_by_id() -> None:
    task, ours, theirs = pair("rmse", 80, 10)
    shuffled = [(a.sample(frac=1, random_state=0), s.sample(frac=1, random_state=1)) for a, s in theirs]
    expected = compare(task, ours, theirs, seed=0)
    assert compare(task, ours, shuffled, seed=0) == pytest.approx(expected)


def test_folds_that_do_not_match_are_refused() -> None:
    task, ours, theirs = pair("rmse", 20, 11)
    with pytest.raises(ValueError, match="1 folds against 2"):
        compare(task, ours, theirs * 2, seed=0)
    with pytest.raises(GradingError, match="ids other than"):
        compare(task, ours, [(a, s.iloc[:-1]) for a, s in theirs], seed=0)


OWN = """
def grade(submission, answers):
    assert submission["id"].is_unique and (submission["id"] == answers["id"]).all()
    return (submission["y"] - answers["y"]).abs().mean()
"""


def test_a_grader_of_ones_own_gets_each_id_once_and_the_same_standard_error(tmp_path: Path) -> None:
    (tmp_path / "own_mae.py").write_text(OWN)
    task, ours, theirs = pair("mae", 301, 12)
    own = task.model_copy(update={"metric": "own_mae:grade", "root": str(tmp_path)})
    found, known = score(own, ours, seed=0, resamples=400), score(task, ours, seed=0, resamples=400)
    assert found["value"] == pytest.approx(known["value"])
    assert found["stderr"] == pytest.approx(known["stderr"], rel=0.15)
    one, other = compare(own, theirs, ours, seed=0), compare(task, theirs, ours, seed=0)
    assert one["gain"] == pytest.approx(other["gain"])
    assert one["stderr"] == pytest.approx(other["stderr"], rel=0.2)


def test_a_grader_that_takes_only_all_rows_leaves_the_noise_unknown(tmp_path: Path) -> None:
    (tmp_path / "whole.py").write_text(OWN.replace("):\n", "):\n    assert len(answers) == 50\n"))
    task, ours, theirs = pair("mae", 50, 13)
    own = task.model_copy(update={"metric": "whole:grade", "root": str(tmp_path)})
    found = compare(own, theirs, ours, seed=0)
    assert found["p_better"] == 0.5
    assert found["stderr"] == abs(found["gain"]) > 0


def test_more_rows_than_are_drawn_still_give_the_right_standard_error() -> None:
    task, answers, submission = simulated("medae", 60_000, 14)
    loss = np.sort((answers["y"] - submission["y"]).abs())
    band = loss[int(0.51 * 60_000)] - loss[int(0.49 * 60_000)]
    expected = 0.5 / (0.02 / band) / np.sqrt(60_000)  # of a median: half over the density there
    assert score(task, [(answers, submission)], seed=0)["stderr"] == pytest.approx(expected, rel=0.3)


def test_a_comparison_of_ten_thousand_rows_takes_seconds_at_most() -> None:
    task, ours, theirs = pair("auc", 10_000, 15)
    start = time.process_time()
    compare(task, ours, theirs, seed=0, resamples=400)
    assert time.process_time() - start < 5
