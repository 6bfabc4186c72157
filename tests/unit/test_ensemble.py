"""Combining submissions, and the greedy choice of what to combine."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.optimizer.ensemble import combine, greedy_ensemble
from gome.state.task import Task
from gome.tools.evaluation import metrics
from gome.tools.evaluation.bootstrap import FoldPredictions, score
from gome.tools.evaluation.grading import GradingError
from tests.graded import fold, make_task, simulated, table


def combined(task: Task, values: list, weights: list[float]) -> list:
    tables = [table(task.prediction, v) for v in values]
    found = combine(task, tables, weights)
    assert list(found.columns) == ["id", *task.prediction]
    return found[task.prediction].to_numpy().tolist()


def test_numbers_are_the_weighted_mean() -> None:
    task = make_task("rmse", "regression")
    assert combined(task, [[1.0, 2.0], [4.0, 8.0]], [2, 1]) == [[2.0], [4.0]]


def test_class_probabilities_are_brought_to_one_first() -> None:
    task = make_task("log_loss", "multiclass", 3)
    found = combined(task, [[[2.0, 1.0, 1.0]], [[0.0, 0.0, 0.5]]], [1, 1])
    assert found == [pytest.approx([0.25, 0.125, 0.625])]


@pytest.mark.parametrize(
    ("weights", "expected"),
    [([1, 1, 1], ["a", "b"]), ([3, 1, 1], ["a", "b"]), ([1, 1, 3], ["b", "c"]), ([1, 2, 2], ["a", "b"])],
)
def test_labels_are_voted_for(weights: list[float], expected: list[str]) -> None:
    task = make_task("accuracy", "multiclass")
    found = combined(task, [["a", "b"], ["a", "b"], ["b", "c"]], weights)
    assert [row[0] for row in found] == expected


def test_a_tied_vote_goes_to_the_heaviest() -> None:
    task = make_task("accuracy", "multiclass")
    assert combined(task, [["a"], ["b"], ["c"], ["b"]], [1, 1, 2, 1]) == [["c"]]


def test_sets_of_labels_and_columns_of_bits_go_by_the_majority() -> None:
    words = make_task("f1_samples", "multilabel")
    assert combined(words, [["x y"], ["y z"], ["y"]], [1, 1, 1]) == [["y"]]
    bits = make_task("f1_micro", "multilabel", 3)
    assert combined(bits, [[[1, 1, 0]], [[0, 1, 1]], [[0, 1, 0]]], [1, 1, 1]) == [[0, 1, 0]]


def test_ranked_lists_are_merged_by_place() -> None:
    task = make_task("map@3", "ranking")
    assert combined(task, [["a b c"], ["b a d"], ["b c a"]], [1, 1, 1]) == [["b a c"]]


def test_boxes_are_not_merged() -> None:
    task = make_task("box_ap@0.5", "detection")
    assert combined(task, [["0 0 1 1 0.5"], ["0 0 2 2 0.9"]], [1, 2]) == [["0 0 2 2 0.9"]]


def test_rows_are_matched_by_id() -> None:
    task = make_task("mae", "regression")
    one, two = table(["y"], [1.0, 2.0], ids=["a", "b"]), table(["y"], [20.0, 10.0], ids=["b", "a"])
    found = combine(task, [one, two], [1, 1])
    assert found["id"].tolist() == ["a", "b"]
    assert found["y"].tolist() == [5.5, 11.0]
    with pytest.raises(GradingError, match="ids other than"):
        combine(task, [one, two.assign(id=["b", "c"])], [1, 1])


@pytest.mark.parametrize("weights", [[], [1], [0, 0], [1, -1]])
def test_weights_have_to_make_sense(weights: list[float]) -> None:
    task = make_task("mae", "regression")
    with pytest.raises(ValueError, match="weights"):
        combine(task, [table(["y"], [1.0])] * 2, weights)


@pytest.mark.parametrize("name", metrics.names())
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 1000), weights=st.lists(st.floats(0.1, 5), min_size=2, max_size=4))
def test_copies_of_one_submission_combine_to_itself(name: str, seed: int, weights: list[float]) -> None:
    task, answers, submission = simulated(name, 25, seed)
    found = combine(task, [submission] * len(weights), weights)
    metric = metrics.get(name)
    assert metric(answers, found, task) == pytest.approx(metric(answers, submission, task))


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 1000))
def test_the_squared_error_of_a_mean_is_at_most_the_mean_squared_error(seed: int) -> None:
    rng = np.random.default_rng(seed)
    task = make_task("mse", "regression")
    truth, one, two = rng.normal(size=(3, 30))
    mse = metrics.get("mse")
    parts = [mse(*fold(task, truth, p), task) for p in (one, two)]
    merged = combine(task, [table(["y"], one), table(["y"], two)], [1, 3])
    assert mse(table(["y"], truth), merged, task) <= (parts[0] + 3 * parts[1]) / 4 + 1e-12


def members(
    noises: dict[str, float], folds: int = 2, n: int = 400
) -> tuple[Task, dict[str, list[FoldPredictions]]]:
    """Programs whose errors are independent of each other, with the given spread."""
    rng = np.random.default_rng(0)
    task = make_task("rmse", "regression")
    truths = [rng.normal(size=n) for _ in range(folds)]
    made = {
        name: [
            fold(task, truth, truth + noise * rng.normal(size=n), ids=np.arange(n) + n * i)
            for i, truth in enumerate(truths)
        ]
        for name, noise in noises.items()
    }
    return task, made


def ensemble_score(task: Task, made: dict[str, list[FoldPredictions]], weights: dict[str, float]) -> float:
    folds = [
        (parts[0][0], combine(task, [s for _, s in parts], list(weights.values())))
        for parts in zip(*(made[name] for name in weights), strict=True)
    ]
    return score(task, folds, seed=0)["value"]


def test_equals_share_the_weight() -> None:
    task, made = members({"a": 1.0, "b": 1.0, "c": 1.0})
    weights = greedy_ensemble(task, made, seed=0)
    assert sum(weights.values()) == pytest.approx(1)
    assert set(weights) == {"a", "b", "c"}
    assert max(weights.values()) < 0.5
    assert ensemble_score(task, made, weights) < 0.65


def test_a_weaker_member_gets_a_small_weight() -> None:
    task, made = members({"good": 0.5, "weak": 1.2})
    weights = greedy_ensemble(task, made, seed=0)
    best = 1.2**2 / (0.5**2 + 1.2**2)  # inverse variances
    assert weights["good"] == pytest.approx(best, abs=0.08)
    assert ensemble_score(task, made, weights) < score(task, made["good"], seed=0)["value"]


def test_what_does_not_help_stays_out() -> None:
    task, made = members({"good": 0.2, "useless": 30.0})
    assert greedy_ensemble(task, made, seed=0) == {"good": 1.0}
    twins = {"one": made["good"], "two": made["good"]}
    assert len(greedy_ensemble(task, twins, seed=0)) == 1
    assert greedy_ensemble(task, {"only": made["useless"]}, seed=0) == {"only": 1.0}


@pytest.mark.parametrize("name", ["auc", "accuracy", "log_loss", "map@5", "f1_samples"])
def test_an_ensemble_is_never_worse_than_its_best_member_on_what_it_was_chosen_by(name: str) -> None:
    made = {}
    task, answers, _ = simulated(name, 120, 0)
    for seed, noise in enumerate((1.0, 1.2, 1.5)):
        noisy = simulated(name, 120, 0, noise=noise)[2]
        order = np.random.default_rng(seed).permutation(120)[:30]
        noisy.loc[order, task.prediction] = noisy.loc[order[::-1], task.prediction].to_numpy()
        made[f"m{seed}"] = [(answers, noisy)]
    sign = 1 if task.direction == "maximize" else -1
    weights = greedy_ensemble(task, made, seed=0)
    best = max(sign * score(task, folds, seed=0)["value"] for folds in made.values())
    assert sign * ensemble_score(task, made, weights) >= best - 1e-12
    assert weights == greedy_ensemble(task, made, seed=0)
