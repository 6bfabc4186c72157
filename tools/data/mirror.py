"""A train table with its target turned around: what a program says then shows where it has its labels from."""

import numpy as np
import pandas as pd

from gome.state.task import Task

MIRRORED = "mirrored"
"""The split that holds the smoke part's rows with the training labels turned around."""


def can_mirror(task: Task) -> bool:
    """Whether each target is a number or a class."""
    return task.problem in ("binary", "multiclass", "regression")


def mirrored(train: pd.DataFrame, task: Task) -> pd.DataFrame:
    """`train` with each number y as min + max - y, and each class as the next one; gaps stay.

    Who learns from it foretells the opposite of the truth; who still foretells the truth did not learn it from there.
    """
    turned = train.copy()
    for name in task.target:
        values = train[name]
        if task.problem == "regression":
            turned[name] = values.min() + values.max() - values
        else:
            codes, labels = pd.factorize(values, sort=True)
            following = np.asarray(labels)[(codes + 1) % max(1, len(labels))]
            turned[name] = pd.Series(following, index=values.index).where(codes >= 0)
    return turned
