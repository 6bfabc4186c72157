"""Answers and submissions as arrays: labels as class codes, probabilities as columns, lists as tokens."""

import math
from typing import Any

import numpy as np
import pandas as pd

from gome.state.task import Task
from gome.tools.data.columns import class_text
from gome.tools.data.ids import respelled
from gome.tools.evaluation.metric import AnswersError, GradingError


def as_numbers(values: pd.Series) -> pd.Series:
    """`values` as floats; NaN for what is no number, infinite for a whole number that no float can hold."""
    try:
        return pd.to_numeric(values, errors="coerce").astype(float)
    except OverflowError:  # pandas raises it, coerce or not
        return values.map(_as_float).astype(float)


def _as_float(value: Any) -> float:
    try:
        return float(value)
    except OverflowError:
        return math.inf if value > 0 else -math.inf
    except (TypeError, ValueError):
        return math.nan


def codes(labels: pd.Series, classes: list[str]) -> np.ndarray:
    """Positions of labels in `classes`, (n,) ints; -1 for what is no class."""
    known = pd.Index(classes, dtype=object)
    as_written = known.get_indexer(pd.Index(labels, dtype=object))
    if (as_written >= 0).all():
        return as_written
    return known.get_indexer(pd.Index(class_labels(labels, classes), dtype=object))


def class_labels(labels: pd.Series, classes: list[str]) -> pd.Series:
    """`labels` as text, (n,), spelled as in `classes`: '2.0' is '2' and 'true' is 'TRUE' where no other class could be
    meant. What is no class stays as it is."""
    text = respelled(labels, pd.Series(classes, dtype=object)).set_axis(labels.index)
    odd = text.notna() & ~text.isin(classes)
    by_case = {c.lower(): c for c in classes}
    if odd.any() and len(by_case) == len(classes):
        text[odd] = text[odd].map(lambda label: by_case.get(label.strip().lower(), label))
    return text


def true_codes(answers: pd.DataFrame, task: Task) -> np.ndarray:
    """Class codes of the answers, (n,). Raises GradingError for a label that the task does not have."""
    if len(task.target) > 1:  # a column for each class, 1 for the true one
        places = np.array([task.classes.index(name) for name in task.target])
        return places[numbers(answers, task.target).argmax(axis=1)]
    column = answers[task.target[0]]
    found = codes(column, task.classes)
    if (found < 0).any():
        strange = column[found < 0].iloc[0]
        raise AnswersError(f"answers: {task.target[0]} = {strange!r} is not one of the task's classes")
    return found


def label_codes(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted class codes, (n,) each. With one column a class, the largest counts."""
    if len(task.prediction) > 1:
        return true_codes(answers, task), class_columns(submission, task).argmax(axis=1)
    column = submission[task.prediction[0]]
    predicted = codes(column, task.classes)
    if (predicted < 0).any():
        strange = column[predicted < 0].iloc[0]
        raise GradingError(f"{task.prediction[0]} = {strange!r} is no label; known are {shown(task.classes)}")
    return true_codes(answers, task), predicted


def positive_codes(
    answers: pd.DataFrame, submission: pd.DataFrame, task: Task
) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted labels of two classes, (n,) each: 1 for the positive class, 0 for the other."""
    truth, predicted = label_codes(answers, submission, task)
    return (truth == task.positive_code).astype(int), (predicted == task.positive_code).astype(int)


def ordinal_codes(
    answers: pd.DataFrame, submission: pd.DataFrame, task: Task
) -> tuple[np.ndarray, np.ndarray]:
    """As `label_codes`, by the size of the labels; numbers between labels are rounded to the nearest one."""
    if len(task.prediction) == 1:
        rounded = nearest_labels(submission[task.prediction[0]], task.classes)
        submission = submission.assign(**{task.prediction[0]: rounded})
    truth, predicted = label_codes(answers, submission, task)
    numbers = pd.to_numeric(pd.Series(task.classes), errors="coerce")
    if numbers.isna().any():
        raise AnswersError("the labels are not ordered numbers")
    position = numbers.rank(method="dense").to_numpy().astype(int) - 1
    return position[truth], position[predicted]


def nearest_labels(labels: pd.Series, classes: list[str]) -> pd.Series:
    """`labels` as text; numbers that are no label become the nearest one."""
    text = class_text(labels)
    numbers = pd.to_numeric(pd.Series(classes, dtype=object), errors="coerce").to_numpy(dtype=float)
    given = as_numbers(labels).to_numpy()
    odd = ~text.isin(classes).to_numpy() & np.isfinite(given)
    if odd.any() and np.isfinite(numbers).all():
        order = np.argsort(numbers)
        between = (numbers[order][1:] + numbers[order][:-1]) / 2
        text[odd] = np.array(classes, dtype=object)[order[np.searchsorted(between, given[odd])]]
    return text


def probabilities(
    answers: pd.DataFrame, submission: pd.DataFrame, task: Task
) -> tuple[np.ndarray, np.ndarray]:
    """0/1 truth and predicted probability, (n, columns) each.

    binary: one column, the positive class (`task.positive`); multiclass: a column a class, lines summing
    to 1; multilabel: a column a target.
    """
    if task.problem == "multilabel":
        return numbers(answers, task.target), numbers(submission, task.prediction)
    truth = true_codes(answers, task)
    if task.problem == "binary":
        positive = truth == task.positive_code
        if len(task.prediction) == 1:
            chance = numbers(submission, task.prediction)
        else:
            chance = class_columns(submission, task)[:, [task.positive_code]]
        return positive[:, None].astype(float), chance
    return np.eye(len(task.classes))[truth], class_columns(submission, task)


def chance_of_truth(
    answers: pd.DataFrame, submission: pd.DataFrame, task: Task
) -> tuple[np.ndarray, np.ndarray]:
    """As `probabilities`; of several classes only the one that came true is kept, as (1, its probability)."""
    if task.problem != "multiclass":
        return probabilities(answers, submission, task)
    truth = true_codes(answers, task)
    chance = class_columns(submission, task)[np.arange(len(truth)), truth]
    return np.ones((len(truth), 1)), chance[:, None]


def class_columns(submission: pd.DataFrame, task: Task) -> np.ndarray:
    """Probabilities of the classes, (n, classes), each line brought to the sum 1. Raises GradingError."""
    chance = numbers(submission, task.prediction)
    if chance.shape[1] != len(task.classes):
        raise GradingError(f"one probability column for each of the {len(task.classes)} classes is needed")
    if (chance < 0).any():
        raise GradingError("a probability is negative")
    total = chance.sum(axis=1, keepdims=True)
    if (total == 0).any():
        raise GradingError("all probabilities of a row are 0")
    return chance / total


def value_columns(
    answers: pd.DataFrame, submission: pd.DataFrame, task: Task
) -> tuple[np.ndarray, np.ndarray]:
    """True and predicted numbers, (n, targets) each."""
    truth, predicted = numbers(answers, task.target), numbers(submission, task.prediction)
    if truth.shape != predicted.shape:
        raise GradingError(f"{predicted.shape[1]} predicted columns for {truth.shape[1]} targets")
    return truth, predicted


def numbers(table: pd.DataFrame, columns: list[str]) -> np.ndarray:
    """Columns as floats, (n, columns). Raises GradingError: missing, text, infinite."""
    try:
        found = np.stack([table[column].to_numpy(dtype=float) for column in columns], axis=1)
    except (TypeError, ValueError, KeyError, OverflowError) as error:
        raise GradingError(f"numbers are needed in {', '.join(columns[:4])}: {error}") from error
    if not np.isfinite(found).all():
        raise GradingError(
            f"{', '.join(columns[:4])}: {int((~np.isfinite(found)).sum())} values are not finite"
        )
    return found


def token_lists(answers: pd.DataFrame, submission: pd.DataFrame, task: Task) -> tuple[np.ndarray, np.ndarray]:
    """Space-separated lists, true and predicted: (n,) arrays of lists of words; missing is an empty list."""
    return tokens(answers[task.target[0]]), tokens(submission[task.prediction[0]])


def texts(column: pd.Series) -> list[str]:
    """The cells of a column as text, (n,); missing is empty."""
    return ["" if text is None else str(text) for text in class_text(column)]


def tokens(column: pd.Series) -> np.ndarray:
    """Each text of a column split at spaces: an (n,) array of lists."""
    split = ([] if text is None else str(text).split() for text in class_text(column))
    return np.fromiter(split, dtype=object, count=len(column))


def shown(labels: list[str], count: int = 6) -> str:
    """A few labels for a message."""
    return ", ".join(label[:200] for label in labels[:count]) + (", ..." if len(labels) > count else "")
