"""The estimators by scikit-learn's own checks: those that need no run, here; and why some of the others cannot hold.

Every fit is a run, seconds long, so the checks that fit are not made at each change. `python -m
tests.unit.test_estimators` makes them all, by a quick program, in a quarter of an hour.
"""

import sys
import tempfile
from typing import Any

import numpy as np
import pandas as pd
import pytest
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import estimator_checks_generator

from gome import GomeClassifier, GomeRegressor
from tests.scripted import player

FEW_ROWS = "fits fewer than 20 rows: a run holds rows back"
CANNOT = {
    "check_n_features_in_after_fitting": FEW_ROWS,
    "check_regressors_no_decision_function": FEW_ROWS,
    "check_fit2d_1feature": FEW_ROWS,
    "check_classifier_data_not_an_array": FEW_ROWS,
    "check_classifiers_one_label": FEW_ROWS,
}
"""Checks that cannot hold, and why."""
NO_FIT = {
    "check_estimator_cloneable",
    "check_estimator_tags_renamed",
    "check_valid_tag_types",
    "check_estimator_repr",
    "check_no_attributes_set_in_init",
    "check_estimators_unfitted",
    "check_do_not_raise_errors_in_init_or_set_param",
    "check_mixin_order",
    "check_complex_data",
    "check_estimators_empty_data_messages",
    "check_estimator_sparse_tag",
    "check_estimator_sparse_array",
    "check_estimator_sparse_matrix",
    "check_estimators_partial_fit_n_features",
    "check_supervised_y_no_nan",
    "check_non_transformer_estimators_n_iter",
    "check_parameters_default_constructible",
    "check_fit2d_1sample",
    "check_get_params_invariance",
    "check_set_params",
    "check_fit1d",
    "check_requires_y_none",
    "check_classifiers_regression_target",
}
"""Checks that need no run: the estimator refuses what it is given, or is not fitted at all."""
NEAREST = """\
import csv

import pyarrow.parquet as parquet

def number(cell):
    try:
        return float(cell)
    except (TypeError, ValueError):
        return 0.0

train, test, sample = (
    parquet.read_table(f"input/{name}.parquet") for name in ("train", "test", "sample_submission")
)
train, test, sample = train.to_pylist(), test.to_pylist(), sample.column_names
names = [n for n in test[0] if n != sample[0]]
known = [([number(r[n]) for n in names], r["gome_target"]) for r in train]
with open("submission.csv", "w", newline="") as out:
    rows = csv.writer(out)
    rows.writerow(sample)
    for r in test:
        at = [number(r[n]) for n in names]
        near = min(known, key=lambda row: sum((a - b) ** 2 for a, b in zip(row[0], at)))[1]
        if len(sample) > 2:
            rows.writerow([r[sample[0]], *(0.9 if c == near else 0.1 / (len(sample) - 2) for c in sample[1:])])
        else:
            rows.writerow([r[sample[0]], {"c0": 0.1, "c1": 0.9}.get(near, near)])
"""
"""The label of the nearest training row, in a fraction of a second."""


class Kept(dict[str, Any]):
    """Models that clones share: a chat model is no parameter to copy."""

    def __deepcopy__(self, memo: Any) -> "Kept":
        return self

    def __reduce__(self) -> Any:
        return Kept, ()  # what is fitted asks no model


def quick(kind: Any, runs_dir: str) -> Any:
    """An estimator whose runs take seconds."""
    model = player(lambda facts: f"```python\n{NEAREST}```")
    return kind(
        traces=1,
        steps=1,
        time_limit=100,
        runs_dir=runs_dir,
        models=Kept(dict.fromkeys(("researcher", "coder", "critic"), model)),
        settings={"finalists": 1, "selection_seeds": 1, "folds": 2},
    )


def checks(kind: Any) -> list[tuple[str, Any, Any]]:
    found = estimator_checks_generator(kind(), legacy=True, expected_failed_checks=CANNOT, mark=None)
    return [(check.func.__name__, estimator, check) for estimator, check in found]


@pytest.mark.parametrize("kind", [GomeClassifier, GomeRegressor])
def test_the_checks_that_need_no_run_hold(kind: Any) -> None:
    made = [name for name, estimator, check in checks(kind) if name in NO_FIT and not check(estimator)]
    assert len(made) >= 20


def test_parameters_are_searched_and_an_unfitted_one_says_so() -> None:
    grid = GridSearchCV(GomeRegressor(), {"traces": [1, 2], "metric": ["mae"]})
    assert clone(grid).estimator.get_params()["traces"] == 2
    with pytest.raises(NotFittedError):
        GomeRegressor().predict(np.zeros((3, 2)))
    assert not hasattr(GomeClassifier("accuracy"), "predict_proba")
    assert hasattr(GomeClassifier(), "predict_proba")


@pytest.mark.slow
def test_classes_come_back_as_they_were(tmp_path: Any) -> None:
    """Three classes called by numbers, in a table with words and gaps."""
    rng = np.random.default_rng(0)
    y = pd.Series(rng.choice([30, 4, 100], 60))
    near = y.to_numpy() + rng.normal(size=60)
    X = pd.DataFrame({"near": near, "word": ["a", None] * 30}, index=range(100, 160))
    model = quick(GomeClassifier, str(tmp_path)).fit(X, y)
    assert list(model.classes_) == [4, 30, 100]
    chances = model.predict_proba(X)
    assert np.allclose(chances.sum(axis=1), 1)
    assert (model.classes_[chances.argmax(axis=1)] == y).all()
    assert model.run_.score.part == "selection"  # no row was kept aside


if __name__ == "__main__":
    for kind in (GomeClassifier, GomeRegressor):
        for name, _, check in checks(kind):
            if name not in CANNOT:
                try:
                    check(quick(kind, tempfile.mkdtemp()))
                    print(f"{kind.__name__} {name}: holds", flush=True)
                except Exception as error:
                    print(f"{kind.__name__} {name}: {type(error).__name__}: {error}"[:300], file=sys.stderr)
