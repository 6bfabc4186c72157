"""Estimators in the manner of scikit-learn: a run behind `fit`, its solution behind `predict`.

What they fit is all of the rows that they are given: none is kept aside for a test score, as whoever uses an estimator
keeps rows aside himself. Steps are chosen on rows that are held back within, as in every run.
"""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin
from sklearn.utils import assert_all_finite, check_consistent_length, column_or_1d
from sklearn.utils.metaestimators import available_if
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from gome.face.fitting import fit
from gome.face.run import Run
from gome.face.watching import Watch
from gome.tools.data.splits import MIN_ROWS
from gome.tools.evaluation import metrics

_ID, _TARGET = "gome_row", "gome_target"
_UNLABELLED = 200
"""Rows that are given again without their label, as a run wants a test part: what is predicted for them is not used."""


class _GomeEstimator(BaseEstimator):
    """What both have in common. Parameters are those of `gome.fit`; `settings` further fields of `RunConfig`."""

    def __init__(
        self,
        metric: str = "",
        *,
        time_limit: float = 600.0,
        model: str = "offline",
        traces: int = 2,
        steps: int | None = None,
        random_state: int = 0,
        runs_dir: str = "runs",
        settings: Mapping[str, Any] | None = None,
        models: Mapping[str, Any] | None = None,
        progress: Watch = False,
    ) -> None:
        self.metric = metric
        self.time_limit = time_limit
        self.model = model
        self.traces = traces
        self.steps = steps
        self.random_state = random_state
        self.runs_dir = runs_dir
        self.settings = settings
        self.models = models
        self.progress = progress

    @property
    def run_(self) -> Run:
        """The run behind the fitted estimator."""
        check_is_fitted(self)
        return Run(self.run_dir_)

    def __sklearn_is_fitted__(self) -> bool:
        return hasattr(self, "run_dir_")

    def __sklearn_tags__(self) -> Any:
        tags = super().__sklearn_tags__()
        tags.input_tags.allow_nan = True
        tags.input_tags.string = True
        tags.input_tags.categorical = True
        tags.non_deterministic = True  # by the clock
        return tags

    def _checked(self, X: Any, y: Any) -> tuple[pd.DataFrame, np.ndarray]:
        """The table and the labels, (rows,). ValueError for what is none, in scikit-learn's words."""
        if y is None:
            raise ValueError("requires y to be passed, but the target y is None")
        table, labels = self._table(X, reset=True), column_or_1d(y, warn=True)
        assert_all_finite(labels, input_name="y")
        check_consistent_length(table, labels)
        if len(table) < MIN_ROWS:
            raise ValueError(f"n_samples={len(table)}: a run holds rows back, and needs at least {MIN_ROWS}")
        return table, labels

    def _fit(self, table: pd.DataFrame, labels: np.ndarray, **more: Any) -> Self:
        table = table.assign(**{_TARGET: labels})
        again = table.sample(min(len(table), _UNLABELLED), random_state=self.random_state)
        table = pd.concat(
            [table.astype({_TARGET: object}), again.assign(**{_TARGET: None})], ignore_index=True
        )
        table.insert(0, _ID, np.arange(len(table)))
        run = fit(
            table,
            _TARGET,
            metric=self.metric or self._metric,
            time_limit=self.time_limit,
            model=self.model,
            traces=self.traces,
            steps=self.steps,
            seed=self.random_state,
            runs_dir=self.runs_dir,
            models=self.models,
            progress=self.progress,
            **{"id": _ID, "name": type(self).__name__, **more, **(self.settings or {})},
        )
        self.run_dir_ = str(run.path)
        return self

    def _predicted(self, X: Any) -> pd.DataFrame:
        """The predictions as the run makes them, (rows, columns)."""
        check_is_fitted(self)
        table = self._table(X, reset=False)
        table.insert(0, _ID, np.arange(len(table)))
        return pd.DataFrame(self.run_.predict(table, progress=False))

    def _table(self, X: Any, *, reset: bool) -> pd.DataFrame:
        """X as a DataFrame with names for its columns; checked as scikit-learn checks. Its index is not looked at."""
        if isinstance(X, pd.DataFrame):
            validate_data(self, X, reset=reset, skip_check_array=True)
            return X.reset_index(drop=True)
        array = validate_data(self, X, reset=reset, dtype=None, ensure_all_finite="allow-nan")
        if array.dtype.kind == "c":
            raise ValueError("Complex data not supported")
        return pd.DataFrame(array, columns=[f"x{i}" for i in range(array.shape[1])])

    _metric = ""


class GomeRegressor(RegressorMixin, _GomeEstimator):
    """A regressor. `metric`: one that numbers are predicted for, '' for rmse."""

    _metric = "rmse"

    def fit(self, X: Any, y: Any) -> Self:
        """Make a run of X (rows, columns; a DataFrame's columns may be of any kind) and numbers y (rows,). GomeError;
        ValueError for what is no such table."""
        table, labels = self._checked(X, y)
        return self._fit(table, labels.astype(float))

    def predict(self, X: Any) -> np.ndarray:
        """The numbers predicted, (rows,)."""
        return self._predicted(X).to_numpy(dtype=float)[:, 0]


def _gives_probabilities(estimator: "GomeClassifier") -> bool:
    name = estimator.metric or estimator._metric
    return bool(metrics.get(name).form == "probability")


class GomeClassifier(ClassifierMixin, _GomeEstimator):
    """A classifier. `metric`: '' for log_loss, for which probabilities are predicted; with one that is of labels, such as
    accuracy, there is no `predict_proba`."""

    _metric = "log_loss"

    def fit(self, X: Any, y: Any) -> Self:
        """Make a run of X (rows, columns; a DataFrame's columns may be of any kind) and classes y (rows,). GomeError;
        ValueError for what is no such table."""
        table, labels = self._checked(X, y)
        check_classification_targets(labels)
        self.classes_, codes = np.unique(labels, return_inverse=True)
        if len(self.classes_) < 2:
            raise ValueError(f"there is one class only, {self.classes_[0]!r}: nothing to tell apart")
        words = np.array([f"c{code}" for code in range(len(self.classes_))])
        two = {"positive": words[1]} if len(self.classes_) == 2 else {}
        return self._fit(table, words[codes], **two)

    def predict(self, X: Any) -> np.ndarray:
        """The classes predicted, (rows,): with probabilities the likeliest."""
        check_is_fitted(self)
        if _gives_probabilities(self):
            return self.classes_[self.predict_proba(X).argmax(axis=1)]
        found = self._predicted(X).iloc[:, 0].astype(str).str.removeprefix("c")
        return self.classes_[found.to_numpy(dtype=int)]

    @available_if(_gives_probabilities)
    def predict_proba(self, X: Any) -> np.ndarray:
        """The probabilities of `classes_`, (rows, classes); each row sums to 1."""
        found = self._predicted(X)
        if found.shape[1] == 1:
            one = np.clip(found.to_numpy(dtype=float)[:, 0], 0.0, 1.0)
            return np.column_stack([1 - one, one])
        in_order = sorted(found.columns, key=lambda name: int(str(name).rpartition("c")[2]))
        chances = found[in_order].to_numpy(dtype=float)
        return chances / chances.sum(axis=1, keepdims=True)
