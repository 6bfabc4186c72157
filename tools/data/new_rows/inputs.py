"""The input of a program that is to predict new rows: the task's own, with these in the place of its test rows."""

import shutil
from pathlib import Path

import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.input_files import InputLinks
from gome.tools.data.inputs import laid_out
from gome.tools.data.new_rows.rows import NewRows
from gome.tools.data.splits import SplitPlan
from gome.tools.data.tables import read_cells, write_table
from gome.tools.data.task_files import laid_files


class NewRowInputs:
    """Split 'final' of a task with new rows; there is no other one. See `Inputs`.

    `folder` is the task's own input of this split; what is laid out comes to lie below `run_dir`. Without `train` there
    is no train table: who predicts by what was kept needs none. Links in `folder` lead into the folders `shown`.
    """

    notes: list[str] = []

    def __init__(
        self,
        run_dir: Path,
        task: Task,
        plan: SplitPlan,
        folder: Path,
        rows: NewRows,
        *,
        train: bool = True,
        shown: tuple[Path, ...] = (),
    ) -> None:
        self.run_dir, self.task, self.plan, self.folder, self.rows = run_dir, task, plan, folder, rows
        self.train, self.shown = train, shown

    def input_dir(self, split: str, fold: int) -> Path:
        """See `Inputs`."""
        return laid_out(self.run_dir, split, fold, self._fill)

    def sample(self, split: str, fold: int) -> pd.DataFrame:
        """The ids of the rows, every value as in the real sample's first row."""
        real, ids = read_cells(self.folder / self.task.sample), self.rows.table[self.task.id]
        values = {c: real[c].iloc[[0] * len(ids)].to_numpy() for c in real.columns}
        return pd.DataFrame({**values, self.task.id: ids.to_numpy()})

    def answers(self, split: str, fold: int) -> pd.DataFrame:
        """GomeError: they are no program's business, and nobody's here."""
        raise GomeError("new rows have no answers among the inputs.")

    def labels(self, split: str, fold: int) -> None:
        """None: programs read them from the train table."""
        return

    def features(self, split: str, fold: int) -> pd.DataFrame:
        """The rows."""
        return self.rows.table

    def _fill(self, folder: Path) -> None:
        task, links = self.task, InputLinks(self.folder, self.run_dir / "inputs" / ".copies", self.shown)
        made = {task.test: self.rows.table, task.sample: self.sample("final", 0)}  # one file may be both
        for name, table in made.items():
            write_table(table, folder / name, like=self.folder / name)
        if self.train:
            (folder / task.train).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(
                self.folder / task.train, folder / task.train
            )  # a program not shut in may spoil it
        for name in laid_files(self.folder):
            if name != task.train:
                links.link(name, folder / name)
