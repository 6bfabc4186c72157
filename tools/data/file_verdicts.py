"""What one file means for a fold: whole, without the graded rows, or not at all; found by searching it for labels."""

from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.file_contents import read_content
from gome.tools.data.label_search import LabelSearch
from gome.tools.data.table_names import is_table
from gome.tools.data.tables import LARGE, read_table

KEYED, ABSENT = 0.5, 0.1
"""Share of train's ids in a column from which it is a key, and of test's up to which a table lacks the test part."""
MOST_ROWS = 200_000
DOUBT = 1e-2
"""Odds of a file to be left out for nothing, where labels are few: `keep` brings it back."""


@dataclass(frozen=True)
class Verdict:
    """`why` a file is not laid out whole, '' if it is; `key`: the column by which graded rows can be taken out of it.
    `in_part`: whether it was searched in part only."""

    why: str = ""
    key: str | None = None
    in_part: bool = False


class FileJudge:
    """Judges files of a task by its train and test tables."""

    def __init__(self, task: Task, train: pd.DataFrame, test_ids: pd.Series) -> None:
        self.task = task
        ids = train.get(task.id, pd.Series([None] * len(train), dtype=object))
        self.search = LabelSearch(ids, train[task.target], doubt=DOUBT)
        self.told_apart = bool(ids.notna().all())  # else a row without id cannot be found elsewhere
        own = set(test_ids.dropna().astype(str)) - set(ids.dropna().astype(str))
        self.test = LabelSearch(pd.Series(sorted(own), dtype=object), pd.DataFrame())
        self.apart = len(own) > len(test_ids) / 2

    def judge(self, name: str, path: Path) -> Verdict:
        """The verdict on the file at `path`, called `name` in the task."""
        if is_table(Path(name)):
            return self._table(name, path)
        content = read_content(path)
        if content.media:
            return Verdict()
        if content.texts is None:
            return Verdict("cannot be read, so nobody knows whether it holds labels")
        others = self.test if self.apart else None
        told = any(self.search.in_text(text, others) for text in content.texts)
        if not told and content.table is not None:
            told = self.search.in_table(content.table, self._key(content.table)) is not None
        return Verdict("holds labels of train rows" if told else "", in_part=not content.whole)

    def _table(self, name: str, path: Path) -> Verdict:
        part = MOST_ROWS if path.stat().st_size > LARGE else None
        try:
            table = read_table(path, rows=part)
        except GomeError:
            return Verdict("cannot be read, so nobody knows whether it holds labels")
        key = self._key(table)
        labels = next((c for c in table.columns if c in self.task.target), None)
        told = labels or self.search.in_table(table, key)
        if told:
            why = f"holds labels of train rows, in its column {told!r}"
            return Verdict(why, key if self.told_apart else None, part is not None)
        if key is not None and self._lacks_test(name, table[key]):
            return Verdict("has rows for train's ids only", key, part is not None)
        return Verdict(in_part=part is not None)

    def _key(self, table: pd.DataFrame) -> str | None:
        """The column that holds ids of train rows: the one called so, else one that holds half of them, each once."""
        if self.task.id in table.columns and self.search.share(table[self.task.id]) > 0:
            return self.task.id
        for name in table.columns:
            values = table[name]
            if values.nunique() > 0.9 * len(values) and self.search.share(values) >= KEYED:
                return str(name)
        return None

    def _lacks_test(self, name: str, keys: pd.Series) -> bool:
        """Whether ids of train rows are in `keys` and those of test are not; where both parts number their rows alike, a
        table is train's unless its name says test."""
        if self.apart:
            return self.test.share(keys) <= ABSENT * self.search.share(keys)
        return "test" not in name.lower()
