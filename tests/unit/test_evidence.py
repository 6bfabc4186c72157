"""Evidence: it finds the errors that were put there, finds none where there are none, and stays small."""

import json
import time
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score

from gome.tools.evaluation.evidence import evidence
from gome.tools.evaluation.row_changes import row_changes
from gome.tools.evaluation.shown_rows import example_rows
from tests.graded import fold, make_task

N = 4000


@pytest.fixture
def rng() -> np.random.Generator:
    return np.random.default_rng(0)


@pytest.fixture
def features(rng: np.random.Generator) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "id": np.arange(N),
            "size": rng.gamma(2.0, size=N),
            "rooms": rng.integers(1, 6, N),
            "town": rng.choice(["Bern", "Chur", "Genf", "Thun"], N),
            "age": np.where(rng.random(N) < 0.2, np.nan, rng.normal(size=N)),
            "sold": pd.date_range("2020-01-01", periods=N, freq="D").astype(str),
            "note": ["a few words about it, number " + str(i) for i in range(N)],
        }
    )


def regression(features: pd.DataFrame, scale: Any, rng: np.random.Generator) -> dict:
    task = make_task("rmse", "regression")
    truth = rng.normal(size=N)
    return evidence(task, [fold(task, truth, truth + scale * rng.normal(size=N))], [features])


def test_the_town_that_is_predicted_badly_is_named_first(
    features: pd.DataFrame, rng: np.random.Generator
) -> None:
    found = regression(features, np.where(features["town"] == "Chur", 2.0, 1.0), rng)
    worst = found["worst_slices"][0]
    assert (worst["column"], worst["slice"]) == ("town", "Chur")
    assert worst["rows"] == (features["town"] == "Chur").sum()
    assert worst["loss"] == pytest.approx(2.0, rel=0.1)
    assert found["pooled"] == pytest.approx(np.sqrt((3 + 4) / 4), rel=0.1)
    assert found["loss"] == "rmse"


@pytest.mark.parametrize(
    ("column", "wanted", "start"),
    [("size", lambda f: f["size"] > f["size"].quantile(0.75), "> "), ("age", lambda f: f["age"].isna(), "missing"),
     ("sold", lambda f: f["sold"] < "2022-09-01", "<= 2022-09"), ("rooms", lambda f: f["rooms"] == 3, "3")],
)  # fmt: skip
def test_ranges_times_and_missing_values_are_slices(
    features: pd.DataFrame, rng: np.random.Generator, column: str, wanted: Any, start: str
) -> None:
    found = regression(features, np.where(wanted(features), 2.0, 1.0), rng)
    worst = found["worst_slices"][0]
    assert worst["column"] == column
    assert worst["slice"].startswith(start)


def test_even_errors_have_no_worst_slices() -> None:
    seen = 0
    for seed in range(20):
        rng = np.random.default_rng(seed)
        table = pd.DataFrame(rng.normal(size=(N, 10)))
        seen += "worst_slices" in regression(table, 1.0, rng)
    assert seen <= 4  # one in twenty is expected


def test_slices_of_the_same_rows_are_named_once(features: pd.DataFrame, rng: np.random.Generator) -> None:
    bad = features["town"] == "Chur"
    twice = features.assign(city=features["town"].str.upper())
    found = regression(twice, np.where(bad, 2.0, 1.0), rng)
    assert [s["slice"].lower() for s in found["worst_slices"]].count("chur") == 1


def test_residuals_tell_a_model_that_shrinks_to_the_mean(
    features: pd.DataFrame, rng: np.random.Generator
) -> None:
    task = make_task("mae", "regression")
    truth = rng.normal(size=N)
    found = evidence(task, [fold(task, truth, 0.5 * truth)], [features])["residuals"]
    biases = [part["bias"] for part in found["bins"]]
    assert biases == sorted(biases, reverse=True)
    assert biases[0] > 0.5 > -0.5 > biases[-1]
    assert sum(part["rows"] for part in found["bins"]) == N
    assert found["bias"] == pytest.approx(0, abs=0.05)


def test_bias_by_prediction_is_not_fooled_by_regression_to_the_mean(
    features: pd.DataFrame, rng: np.random.Generator
) -> None:
    task = make_task("rmse", "regression")
    known = rng.normal(size=N)
    truth = known + rng.normal(size=N)  # no program can know the second part
    found = evidence(task, [fold(task, truth, known)], [features])["residuals"]
    assert found["bins"][0]["bias"] > 0.5
    assert max(abs(part["bias"]) for part in found["by_prediction"]) < 0.2
    shrunk = evidence(task, [fold(task, truth, 0.5 * known)], [features])["residuals"]
    assert shrunk["by_prediction"][0]["bias"] > 0.4 > -0.4 > shrunk["by_prediction"][-1]["bias"]


def test_residuals_under_a_metric_of_logarithms_are_those_of_logarithms(
    features: pd.DataFrame, rng: np.random.Generator
) -> None:
    """Twice as often too high as too low by the same factor, and yet too low in the target's own units."""
    task = make_task("rmsle", "regression")
    known = np.exp(rng.normal(12, 1, size=N))
    noise = rng.choice([-1.0, 0.5], size=N, p=[1 / 3, 2 / 3])
    found = evidence(task, [fold(task, np.expm1(np.log1p(known) - noise), known)], [features])["residuals"]
    assert found["scale"] == "log1p"
    assert found["bias"] == pytest.approx(noise.mean(), abs=1e-4)
    assert found["rmse"] == pytest.approx(np.sqrt((noise**2).mean()), abs=1e-3)
    assert max(abs(part["bias"]) for part in found["by_prediction"]) < 0.3
    assert found["by_prediction"][-1]["to"] == pytest.approx(known.max(), rel=1e-3)
    assert (
        "scale"
        not in evidence(make_task("rmse", "regression"), [fold(task, known, known)], [features])["residuals"]
    )


def test_no_row_of_the_locked_part_is_shown(features: pd.DataFrame, rng: np.random.Generator) -> None:
    """Its rows count in all figures; the worst of the others stand in their place."""
    task, error = make_task("rmse", "regression"), np.arange(N, dtype=float)
    folds = [fold(task, np.zeros(N), error)]
    unshown = np.arange(N) >= N - 2
    all_rows, rest = (evidence(task, folds, [features], unshown=part) for part in (None, unshown))
    assert [row["row"]["id"] for row in all_rows["worst_rows"]] == [N - 1, N - 2, N - 3]
    assert [row["row"]["id"] for row in rest["worst_rows"]] == [N - 3, N - 4, N - 5]
    assert {**all_rows, "worst_rows": []} == {**rest, "worst_rows": []}


def test_of_several_targets_the_worst_is_shown(features: pd.DataFrame, rng: np.random.Generator) -> None:
    task = make_task("rmse", "regression", 3)
    truth = rng.normal(size=(N, 3)) * [1, 100, 1]
    predicted = truth + rng.normal(size=(N, 3)) * [0.1, 5, 0.8]
    assert evidence(task, [fold(task, truth, predicted)], [features])["residuals"]["target"] == "y2"


def test_confused_classes_are_counted(features: pd.DataFrame, rng: np.random.Generator) -> None:
    task = make_task("f1_macro", "multiclass")
    truth = rng.choice(list("abc"), N)
    predicted = np.where((truth == "a") & (rng.random(N) < 0.3), "c", truth)
    found = evidence(task, [fold(task, truth, predicted)], [features])
    assert len(found["confusion"]) == 1
    pair = found["confusion"][0]
    assert (pair["true"], pair["predicted"]) == ("a", "c")
    assert pair["rows"] == ((truth == "a") & (predicted == "c")).sum()
    assert pair["share"] == pytest.approx(0.3, abs=0.05)
    assert found["loss"] == "accuracy"


def test_calibration_tells_overconfidence(features: pd.DataFrame, rng: np.random.Generator) -> None:
    task = make_task("auc", "binary")
    chance = rng.random(N)
    yes = rng.random(N) < 0.5 + 0.4 * (chance - 0.5)
    found = evidence(task, [fold(task, yes.astype(int), chance)], [features])
    low, high = found["calibration"][0], found["calibration"][-1]
    assert low["predicted"] < low["observed"]
    assert high["predicted"] > high["observed"]


def test_folds_are_taken_together_and_the_order_of_rows_does_not_matter(
    features: pd.DataFrame, rng: np.random.Generator
) -> None:
    task = make_task("rmse", "regression")
    truth = rng.normal(size=N)
    answers, submission = fold(
        task, truth, truth + np.where(features["town"] == "Bern", 2, 1) * rng.normal(size=N)
    )
    whole = evidence(task, [(answers, submission)], [features])
    halves = [
        (answers[:2000], submission[:2000].sample(frac=1, random_state=0)),
        (answers[2000:], submission[2000:]),
    ]
    assert evidence(task, halves, [features[:2000], features[2000:]]) == whole


@pytest.mark.parametrize(
    ("metric", "problem", "truth", "predicted"),
    [
        ("map@3", "ranking", ["a"] * 50, ["a b"] * 50),
        ("f1_samples", "multilabel", ["a"] * 50, ["a b"] * 50),
        ("log_loss", "multiclass", list("abcab") * 10, np.full((50, 3), 1 / 3)),
        ("qwk", "binary", [0, 1] * 25, [1, 1] * 25),
        ("spearman", "regression", np.arange(50.0), np.ones(50)),
        ("gini", "binary", [0, 1] * 25, np.linspace(-3, 9, 50)),
    ],
)
def test_every_form_of_prediction_gives_plain_json(
    metric: str, problem: Any, truth: Any, predicted: Any
) -> None:
    task = make_task(metric, problem, np.reshape(predicted, (50, -1)).shape[1])
    found = evidence(task, [fold(task, truth, predicted)], [pd.DataFrame({"x": range(50)})])
    assert json.loads(json.dumps(found, allow_nan=False)) == found


def test_fifty_thousand_rows_and_eighty_columns_take_seconds_and_give_few_bytes() -> None:
    rng = np.random.default_rng(1)
    n = 50_000
    table = pd.DataFrame(
        rng.normal(size=(n, 60)), columns=[f"a column with a long name {i}" for i in range(60)]
    )
    for i in range(20):
        table[f"word {i}"] = rng.choice([f"a category with a long name {c}" for c in "abcdefgh"], n)
    bad = sum((table[f"word {i}"].str.endswith("a")).astype(int) for i in range(8))
    classes = [f"a class with a long name {i}" for i in range(8)]
    task = make_task("accuracy", "multiclass", classes=classes)
    truth = rng.choice(classes, n)
    predicted = np.where(rng.random(n) < 0.1 + 0.1 * bad, rng.choice(classes, n), truth)
    start = time.process_time()
    found = evidence(task, [fold(task, truth, predicted)], [table])
    assert time.process_time() - start < 4
    assert len(found["worst_slices"]) == 6
    assert len(found["confusion"]) == 6
    assert len(json.dumps(found["worst_rows"])) < 3 * 1600
    assert len(json.dumps({**found, "worst_rows": []})) < 2500


def test_the_worst_rows_are_shown_whole_with_what_was_predicted(rng: np.random.Generator) -> None:
    task = make_task("rmse", "regression")
    truth = np.zeros(60)
    error = np.linspace(0, 1, 60)
    error[[7, 20, 41]] = [-9.0, 5.0, 7.0]
    text = [f"review {i}: " + "word " * 200 for i in range(60)]
    features = pd.DataFrame({"id": range(60), "text": text, "stars": np.where(np.arange(60) == 7, np.nan, 3)})
    found = evidence(task, [fold(task, truth, truth + error)], [features])
    rows = found["worst_rows"]
    assert [row["row"]["id"] for row in rows] == [7, 41, 20]
    assert [row["loss"] for row in rows] == [9, 7, 5]
    assert [(row["truth"], row["predicted"]) for row in rows[:2]] == [
        ({"y": 0}, {"y": -9}),
        ({"y": 0}, {"y": 7}),
    ]
    assert "stars" not in rows[0]["row"]
    assert rows[1]["row"]["stars"] == 3
    assert rows[0]["row"]["text"].startswith("review 7: word word")
    assert rows[0]["row"]["text"].endswith(f"[... {len(text[7])} characters]")


def test_the_rows_that_were_worst_are_followed_into_another_program() -> None:
    task = make_task("rmse", "regression")
    truth, before, after = np.arange(40.0), np.arange(40.0), np.arange(40.0)
    before[[7, 20, 31]] += [9, -7, 5]
    after[[7, 20, 31, 3]] += [1, -8, 5, 30]
    halves = (slice(0, 20), slice(20, 40))

    def folds(predicted: np.ndarray) -> list:
        return [fold(task, truth[half], predicted[half], np.arange(40)[half]) for half in halves]

    tables = [pd.DataFrame({"size": np.arange(40)[half] * 10}) for half in halves]
    found = row_changes(task, folds(before), folds(after), tables, cells=True)
    assert found is not None
    assert [(r["row"], r["truth"]["y"], r["predicted"]["y"], r["after"]["y"]) for r in found["rows"]] == [
        ({"id": 7, "size": 70}, 7, 16, 8),
        ({"id": 20, "size": 200}, 20, 13, 12),
        ({"id": 31, "size": 310}, 31, 36, 36),
    ]
    assert [(r["loss"], r["loss_after"], r["change"]) for r in found["rows"]] == [
        (9, 1, "better"),
        (7, 8, "worse"),
        (5, 5, "same"),
    ]
    bare = row_changes(task, folds(before), folds(after), tables, cells=False)
    assert bare is not None
    assert all(r["row"] == r["truth"] == r["predicted"] == r["after"] == {} for r in bare["rows"])
    assert [r["loss_after"] for r in bare["rows"]] == [1, 8, 5]


def test_of_two_forms_of_prediction_no_rows_are_followed() -> None:
    task = make_task("accuracy", "binary")
    truth = np.array([0, 1] * 10)
    chances = [fold(task, truth, np.full(20, 0.4))]
    labels = [fold(task, truth, truth)]
    table = [pd.DataFrame({"x": range(20)})]
    wrong = [fold(task, truth, 1 - truth)]
    mended = row_changes(task, wrong, labels, table, cells=True)
    assert mended is not None
    assert {r["change"] for r in mended["rows"]} == {"better"}
    assert row_changes(task, wrong, chances, table, cells=True) is None
    assert row_changes(task, labels, labels, table, cells=True) is None, "no row is wrong"


def test_a_row_that_folds_grade_twice_is_shown_once() -> None:
    task = make_task("mae", "regression")
    one = fold(task, np.zeros(30), np.where(np.arange(30) == 3, 8, 0))
    two = fold(task, np.zeros(30), np.where(np.arange(30) == 3, 9, np.where(np.arange(30) == 5, 2, 0)))
    rows = evidence(task, [one, two], [pd.DataFrame({"x": range(30)})] * 2)["worst_rows"]
    assert [(row["row"]["id"], row["loss"]) for row in rows[:2]] == [(3, 9), (5, 2)]
    assert len(rows) == 2  # the others are met exactly


def test_of_many_classes_the_likeliest_are_shown(rng: np.random.Generator) -> None:
    names = [f"c{i:02}" for i in range(30)]
    task = make_task("log_loss", "multiclass", names, classes=names)
    chance = np.full((40, 30), 0.01)
    chance[:, 2] = 0.71
    truth = np.array(["c02"] * 39 + ["c29"])
    (worst, *_) = evidence(task, [fold(task, truth, chance)], [pd.DataFrame({"x": range(40)})])["worst_rows"]
    assert worst["truth"] == {"y": "c29"}
    assert worst["loss"] == pytest.approx(-np.log(0.01), rel=0.01)
    assert next(iter(worst["predicted"].items())) == ("c02", 0.71)
    assert len(worst["predicted"]) == 6


def test_shares_above_and_below_tell_what_a_mean_hides(rng: np.random.Generator) -> None:
    task = make_task("mae", "regression")
    truth = rng.exponential(size=N)
    predicted = np.full(
        N, truth.mean()
    )  # no bias, and yet not the best for absolute errors: that is the median
    found = evidence(task, [fold(task, truth, predicted)], [pd.DataFrame({"x": range(N)})])["residuals"]
    assert found["bias"] == pytest.approx(0, abs=1e-3)
    assert found["too_low"] == pytest.approx((truth > truth.mean()).mean(), abs=1e-4)
    assert found["too_low"] < 0.4
    met = evidence(task, [fold(task, truth, truth)], [pd.DataFrame({"x": range(N)})])["residuals"]
    assert {part["too_low"] for part in met["bins"]} == {0.5}


def test_examples_go_from_the_lowest_target_to_the_highest() -> None:
    task = make_task("rmse", "regression")
    answers, _ = fold(task, np.array([5.0, 1, 4, 2, 3, 0]), np.zeros(6))
    rows = example_rows(task, answers, pd.DataFrame({"id": range(6), "size": list("abcdef")}))
    assert [row["truth"]["y"] for row in rows] == [1, 3, 5]
    assert [row["row"]["size"] for row in rows] == ["b", "e", "a"]
    labels, _ = fold(make_task("accuracy", "multiclass"), list("cabbab"), list("aaaaaa"))
    assert [row["truth"]["y"] for row in example_rows(task, labels, pd.DataFrame(index=range(6)))] == [
        "a",
        "b",
        "c",
    ]


def test_under_auc_rows_are_judged_by_the_pairs_that_stand_the_wrong_way(features: pd.DataFrame) -> None:
    """Two folds with scores on scales of their own: only what stands in a row's own fold counts."""
    task = make_task("auc", "binary")
    truth, score = np.array([1, 1, 0, 0, 0]), np.array([0.9, 0.3, 0.5, 0.3, 0.1])
    small = fold(task, truth, score / 10, ids=[5, 6, 7, 8, 9])
    found = evidence(task, [fold(task, truth, score), small], [pd.DataFrame(index=range(5))] * 2)
    assert found["loss"] == "discordant"
    # of three negatives one stands above the second positive and one beside it: 1.5 / 3; of two positives one stands
    # below the first negative: 1 / 2
    assert [(row["row"]["id"], row["loss"]) for row in found["worst_rows"]] == [(1, 0.5), (2, 0.5), (6, 0.5)]
    even = fold(task, np.tile([0, 1], 2000), np.random.default_rng(0).random(N))
    assert evidence(task, [even], [features])["pooled"] == pytest.approx(
        1 - roc_auc_score(*_sides(even)), abs=1e-3
    )


def _sides(part: tuple[pd.DataFrame, pd.DataFrame]) -> tuple[np.ndarray, np.ndarray]:
    return tuple(table.iloc[:, 1].to_numpy(dtype=float) for table in part)  # type: ignore[return-value]


def test_under_auc_the_town_whose_rows_stand_the_wrong_way_is_named(
    features: pd.DataFrame, rng: np.random.Generator
) -> None:
    truth = rng.random(N) < 0.5
    blind = features["town"] == "Chur"
    score = np.where(blind, rng.random(N), 0.2 * rng.random(N) + 0.7 * truth)
    task = make_task("auc", "binary")
    worst = evidence(task, [fold(task, truth.astype(int), score)], [features])["worst_slices"][0]
    assert (worst["column"], worst["slice"]) == ("town", "Chur")


def test_under_accuracy_only_wrong_rows_are_shown_one_for_each_confusion() -> None:
    task = make_task("accuracy", "multiclass")
    truth, predicted = list("aaaabbbcc"), list("abbbbbacc")
    rows = evidence(task, [fold(task, truth, predicted)], [pd.DataFrame(index=range(9))])["worst_rows"]
    assert [(row["row"]["id"], row["truth"]["y"], row["predicted"]["y"]) for row in rows] == [
        (1, "a", "b"),
        (6, "b", "a"),
        (2, "a", "b"),
    ]
    right = evidence(task, [fold(task, truth, truth)], [pd.DataFrame(index=range(9))])
    assert "worst_rows" not in right


def test_under_a_rank_correlation_rows_are_judged_by_their_places() -> None:
    task = make_task("spearman", "regression")
    truth = np.arange(10.0)
    predicted = np.exp(truth)  # the same order, far from the values
    assert "worst_rows" not in evidence(task, [fold(task, truth, predicted)], [pd.DataFrame(index=range(10))])
    swapped = predicted[[9, 1, 2, 3, 4, 5, 6, 7, 8, 0]]
    found = evidence(task, [fold(task, truth, swapped)], [pd.DataFrame(index=range(10))])
    assert [(row["row"]["id"], row["loss"]) for row in found["worst_rows"]] == [(0, 0.9), (9, 0.9)]
