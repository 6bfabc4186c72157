"""Signs that train and test were not cut at random: test rows that are all later, or groups that are never shared."""

import pandas as pd

from gome.state.task import Task
from gome.tools.data.columns import column_kind, time_values

MIN_GROUPS = 10


def structure_hints(train: pd.DataFrame, test: pd.DataFrame, task: Task) -> list[str]:
    """A line for each column by which the task's own cut seems made, with the task-file key that would follow it."""
    shared = [c for c in train.columns if c in test.columns and c not in (task.id, *task.target)]
    later = [] if task.time else [c for c in shared if _is_later(train[c], test[c])]
    apart = [] if task.group else [c for c in shared if c not in later and _is_apart(train[c], test[c])]
    return [f"all of test is later than train by {c}; `time` {c} would split so too" for c in later] + [
        f"train and test share no {c}; `group` {c} would split so too" for c in apart
    ]


def _is_later(train: pd.Series, test: pd.Series) -> bool:
    if column_kind(train) not in ("date", "integer", "id") or train.nunique() < MIN_GROUPS:
        return False
    before, after = time_values(train), time_values(test)
    if before is None or after is None or (before.dtype.kind == "M") != (after.dtype.kind == "M"):
        return False
    return bool(after.min() > before.max())


def _is_apart(train: pd.Series, test: pd.Series) -> bool:
    """Values that repeat on both sides and are never shared: by chance next to impossible with ten or more of them."""
    if column_kind(train) not in ("integer", "category", "id"):
        return False
    left, right = train.dropna().unique(), test.dropna().unique()
    repeated = len(left) <= len(train) / 2 and MIN_GROUPS <= len(right) <= len(test) / 2
    return repeated and set(left).isdisjoint(right)
