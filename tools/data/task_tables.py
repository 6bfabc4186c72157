"""A task's tables, read as the task means them."""

from collections.abc import Sequence
from pathlib import Path

import pandas as pd

from gome.state.task import Task
from gome.tools.data.tables import read_table


def read_task_table(task: Task, path: Path | str, *, columns: Sequence[str] | None = None) -> pd.DataFrame:
    """The table at `path` (a name in the task's folder, or a whole path): ids, groups and class labels as text, features
    and numeric targets as numbers. GomeError as `read_table`."""
    return read_table(Path(task.root) / path, columns=columns, text=task.text_columns)
