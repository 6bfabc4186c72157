"""Weighted, grouped and joint metrics: against scikit-learn, SciPy, and values worked out by hand."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats
from sklearn import metrics as sk

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.splits import plan_splits
from gome.tools.data.table_inputs import TableInputs
from gome.tools.data.task_folder import load_task
from gome.tools.evaluation import metrics
from gome.tools.evaluation.bootstrap import score
from gome.tools.evaluation.grading import GradingError
from gome.tools.evaluation.naive import best_constant, naive_scores
from tests.graded import fold, make_task, table, value

RNG = np.random.default_rng(11)
BITS = (RNG.random((120, 4)) < 0.3).astype(int)
CHANCES = np.clip(0.3 * BITS + 0.7 * RNG.random((120, 4)), 0.01, 0.99).round(1)  # rounded: many are tied


def graded(
    metric: str, truth: object, predicted: object, problem: str = "binary", **columns: object
) -> float:
    task = make_task(metric, problem)  # type: ignore[arg-type]
    answers, submission = fold(task, truth, predicted)
    return metrics.get(metric)(answers.assign(**columns), submission, task)


def test_the_auc_of_groups_is_the_mean_over_those_that_have_both_classes() -> None:
    group = RNG.choice(["a", "b", "c"], 120)
    yes = np.where(group == "c", 1, BITS[:, 0])
    each = [sk.roc_auc_score(yes[group == g], CHANCES[group == g, 0]) for g in "ab"]
    assert graded("group_auc@user", yes, CHANCES[:, 0], user=group) == pytest.approx(np.mean(each))
    with pytest.raises(GradingError, match="no group has both classes"):
        graded("group_auc@user", [1, 0], [0.5, 0.6], user=["a", "b"])


def test_lwlrap_is_the_label_ranking_of_scikit_learn_weighted_by_labels() -> None:
    expected = sk.label_ranking_average_precision_score(BITS, CHANCES, sample_weight=BITS.sum(axis=1))
    assert value(make_task("lwlrap", "multilabel", 4), BITS, CHANCES) == pytest.approx(expected)
    by_hand = (1 / 2 + 2 / 3 + 1 / 1) / 3  # places 2 and 3 of one row, place 1 of the other
    assert value(
        make_task("lwlrap", "multilabel", 3), [[0, 1, 1], [1, 0, 0]], [[0.9, 0.5, 0.1], [0.9, 0.5, 0.1]]
    ) == pytest.approx(by_hand)


def test_probabilistic_f1_is_f1_of_labels_and_counts_shares() -> None:
    hard = (CHANCES[:, 0] > 0.5).astype(float)
    assert graded("pf1", BITS[:, 0], hard) == pytest.approx(sk.f1_score(BITS[:, 0], hard))
    # true 0.8 + 0.4 of 2 positives, false 0.3: precision 1.2 / 1.5, recall 1.2 / 2
    assert graded("pf1", [1, 1, 0], [0.8, 0.4, 0.3]) == pytest.approx(2 * 0.8 * 0.6 / 1.4)


def test_weighted_auc_counts_bands_of_the_true_positive_rate() -> None:
    yes, chance = BITS[:, 0], CHANCES[:, 0]
    assert graded("weighted_auc@1=3", yes, chance) == pytest.approx(sk.roc_auc_score(yes, chance))
    # the curve: up to 0.5 at alarms 0, up to 1 at alarms 0.5; band below 0.4: 0.4, above: 0.1 + 0.5 * 0.5
    assert graded("weighted_auc@0.4=2,1=1", [1, 0, 1, 0], [0.9, 0.8, 0.7, 0.6]) == pytest.approx(1.15 / 1.4)
    alarms, hits, _ = sk.roc_curve(yes, chance, drop_intermediate=False)
    at = np.linspace(0, 1, 200_001)
    curve = np.interp(at, alarms, hits)
    below, above = (np.clip(curve, 0, 0.4)).mean(), (np.clip(curve, 0.4, 1) - 0.4).mean()
    assert graded("weighted_auc@0.4=2,1=1", yes, chance) == pytest.approx((2 * below + above) / 1.4, abs=1e-4)


def test_log_loss_with_weights_of_columns_rows_and_classes() -> None:
    losses = [sk.log_loss(BITS[:, c], CHANCES[:, c]) for c in range(2)]
    task = make_task("weighted_log_loss@2, 1", "multilabel", 2)
    assert value(task, BITS[:, :2], CHANCES[:, :2]) == pytest.approx((2 * losses[0] + losses[1]) / 3)
    yes, chance, weight = BITS[:, 0], CHANCES[:, 0], RNG.integers(0, 4, 120)
    by_row = graded("weighted_log_loss@how much", yes, chance, **{"how much": weight})
    assert by_row == pytest.approx(sk.log_loss(yes, chance, sample_weight=weight))
    balance = np.where(yes == 1, 1 / yes.sum(), 1 / (1 - yes).sum())
    expected = sk.log_loss(yes, chance, sample_weight=balance)
    assert graded("balanced_log_loss", yes, chance) == pytest.approx(expected)
    assert graded("balanced_log_loss@1,3", yes, chance) == pytest.approx(
        sk.log_loss(yes, chance, sample_weight=balance * np.where(yes == 1, 3, 1))
    )
    code, spread = RNG.integers(0, 3, 90), RNG.dirichlet([1, 1, 1], 90)
    task = make_task("balanced_log_loss@1,2,1", "multiclass", 3)
    weights = (np.array([1, 2, 1]) / np.bincount(code))[code]
    assert value(task, np.array(["a", "b", "c"])[code], spread) == pytest.approx(
        sk.log_loss(code, spread, sample_weight=weights)
    )


def test_bias_auc_is_a_quarter_each_of_four_areas() -> None:
    yes, chance, inside = BITS[:, 0].astype(bool), CHANCES[:, 0], BITS[:, 1:3].astype(bool)

    def power_mean(parts: list[np.ndarray]) -> float:
        areas = [sk.roc_auc_score(yes[rows], chance[rows]) for rows in parts]
        return float(np.mean(np.array(areas) ** -5.0) ** (-1 / 5))

    within = power_mean(list(inside.T))
    own_negatives = power_mean([(g & ~yes) | (~g & yes) for g in inside.T])
    own_positives = power_mean([(g & yes) | (~g & ~yes) for g in inside.T])
    expected = (sk.roc_auc_score(yes, chance) + within + own_negatives + own_positives) / 4
    cells = {"a": np.where(inside[:, 0], 0.5, np.nan), "b": inside[:, 1].astype(float)}  # empty is outside
    assert graded("bias_auc@a, b", yes.astype(int), chance, **cells) == pytest.approx(expected)
    shares = np.where(yes, 0.5, 0.49)
    assert graded("bias_auc@a,b", shares, chance, "regression", **cells) == pytest.approx(expected)


def test_log_mae_is_averaged_over_groups() -> None:
    truth, predicted = [0.0, 0.0, 0.0], [1.0, -1.0, np.e]
    assert graded(
        "log_mae@the type", truth, predicted, "regression", **{"the type": ["a", "a", "b"]}
    ) == pytest.approx(0.5)
    assert graded("log_mae", truth, predicted, "regression") == pytest.approx(np.log((2 + np.e) / 3))
    assert graded("log_mae", truth, truth, "regression") == pytest.approx(-20.7232658)


def test_laplace_bounds_the_spread_and_the_error() -> None:
    task = make_task("laplace", "regression", ["y", "spread"], target=["y"])
    for predicted, expected in (
        ([2000, 70], -4.5950688),  # -log(70 * sqrt(2))
        ([2000, 0], -4.5950688),
        ([2100, 100], -np.sqrt(2) - np.log(100 * np.sqrt(2))),
        ([9000, 200], -5 * np.sqrt(2) - np.log(200 * np.sqrt(2))),
    ):
        assert value(task, [2000.0], [predicted]) == pytest.approx(expected)
    swapped = make_task("laplace", "regression", ["spread", "y"], target=["y"])
    assert value(swapped, [2000.0], [[100, 2100]]) == pytest.approx(-np.sqrt(2) - np.log(100 * np.sqrt(2)))


def test_divergence_is_that_of_scipy_whatever_rows_sum_to() -> None:
    votes, guess = RNG.integers(1, 9, (50, 3)).astype(float), RNG.random((50, 3)) + 0.01
    votes[0] = [5, 0, 0]
    task = make_task("kl_divergence", "regression", 3)
    assert value(task, votes, guess) == pytest.approx(stats.entropy(votes, guess, axis=1).mean())
    with pytest.raises(GradingError, match="predictions hold numbers below 0"):
        value(task, votes, guess - 1)


@pytest.mark.parametrize(
    ("truth", "predicted", "expected"),
    [
        ([0.0, np.pi / 2], [np.pi / 2, np.pi / 2], np.pi / 2),
        ([0.0, np.pi / 2], [np.pi, np.pi / 2], np.pi),
        ([0.0, 0.0], [3.0, 0.0], 0.0),  # at the pole azimuth says nothing
        ([0.1, 1.0], [0.1 + 2 * np.pi, 1.0], 0.0),
        ([0.0, 0.3], [0.0, 1.0], 0.7),
    ],
)
def test_angles(truth: list[float], predicted: list[float], expected: float) -> None:
    assert value(make_task("angular_error", "regression", 2), [truth], [predicted]) == pytest.approx(
        expected, abs=1e-12
    )
    named = make_task("angular_error", "regression", ["zenith", "azimuth"], target=["zenith", "azimuth"])
    assert value(named, [truth[::-1]], [predicted[::-1]]) == pytest.approx(expected, abs=1e-12)


def test_kendall_by_hand() -> None:
    task = make_task("kendall", "regression")
    assert value(task, [1, 2, 3, 4], [1, 3, 2, 4]) == pytest.approx(
        4 / 6
    )  # one of six pairs is turned around
    assert value(task, [1, 1, 2, 3], [1, 2, 3, 3]) == pytest.approx(4 / 5)  # a tie on either side: tau-b
    both = make_task("mean_columnwise(kendall)", "regression", 2)
    assert value(both, [[1, 1], [2, 2], [3, 3]], [[1, 3], [2, 2], [3, 1]]) == pytest.approx(0.0)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("mean_columnwise(auc)", "auc"),
        ("Mean column-wise log loss", "log_loss"),
        ("columnwise RMSE", "rmse"),
        ("mean column-wise root mean squared error", "rmse"),
        ("mean_columnwise(pinball@0.9)", "pinball@0.9"),
    ],
)
def test_a_mean_over_columns_is_asked_for_in_one_way(name: str, found: str) -> None:
    assert metrics.get(name).name == found


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("mean_columnwise(accuracy)", "has no mean over columns"),
        ("mean_columnwise(nothing)", "unknown metric"),
        ("weighted_auc", "as in weighted_auc@0.4=2,1=1"),
        ("weighted_auc@0.4=2,0.3=1", "rates that rise to 1"),
        ("weighted_log_loss", "as in weighted_log_loss@2,1,1"),
        ("balanced_log_loss@much", "a weight for each class"),
        ("bias_auc", "columns of groups"),
        ("laplace@-1,5", "as in laplace@70,1000"),
    ],
)
def test_what_stands_after_the_at_is_checked(name: str, said: str) -> None:
    with pytest.raises(GomeError, match=said):
        metrics.get(name)


def coupling_task(folder: Path, **keys: str) -> None:
    """Numbers of three types; the type is in train alone."""
    rng, n = np.random.default_rng(0), 90
    train = pd.DataFrame({"id": range(n), "x": rng.random(n), "kind of pair": list("abc") * 30})
    train["y"] = train["x"] * train["kind of pair"].map({"a": 1.0, "b": 10.0, "c": 100.0})
    train.to_csv(folder / "train.csv", index=False)
    pd.DataFrame({"id": [900, 901], "x": [0.1, 0.2]}).to_csv(folder / "test.csv", index=False)
    pd.DataFrame({"id": [900, 901], "y": 0.0}).to_csv(folder / "sample_submission.csv", index=False)
    lines = {"metric": "log_mae@kind of pair", "target": "y", **keys}
    (folder / "task.yaml").write_text("\n".join(f"{k}: {v}" for k, v in lines.items()))


def loaded(folder: Path) -> tuple[Task, TableInputs]:
    task = load_task(folder)
    run = folder.parent / "run"
    run.mkdir()
    train = pd.read_csv(folder / "train.csv")
    return task, TableInputs(run, task, plan_splits(train, task, seed=0))


def test_a_column_that_the_metric_needs_is_in_the_answers_and_in_no_graded_row(tmp_path: Path) -> None:
    folder = tmp_path / "task"
    folder.mkdir()
    coupling_task(folder)
    task, inputs = loaded(folder)
    assert (task.metric, task.metric_columns) == ("log_mae@kind of pair", ["kind of pair"])
    answers = inputs.answers("search", 0)
    assert list(answers.columns) == ["id", "y", "kind of pair"]
    given = pd.read_csv(inputs.input_dir("search", 0) / "test.csv")
    assert "kind of pair" not in given.columns
    submission = answers[["id", "y"]].assign(
        y=answers["y"] + answers["kind of pair"].map({"a": 1, "b": 2, "c": 3})
    )
    expected = np.log([1, 2, 3]).mean()
    assert score(task, [(answers, submission)], seed=0)["value"] == pytest.approx(expected)
    naive = naive_scores(task, inputs, seed=0)
    assert naive["search"] is not None
    assert naive["search"]["value"] > expected


def test_a_column_that_the_metric_needs_has_to_be_there(tmp_path: Path) -> None:
    coupling_task(tmp_path, metric="log_mae@kind of par")
    with pytest.raises(
        GomeError, match="needs the column 'kind of par', which is not there; nearest: kind of pair"
    ):
        load_task(tmp_path)


def test_the_naive_spread_is_that_of_the_target() -> None:
    task = make_task("laplace", "regression", ["y", "spread"], target=["y"])
    labels = pd.DataFrame({"y": [1000.0, 2000.0, 3000.0, 4000.0, 9000.0]})
    constant = best_constant(task, labels)
    assert constant.values["spread"] == pytest.approx(
        np.sqrt(2) * np.abs(labels["y"] - constant.values["y"]).mean()
    )
    plain = table(["y", "spread"], [[3000.0, 70.0]] * 5)
    answers = labels.assign(id=range(5))
    metric = metrics.get("laplace")
    assert metric(answers, constant.submission(answers[["id"]]), task) > metric(answers, plain, task)
