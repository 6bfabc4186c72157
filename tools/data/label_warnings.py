"""What the labels' own cells leave in doubt: said before anything runs, as nobody but the user knows it."""

from collections.abc import Iterator

import pandas as pd

from gome.state.task import Task
from gome.tools.data.columns import class_text
from gome.tools.data.tables import MISSING


def label_warnings(train: pd.DataFrame, test: pd.DataFrame, task: Task) -> Iterator[dict[str, str]]:
    """{"kind", "text"} each, of kind 'labels': which rows of one table became the test part, and classes whose name is
    a word for missing."""
    if task.unlabelled_test:
        text = (
            f"{len(test)} of {len(train) + len(test)} rows have no {' or '.join(task.target)}: these are the test part, "
            f"to be predicted; the other {len(train)} are learned from"
        )
        yield {"kind": "labels", "text": text}
    if task.numeric_targets or not task.classes:
        return
    counts = class_text(train[task.target[0]]).value_counts()
    for word in words_for_missing(list(counts.index)):
        text = (
            f"{word!r} is a class of {counts[word]} rows of {task.target[0]}: leave the field empty where it means that "
            "there is no label"
        )
        yield {"kind": "labels", "text": text}


def words_for_missing(classes: list[str]) -> list[str]:
    """Those of the classes that other programs write, or read, for a missing value."""
    meant = {word.lower() for word in MISSING}
    return [name for name in classes if name.strip().lower() in meant]
