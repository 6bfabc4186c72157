"""Files of rows, such as pictures: a new row needs one as each of the test rows has, and none can be added to a run."""

from pathlib import Path

import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.ids import id_text
from gome.tools.data.inventory import Inventory
from gome.tools.data.labels import shown
from gome.tools.data.new_rows.kinds import kind_of
from gome.tools.data.row_files import SHARE, RowFiles
from gome.tools.data.task_tables import read_task_table


def file_owners(task: Task, found: Inventory, folder: Path) -> dict[str, list[str]]:
    """Columns of the test table whose values name files, to the values for which there is one where test's are.

    `folder` is the input of split 'final'. A column counts if more than half of the test rows have a file by it.
    """
    own = task.model_copy(update={"root": str(folder)})
    test, owners = read_task_table(own, task.test), {}
    key, names = found.naming.key, set(found.names)
    if key is not None and key in test:
        ids = [set(id_text(t[key]).dropna()) for t in (read_task_table(own, task.train, columns=[key]), test)]
        rules = RowFiles.find([*found.naming.named, *found.naming.shared], *ids)
        of_test = (*(rule for _, rule in rules.pairs), *rules.others, *rules.shared)
        owners[key] = {owner for rule in of_test for owner in rule.files}
    for column in (
        c for c in test.columns if c not in (key, *task.prediction) and kind_of(test[c]) == "text"
    ):
        owners[str(column)] = names & set(test[column].dropna().astype(str))
        owners[str(column)] |= names if owners[str(column)] else set()
    return {
        column: sorted(known)
        for column, known in owners.items()
        if known and id_text(test[column]).isin(known).mean() > SHARE
    }


def check_files(path: Path, rows: pd.DataFrame, owners: dict[str, list[str]]) -> None:
    """Raises GomeError for the first of the rows, which the file `path` holds, that has no file."""
    for column, known in owners.items():
        lost = ~id_text(rows[column]).isin(known).to_numpy()
        if lost.any():
            row = int(lost.argmax())
            raise GomeError(
                f"{path}, row {row + 1}: {column} = {shown(rows[column].iloc[row])} names no file of the task's test "
                "part, and programs read one for each row; only rows whose files the run had can be predicted"
            )
