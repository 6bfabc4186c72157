"""A search fold, spoiled on purpose: what a program still foretells then shows where it has its labels from."""

import hashlib

import numpy as np
import pandas as pd

from gome.state.task import Task

MIRRORED = "mirrored"
"""The split whose training labels are turned around: who learned the truth from them says the opposite now."""
BLINDED = "blinded"
"""The split whose test rows have each other's features under their own ids: who reads the features is wrong now."""
PROBES = (MIRRORED, BLINDED)


def probed_fold(program: str, folds: int, seed: int) -> int:
    """Which of the search folds a program is probed on: any of them, and for another program or seed another one, so that
    none is a fold on which nobody looks."""
    return int(hashlib.sha256(f"{seed} {program}".encode()).hexdigest(), 16) % folds


def can_mirror(task: Task) -> bool:
    """Whether each target is a number or a class of a train table."""
    return not task.adapter and task.problem in ("binary", "multiclass", "regression")


def mirrored(labels: pd.DataFrame, task: Task) -> pd.DataFrame:
    """The target columns with each number y as min + max - y, and each class as the next one; gaps stay."""
    if task.problem == "multiclass" and len(task.target) > 1:  # a column of 0 and 1 for each class
        others = [*task.target[-1:], *task.target[:-1]]
        return labels.rename(columns=dict(zip(others, task.target, strict=True)))[task.target]
    turned = labels.copy()
    for name in task.target:
        values = labels[name]
        if task.problem == "regression":
            turned[name] = values.min() + values.max() - values
        else:
            codes, classes = pd.factorize(values, sort=True)
            following = np.asarray(classes)[(codes + 1) % max(1, len(classes))]
            turned[name] = pd.Series(following, index=values.index).where(codes >= 0)
    return turned


def blinded(test: pd.DataFrame, task: Task) -> pd.DataFrame:
    """`test` with its rows dealt anew under the same ids, as the same rows always."""
    dealt = test.iloc[np.random.default_rng(0).permutation(len(test))].reset_index(drop=True)
    return dealt.assign(**{task.id: test[task.id].to_numpy()})
