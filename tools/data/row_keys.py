"""Which column of the tables names the task's other files, and by what rule; told before anything runs."""

from collections import Counter
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pandas as pd

from gome.state.task import Task
from gome.tools.data.ids import id_text
from gome.tools.data.row_files import RowFiles
from gome.tools.data.task_tables import read_task_table

MANY = 20


@dataclass(frozen=True)
class RowNaming:
    """Files `named` by rows, by the values of the column `key`, in folders of train or of test; `shared`: where both
    parts' files stand together. `paths`: whether a column of train tells where they stand."""

    key: str | None = None
    named: list[str] = field(default_factory=list)
    shared: list[str] = field(default_factory=list)
    paths: bool = False

    def rules(self, task: Task) -> RowFiles:
        """The rules by which the files are named."""
        if self.key is None:
            return RowFiles([], [], [], [])
        train, test = (
            set(id_text(read_task_table(task, t, columns=[self.key])[self.key]).dropna())
            for t in (task.train, task.test)
        )
        return RowFiles.find(self.named, train, test)


def row_naming(
    names: list[str], train: pd.DataFrame, test: pd.DataFrame, task: Task
) -> tuple[RowNaming, list[str]]:
    """How files are named by rows, by the id or else another column of both tables; and what people are told of it."""
    paths = _has_paths(train, set(names))
    told = _told_by_both(names, train, test)
    names = [n for n in names if n not in told]
    for key in (task.id, *(c for c in test.columns if c != task.id and _may_name(test[c]))):
        if key not in train.columns or key not in test.columns:
            continue
        rules = RowFiles.find(names, *(set(id_text(t[key]).dropna()) for t in (train, test)))
        if rules.owned or rules.shared:
            shared = sorted({n for rule in rules.shared for n in rule.names} | told)
            naming = RowNaming(key, sorted(rules.owned), shared, paths)
            rest = [] if paths else _unruled(names, {*rules.owned, *shared}, train, test)
            return naming, [*_notes(rules), *rest]
    return RowNaming(shared=sorted(told)), [] if paths else _unruled(names, set(), train, test)


def _may_name(values: pd.Series) -> bool:
    return bool(pd.api.types.is_string_dtype(values) and values.nunique() > len(values) / 2)


def _told_by_both(names: list[str], train: pd.DataFrame, test: pd.DataFrame) -> set[str]:
    """Files whose paths stand in a column that train and test both have: the table says where they are, in a fold too."""
    known, told = set(names), set[str]()
    for column in (c for c in test.columns if pd.api.types.is_string_dtype(test[c]) and c in train.columns):
        paths = [set(table[column].dropna().astype(str)) for table in (train, test)]
        if all(p and len(p & known) > len(p) / 2 for p in paths):
            told |= known.intersection(*[paths[0] | paths[1]])
    return told


def _has_paths(train: pd.DataFrame, names: set[str]) -> bool:
    """Whether a column of train holds paths of files, folders included."""
    for column in (c for c in train.columns if pd.api.types.is_string_dtype(train[c])):
        head = train[column].dropna().astype(str).head(50).str.lstrip("./")
        if len(head) and head.isin(names).mean() > 0.5 and head.str.contains("/").any():
            return True
    return False


def _notes(rules: RowFiles) -> list[str]:
    notes = []
    for train, test in rules.pairs:
        notes.append(f"files of graded rows stand where test's do: {train.shown} as {test.shown}")
    for rule in rules.alone:
        notes.append(f"files for train rows only are hidden with the graded rows: {rule.shown}")
    for rule in rules.others:
        notes.append(f"files for test rows only are in no fold: {rule.shown}")
    return notes


def _unruled(names: list[str], ruled: set[str], train: pd.DataFrame, test: pd.DataFrame) -> list[str]:
    """A line for each folder with about as many files of one kind as a part has rows, if no rule was found for them."""
    kinds = Counter((n.split("/")[0], PurePosixPath(n).suffix) for n in names if "/" in n and n not in ruled)
    least = max(MANY, min(len(train), len(test)) // 2)
    return [
        f"no rule was found by which the {count} files {top}/..{suffix} belong to rows: "
        "they stand in each fold as they are"
        for (top, suffix), count in kinds.items()
        if count >= least
    ]
