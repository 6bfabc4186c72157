"""The labels of the train table, and the problem that they look like."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Problem
from gome.tools.data.label_warnings import words_for_missing
from gome.tools.data.tables import read_table

_CLASSES: tuple[Problem, ...] = ("binary", "multiclass", "multilabel")


def read_labels(
    path: Path,
    target: list[str],
    prediction: list[str],
    kinds: Sequence[Problem],
    metric: str,
    said: Problem | None = None,
) -> tuple[pd.DataFrame, Problem]:
    """The target columns of the table in `path`, and the problem: as `said`, else what the labels look like among
    `kinds`, those that the metric can judge.

    Numeric targets come as numbers. Of classes each cell is a label as it stands, and only an empty field is missing: NA,
    None and null are classes. Raises GomeError: no column, no value, one value only, labels that the metric cannot judge.
    """
    numbers, cells = read_table(path, columns=target), read_table(path, columns=target, text=target)
    labels = numbers.assign(**{c: cells[c] for c in target if _are_text(numbers[c], cells[c])})
    if len(target) == 1 or labels.nunique().max() < 2:  # of several, a label may be in no row
        for name in target:
            _check_varied(path, labels[name])
    problem = _problem(path, labels, prediction, kinds, metric, said)
    if problem == "regression" or len(target) > 1:
        return labels, problem
    if cells[target[0]].nunique() > labels[target[0]].nunique():  # NA beside numbers: a class of its own
        problem = _problem(path, cells, prediction, kinds, metric, said)
    return cells, problem


def _are_text(numbers: pd.Series, cells: pd.Series) -> bool:
    """Whether labels are text: not all numbers or gaps, or told apart by their spelling alone (`0` and `00`)."""
    same = numbers.nunique() < 2 <= cells.nunique()
    return same or not pd.api.types.is_numeric_dtype(numbers)


def shown(value: Any) -> str:
    """A cell as a person would write it; text in quotes, cut short."""
    text = repr(value.item() if hasattr(value, "item") else value)
    return text if len(text) <= 60 else text[:57] + "..."


def _check_varied(path: Path, labels: pd.Series) -> None:
    if labels.notna().sum() == 0:
        raise GomeError(f"{path}: the target {labels.name!r} has no value in any row.")
    if labels.nunique() == 1:
        raise GomeError(
            f"{path}: the target {labels.name!r} is always {shown(labels.dropna().iloc[0])}; nothing to learn."
        )


def _problem(
    path: Path,
    labels: pd.DataFrame,
    prediction: list[str],
    kinds: Sequence[Problem],
    metric: str,
    said: Problem | None,
) -> Problem:
    """The problem as said, else the one that the labels look like among those that the metric can judge."""
    listed = [kind for kind in kinds if kind not in ("ranking", "detection", "text")]
    looks = _looks_like(labels, prediction, kinds) if listed else kinds[0]
    problem = said or looks
    if problem in kinds:
        return problem
    label = labels.iloc[:, 0]
    numeric = all(pd.api.types.is_numeric_dtype(labels[c]) for c in labels.columns)
    if said is None and problem in _CLASSES and "regression" in kinds and numeric:
        return "regression"
    target = ", ".join(labels.columns)
    fits = f"metric {metric!r} judges {' or '.join(kinds)}"
    if not numeric and "regression" in kinds:
        text = next(labels[c] for c in labels.columns if not pd.api.types.is_numeric_dtype(labels[c]))
        raise GomeError(
            f"{path}: {fits}, but the target {text.name!r} holds text such as {shown(text.dropna().iloc[0])}."
        )
    odd = words_for_missing([str(value) for value in label.dropna().unique()])
    empty = f" ({shown(odd[0])} is one: leave the field empty where there is no label)" if odd else ""
    raise GomeError(
        f"{path}: {fits}, but the target {target!r} is {problem} ({label.nunique()} different values){empty}; "
        "choose another metric or target."
    )


def _looks_like(labels: pd.DataFrame, prediction: list[str], kinds: Sequence[Problem]) -> Problem:
    if labels.shape[1] > 1:
        known = labels.dropna()
        bits = known.isin([0, 1]).all(axis=None)
        if (
            bits
            and "multiclass" in kinds
            and len(prediction) == labels.shape[1]
            and (known.sum(axis=1) == 1).all()
        ):
            return "multiclass"  # one column a class, one of them 1 in each row
        return "multilabel" if bits and "multilabel" in kinds else "regression"
    label = labels.iloc[:, 0].dropna()
    unique = int(label.nunique())
    numeric = pd.api.types.is_numeric_dtype(label)
    if pd.api.types.is_float_dtype(label) and bool((label % 1 != 0).any()):
        return "regression"
    if (
        not numeric
        and "multilabel" in kinds
        and (_are_sets(label) or not {"binary", "multiclass"} & set(kinds))
    ):
        return "multilabel"
    if unique == 2 and len(prediction) <= 2:
        return "binary" if "binary" in kinds or "multiclass" not in kinds else "multiclass"
    if (
        numeric
        and len(prediction) == 1
        and "regression" in kinds
        and ("multiclass" not in kinds or unique > 20)
    ):
        return "regression"
    if unique <= len(label) / 2 or len(prediction) > 1:
        return "multiclass"
    return "ranking" if "ranking" in kinds else "regression" if numeric else "multiclass"


def _are_sets(label: pd.Series) -> bool:
    """Whether cells are sets of labels with blanks between, not names of several words: each label is in more than one of
    the different sets, and some set has all of another one's and more."""
    sets = {frozenset(str(cell).split()) for cell in label.unique()}
    count = Counter(word for found in sets for word in found)
    if len(sets) < 3 or min(count.values()) < 2:
        return False
    return any(len(found) > 1 and any(found - {word} in sets for word in found) for found in sets)
