"""What a metric is: its direction, what it judges, and how it is computed on rows and on weighted rows."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd

from gome.state.task import Direction, Problem, Task

Form = Literal["label", "probability", "value", "ranking", "detection", "text"]
Parse = Callable[[pd.DataFrame, pd.DataFrame, Task], tuple[Any, Any]]
Measure = Callable[[Any, Any], float]
Weighted = Callable[[np.ndarray], np.ndarray]

UNIT = "__unit__"
"""The column of answers that says whose they are, where a unit has several rows; resampling draws units."""
CLASSES: tuple[Problem, ...] = ("binary", "multiclass")


class GradingError(ValueError):
    """Predictions that the metric cannot judge; one line that says why."""


class AnswersError(GradingError):
    """Answers for which the metric is not defined, whatever is predicted: a fault of the labels, not of a program."""


@dataclass(frozen=True)
class Domain:
    """The true numbers for which a metric is defined: finite, not below `low`, not 0 where they are divided by."""

    low: float = -np.inf
    zero: bool = True

    def outside(self, values: np.ndarray) -> tuple[np.ndarray, str]:
        """Those of `values` (n,) that are outside, and what they are: 'infinite', 'below 0' or '0'."""
        with np.errstate(invalid="ignore"):
            for wrong, what in (
                (np.isinf(values), "infinite"),
                (values < self.low, f"below {self.low:g}"),
                ((values == 0) & (not self.zero), "0"),
            ):
                if wrong.any():
                    return values[wrong], what
        return values[:0], ""


ALL_NUMBERS = Domain()


@dataclass(frozen=True)
class Metric:
    """A metric of the registry, or somebody's own grader.

    `kinds` are the problems it judges, `form` what a submission has to hold: labels, probabilities, numbers, or the
    text of a ranking or of detected boxes. `parse` turns aligned answers and submission into (truth, prediction), one
    entry a row in each; `measure` gives the value for these. `columns` are further columns of the train table that the
    answers have to hold, such as weights or groups; where test lacks them, no program sees those of graded rows.

    Two optional parts make resampling fast. `row_values(truth, prediction)`, (n,) or (n, columns): numbers whose mean
    over rows, put through a link function, is the metric. `weighted(truth, prediction)`: a function of row weights
    (resamples, n) that gives the metric for each line of weights, NaN where it is not defined. `together` does what
    `on_rows` does in one call, where calls are dear.
    """

    name: str
    direction: Direction
    kinds: tuple[Problem, ...]
    form: Form
    parse: Parse
    measure: Measure
    weighted: Callable[[Any, Any], Weighted] | None = None
    row_values: Callable[[Any, Any], np.ndarray] | None = None
    low: float = -np.inf  # the least and the greatest value that a prediction may have
    high: float = np.inf
    ordered: bool = (
        False  # labels are ordered numbers: what lies between two of them is rounded to the nearest
    )
    domain: Domain = ALL_NUMBERS  # of the true values
    own: bool = False  # somebody's grader: each id may occur only once
    one_sided: bool = False  # of two classes the value is that of the positive one
    together: Callable[[Any, Any, list[np.ndarray]], np.ndarray] | None = None
    by_column: bool = False  # of several target columns the mean over columns
    cell_fault: Callable[[str], str | None] | None = None  # what is wrong with a predicted text, in words
    cell: str = ""  # what one cell of a submission holds, in words, where the form does not say it all
    columns: tuple[str, ...] = ()  # of the train table, beside the targets
    predictions: int | None = None  # how many columns are predicted of one target; None: one for each target

    def __call__(self, answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> float:
        """The value for rows that are aligned. Raises GradingError for predictions that it cannot judge."""
        return float(self.measure(*self.parse(answers, submission, task)))

    def on_rows(self, truth: Any, prediction: Any, rows: list[np.ndarray]) -> np.ndarray:
        """The value on each of these sets of rows (positions), (sets,); NaN where it is not defined."""
        if self.together is not None:
            return self.together(truth, prediction, rows)
        return np.array([self._value_on(truth, prediction, at) for at in rows])

    def _value_on(self, truth: Any, prediction: Any, at: np.ndarray) -> float:
        try:
            return float(self.measure(_take(truth, at), _take(prediction, at)))
        except (GradingError, ValueError):
            return np.nan


def _take(rows: Any, at: np.ndarray) -> Any:
    return rows.iloc[at] if isinstance(rows, pd.DataFrame) else rows[at]


def row_mean(
    name: str,
    direction: Direction,
    kinds: tuple[Problem, ...],
    form: Form,
    parse: Parse,
    row_values: Callable[[Any, Any], np.ndarray],
    link: Callable[[np.ndarray], np.ndarray] = lambda mean: mean,
    low: float = -np.inf,
    high: float = np.inf,
    domain: Domain = ALL_NUMBERS,
    **more: Any,
) -> Metric:
    """A metric that is the mean over columns of link(mean over rows of `row_values`); `more` are fields of `Metric`."""

    def weighted(truth: Any, prediction: Any) -> Weighted:
        values = _as_columns(row_values(truth, prediction))

        def evaluate(weights: np.ndarray) -> np.ndarray:
            with np.errstate(invalid="ignore", divide="ignore"):
                means = weights @ values / weights.sum(axis=1, keepdims=True)
            return link(means).mean(axis=1)

        return evaluate

    def measure(truth: Any, prediction: Any) -> float:
        return float(link(_as_columns(row_values(truth, prediction)).mean(axis=0)).mean())

    return Metric(
        name, direction, kinds, form, parse, measure, weighted, row_values, low, high, domain=domain, **more
    )


def weighted_metric(
    name: str,
    direction: Direction,
    kinds: tuple[Problem, ...],
    form: Form,
    parse: Parse,
    weighted: Callable[[Any, Any], Weighted],
    undefined: str,
    **more: Any,
) -> Metric:
    """A metric given by its weighted form alone: its value is that of equal weights. `undefined` says what is wrong with
    answers for which that is NaN; `more` are fields of `Metric`."""

    def measure(truth: Any, prediction: Any) -> float:
        value = float(weighted(truth, prediction)(np.ones((1, len(truth))))[0])
        if np.isnan(value):
            raise AnswersError(f"{name} is not defined: {undefined}")
        return value

    return Metric(name, direction, kinds, form, parse, measure, weighted, **more)


def _as_columns(values: np.ndarray) -> np.ndarray:
    return values.reshape(len(values), -1)
