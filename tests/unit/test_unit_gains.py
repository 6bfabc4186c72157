"""What single units gain: held against the metric itself, computed without each of them."""

from collections.abc import Callable

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import mean_squared_error, roc_auc_score

from gome.state.task import Task
from gome.tools.evaluation.bootstrap import FoldPredictions, compare
from gome.tools.evaluation.unit_gains import PairedUnits, UnitGains
from tests.graded import fold, make_task, simulated

Sides = tuple[list[FoldPredictions], list[FoldPredictions]]


def two_folds(metric: str, n: int = 40) -> tuple[Task, Sides]:
    ours: list[FoldPredictions] = []
    theirs: list[FoldPredictions] = []
    for k in range(2):
        task, answers, good = simulated(metric, n, k, noise=0.8)
        _, _, bad = simulated(metric, n, k, noise=1.6)
        ids = {"id": np.arange(n) + 1000 * k}
        ours.append((answers.assign(**ids), good.assign(**ids)))
        theirs.append((answers.assign(**ids), bad.assign(**ids)))
    return task, (ours, theirs)


def of(task: Task, sides: Sides, folds: int = 2) -> UnitGains:
    found = PairedUnits(task, sides[0], seed=0).of(sides[1][:folds])
    assert found is not None
    return found


def test_of_a_mean_over_rows_they_are_the_rows_own_gains() -> None:
    task, sides = two_folds("mae")
    losses = [np.abs(answers["y"] - predicted["y"]) for (answers, predicted) in (sides[0][0], sides[1][0])]
    found = of(task, sides, folds=1)
    assert found.gains == pytest.approx(losses[0] - losses[1])
    assert found.whole_room is not None
    assert len(found.gains) == 40
    assert len(found.whole_room) == 80
    assert found.room is not None
    assert found.room == pytest.approx(losses[0])


@pytest.mark.parametrize(
    ("metric", "value"),
    [
        ("auc", lambda y, p: float(roc_auc_score(y, p))),
        ("rmse", lambda y, p: -float(np.sqrt(mean_squared_error(y, p)))),
    ],
)
def test_of_others_they_tell_what_the_gain_on_a_fold_is_without_a_row(
    metric: str, value: Callable[[pd.Series, pd.Series], float]
) -> None:
    task, sides = two_folds(metric)

    def gain(k: int, kept: np.ndarray) -> float:
        mine, yours = (
            value(answers["y"][kept].astype(float), predicted["y"][kept])
            for answers, predicted in (sides[0][k], sides[1][k])
        )
        return yours - mine

    rows, expected = np.arange(40), []
    for k in range(2):
        whole, without = gain(k, rows), np.array([gain(k, rows[rows != row]) for row in rows])
        pseudo = 40 * whole - 39 * without
        expected.append(pseudo - pseudo.mean() + whole)
    assert of(task, sides).gains == pytest.approx(np.concatenate(expected))


def test_folds_of_unequal_size_count_alike_as_in_the_score() -> None:
    task, (ours, theirs) = two_folds("mae")
    (answers, mine), (_, yours) = ours[1], theirs[1]
    ours[1], theirs[1] = (answers[:10], mine[:10]), (answers[:10], yours[:10])
    assert of(task, (ours, theirs)).gains.mean() == pytest.approx(compare(task, ours, theirs, seed=0)["gain"])


def test_a_row_that_is_predicted_alike_has_gained_nothing_at_all() -> None:
    task = make_task("accuracy", "multiclass")
    rng = np.random.default_rng(0)
    truth, said = rng.choice(["a", "b", "c"], (2, 90))
    other = said.copy()
    other[:4] = ["a", "b", "c", "a"]
    found = of(task, ([fold(task, truth, said)], [fold(task, truth, other)]), folds=1)
    assert (found.gains != 0).tolist() == ((other == truth) != (said == truth)).tolist()


def test_a_row_in_several_folds_is_one_unit_and_so_is_a_group() -> None:
    task, (ours, theirs) = two_folds("mae")
    same = [
        [(a.assign(id=np.arange(40)), p.assign(id=np.arange(40))) for a, p in side] for side in (ours, theirs)
    ]
    assert len(of(task, (same[0], same[1])).gains) == 40
    grouped = task.model_copy(update={"group": "who"})
    who = np.repeat(np.arange(8), 5)
    sides = [[(a.assign(who=who), p) for a, p in side[:1]] for side in (ours, theirs)]
    found = of(grouped, (sides[0], sides[1]), folds=1)
    answers, (mine, yours) = ours[0][0], (ours[0][1], theirs[0][1])
    rows = np.abs(answers["y"] - mine["y"]) - np.abs(answers["y"] - yours["y"])
    assert found.gains == pytest.approx(rows.groupby(who).mean().to_numpy())


def test_many_rows_are_put_together_within_folds_and_the_noise_is_the_same() -> None:
    task = make_task("mae", "regression")
    rng, ours, theirs = np.random.default_rng(0), [], []
    for k in range(2):
        ids, truth = np.arange(3000) + 10_000 * k, rng.normal(size=3000)
        for side in (ours, theirs):
            side.append(fold(task, truth, truth + rng.normal(size=3000), ids))
    found = of(task, (ours, theirs))
    assert len(found.gains) == 1000
    stderr = compare(task, ours, theirs, seed=0)["stderr"]
    assert found.gains.std() / np.sqrt(1000) == pytest.approx(stderr, rel=0.15)
    assert len(of(task, (ours, theirs), folds=1).gains) == 500


def test_a_median_has_the_noise_that_the_bootstrap_finds() -> None:
    """Without a row it hardly moves, or jumps: the jackknife alone is wrong."""
    task, (ours, theirs) = two_folds("medae", 60)
    found = of(task, (ours, theirs))
    stderr = compare(task, ours, theirs, seed=0, resamples=200)["stderr"]
    assert found.gains.std() / np.sqrt(len(found.gains)) >= 0.99 * stderr


def test_where_the_metric_needs_each_of_the_rows_nothing_is_told() -> None:
    task = make_task("auc", "binary")
    answers = pd.DataFrame({"id": range(6), "y": ["1", "0", "0", "0", "0", "0"]})
    sides = [
        [(answers, pd.DataFrame({"id": range(6), "y": p}))] for p in (np.arange(6.0), np.arange(6.0)[::-1])
    ]
    assert PairedUnits(task, sides[0], seed=0).of(sides[1]) is None
