"""The files of a task beside its train and test tables: how many of each kind, and what further tables hold."""

from collections import Counter
from collections.abc import Iterable
from itertools import islice
from pathlib import Path

from gome.state.errors import GomeError
from gome.state.profile import TableProfile
from gome.state.task import Task
from gome.tools.data.table_names import is_table, suffix_of
from gome.tools.data.tables import count_rows, read_columns

MOST_TABLES, MOST_SUFFIXES = 20, 20


def other_tables(task: Task, names: Iterable[str], most_columns: int) -> list[TableProfile]:
    """The first tables among the task's files `names`, with at most so many of their columns each."""
    root, known = Path(task.root), {task.train, task.test, task.sample}
    tables: list[TableProfile] = []
    for name in islice((n for n in names if n not in known and is_table(n)), MOST_TABLES):
        try:
            columns = read_columns(root / name)[:most_columns]
            tables.append({"name": name, "rows": count_rows(root / name), "columns": columns})
        except GomeError as error:
            tables.append({"name": name, "rows": None, "columns": [], "error": str(error)})
    return tables


def count_suffixes(names: Iterable[str]) -> dict[str, int]:
    """Files by suffix, most frequent first."""
    suffixes = Counter(suffix_of(name).lstrip(".") or "none" for name in names)
    return dict(suffixes.most_common(MOST_SUFFIXES))
