"""How the test rows differ from the training rows, column by column, and what graded rows must lack as those do.

A program is graded on labelled rows in place of the test rows. Where a column says nothing in test, it must say nothing
there either: else the score rests on what is missing when it counts.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import pandas as pd

from gome.state.task import Task

STRONG = 0.3
"""Distance of distributions, or difference in the share of missing values, from which a column is told of."""
_MOSTLY = 0.95
_SHOWN = 8


def lacking(train: pd.DataFrame, test: pd.DataFrame, task: Task) -> dict[str, str]:
    """Columns that train fills and test does not, or only with values of another kind: name to what is the matter."""
    found = {}
    for name in _shared(train, test, task):
        ours, theirs = train[name], test[name]
        if theirs.isna().all() and ours.notna().any():
            found[name] = "empty in all rows"
        elif {_numeric(ours), _numeric(theirs)} == {True, False}:
            example, other = (values.dropna().iloc[0] for values in (ours, theirs))
            found[name] = f"values such as {str(other)[:40]!r} where train has {str(example)[:40]!r}"
    return found


def shift_warnings(
    train: pd.DataFrame, test: pd.DataFrame, columns: Sequence[Mapping[str, Any]], task: Task
) -> Iterator[dict[str, str]]:
    """What a person should know before the run of how test is unlike train, {"kind", "text"} each, the text one line.

    `columns` are the profile's entries. Differences that chance makes in as few rows are left out, and so are dates: a
    test part is often later.
    """
    gone = lacking(train, test, task)
    absent = [c for c in train.columns if c not in test.columns and c not in (*task.target, task.id)]
    if absent and task.test != task.sample:
        yield {
            "kind": "absent in test",
            "text": f"{task.test} lacks columns of {task.train}, and so do graded rows: {_few(absent)}",
        }
    if gone:
        reasons = [f"{name} ({why})" for name, why in gone.items()]
        yield {
            "kind": "empty in test",
            "text": f"columns of {task.test} say nothing, and are empty in graded rows too: {_few(reasons)}",
        }
    moved = [
        said
        for column in columns
        if column["name"] not in {*gone, task.time} and (said := _moved(column, len(train), len(test)))
    ]
    if moved:
        yield {
            "kind": "drift",
            "text": f"{task.test} is unlike {task.train}, so scores may not hold there: {_few(moved)}",
        }


def _moved(column: Mapping[str, Any], rows: int, test_rows: int) -> str:
    """How a column differs, in words; '' if it hardly does."""
    missing, test_missing = column.get("missing") or 0, column.get("test_missing")
    if test_missing is not None and abs(test_missing - missing) >= STRONG:
        return f"{column['name']} (missing in {missing:.0%} of train, {test_missing:.0%} of test)"
    noise = math.sqrt(1 / rows + 1 / test_rows)
    categories = min(column.get("unique") or 0, 51) if column["kind"] in ("category", "boolean") else 0
    by_chance = noise * (
        1.95 + 0.4 * math.sqrt(categories)
    )  # exceeded by chance in one of a thousand columns
    drift = column.get("drift") or 0
    if column["kind"] == "date" or drift < max(STRONG, by_chance):
        return ""
    return f"{column['name']} (distance of distributions {drift:.2f} of 1)"


def _shared(train: pd.DataFrame, test: pd.DataFrame, task: Task) -> list[str]:
    return [str(c) for c in train.columns if c in test.columns and c not in (task.id, *task.target)]


def _numeric(values: pd.Series) -> bool | None:
    """Whether the values are numbers (True), none of them is (False), or neither can be said (None)."""
    if values.dtype.kind in "iufc":
        return bool(values.notna().any()) or None
    texts = pd.Series(values.dropna().astype(str).unique())
    share = pd.to_numeric(texts, errors="coerce").notna().mean() if len(texts) else math.nan
    return True if share >= _MOSTLY else False if share == 0 else None


def _few(names: list[str]) -> str:
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
