"""The inputs of tables: rows are held back, and with them whatever tells their labels."""

import shutil
import tempfile
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.ids import alike, id_text
from gome.tools.data.input_files import FileLayout
from gome.tools.data.inputs import laid_out
from gome.tools.data.inventory import Inventory, few, take_inventory
from gome.tools.data.label_probes import BLINDED, MIRRORED, blinded, mirrored
from gome.tools.data.row_files import RowFiles
from gome.tools.data.row_splits import Split
from gome.tools.data.shift import lacking
from gome.tools.data.shown_folders import beyond_links, whole_folders
from gome.tools.data.splits import REDUCED, UNGRADED, SplitPlan
from gome.tools.data.table_names import suffix_of
from gome.tools.data.tables import read_cells, read_columns, write_table
from gome.tools.data.task_tables import read_task_table


class TableInputs:
    """The inputs of a task whose train and test are tables with a row for each prediction.

    A fold's folder holds the task's files under their own names: the train table with the fold's training rows, the
    test table with its graded rows (the columns of the real one only, empty where they are empty there), the sample
    submission for these rows, and all other files as hard links. Split 'final' holds the task as it is, and so does
    'reduced', but for rows of its train table. Safe to share between threads.

    Where files cannot be hard-linked, `shows` lets programs see folders in which nothing is hidden from them where they
    are, by symbolic links; for programs on this machine.
    """

    def __init__(self, run_dir: Path, task: Task, plan: SplitPlan, *, shows: bool = False) -> None:
        self.run_dir, self.task, self.plan, self._shows = Path(run_dir), task, plan, shows
        self.root = Path(task.root)

    def input_dir(self, split: str, fold: int) -> Path:
        """See `Inputs`."""
        rows = self._split(split, fold)
        return laid_out(self.run_dir, split, fold, lambda folder: self._lay_out(rows, folder))

    def answers(self, split: str, fold: int) -> pd.DataFrame:
        """See `Inputs`; in the order of the fold's test table."""
        if split in UNGRADED:
            raise GomeError(f"the split {split!r} has no answers: its test rows are the real ones.")
        rows = self._split(split, fold).test_rows
        table = self._train[self.task.answer_columns].iloc[rows].reset_index(drop=True)
        table.insert(0, self.task.id, self._ids(rows))
        return table

    def labels(self, split: str, fold: int) -> pd.DataFrame:
        """See `Inputs`; in the order of the fold's train table."""
        rows = self._split(split, fold).train_rows
        return self._train[self.task.answer_columns].iloc[rows].reset_index(drop=True)

    def sample(self, split: str, fold: int) -> pd.DataFrame:
        """The sample submission of a fold: the ids of its test table and what else the real one repeats of that, every
        prediction as in the real sample's first row."""
        real = self._real_sample
        if split in UNGRADED:
            return real.copy()
        rows = self._split(split, fold).test_rows
        cells = {self.task.id: self._ids(rows)}
        for column in real.columns.drop(self.task.id):
            if column in self.task.prediction:
                cells[column] = real[column].iloc[[0] * len(rows)].to_numpy()
            else:
                cells[column] = self._cells[column].iloc[rows].to_numpy()
        return pd.DataFrame(cells)[list(real.columns)]

    def features(self, split: str, fold: int) -> pd.DataFrame:
        """The test table of a fold, as programs see it."""
        return read_task_table(self.task, self.input_dir(split, fold) / self.task.test)

    @cached_property
    def notes(self) -> list[str]:
        """What the folds leave out of the task's files, one line each, for the report."""
        train = list(self._cells.columns)
        notes = []
        if absent := [c for c in self._test_columns if c not in train and c != self.task.id]:
            notes.append(
                f"columns of {self.task.test} that {self.task.train} lacks are not in the folds: {few(absent)}"
            )
        if self._made_ids:
            notes.append(
                f"ids of the folds are row numbers: {self.task.train} has no column {self.task.id!r} of its own"
            )
        return [*notes, *self.inventory.notes]

    def _split(self, split: str, fold: int) -> Split:
        return self.plan.folds(split)[fold]

    @cached_property
    def _cells(self) -> pd.DataFrame:
        """The train table as it stands, to be written out again."""
        return read_cells(self.root / self.task.train)

    @cached_property
    def _train(self) -> pd.DataFrame:
        """The train table as the task means it, to be worked with."""
        return read_task_table(self.task, self.task.train)

    @cached_property
    def _real_sample(self) -> pd.DataFrame:
        return read_cells(self.root / self.task.sample)

    @cached_property
    def _test_columns(self) -> list[str]:
        """Columns of the fold's test table, in the real one's order; only the id if the sample is the test table."""
        if self.task.test == self.task.sample:
            return [self.task.id]
        return [c for c in read_columns(self.root / self.task.test) if c not in self.task.target]

    @cached_property
    def _test(self) -> pd.DataFrame:
        return read_task_table(self.task, self.task.test)

    @cached_property
    def _lacking(self) -> dict[str, str]:
        """Columns that say nothing in the real test rows, so that graded rows must not show them."""
        return lacking(self._train, self._test, self.task)

    @cached_property
    def _made_ids(self) -> bool:
        ids = self._train.get(self.task.id)
        return ids is None or bool(ids.isna().any()) or bool(ids.duplicated().any())

    def _ids(self, rows: np.ndarray) -> np.ndarray:
        if self._made_ids:
            return np.arange(len(rows))
        return self._cells[self.task.id].to_numpy()[rows]

    def _lay_out(self, split: Split, folder: Path) -> None:
        task, found = self.task, self.inventory
        layout = FileLayout(self.root, self.run_dir / "inputs" / ".copies", found, self.shown)
        if split.name in UNGRADED:
            for name in {task.train, task.test, task.sample}:
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(
                    self.root / name, folder / name
                )  # a program not shut in cannot spoil the user's own
            whole = [*found.plain, *found.tables, *found.naming.named]
            layout.lay_out(folder, {name: name for name in whole}, {})
            if split.name == REDUCED:
                self._write(self._cells.iloc[split.train_rows], folder, task.train)
            return
        train = self._cells.iloc[split.train_rows]
        if split.name == MIRRORED:
            train = train.assign(**mirrored(self._train[task.target].iloc[split.train_rows], task))
        self._write(train, folder, task.train)
        if task.test != task.sample:
            test = self._test_table(split.test_rows)
            self._write(blinded(test, task) if split.name == BLINDED else test, folder, task.test)
        self._write(self.sample(split.name, split.fold), folder, task.sample)
        write_table(self.answers(split.name, split.fold), self._answers_file(split))
        places = {name: name for name in found.plain}
        places |= self._row_files.placed(self._graded_keys(split.test_rows), found.naming.paths)
        hidden = self._own_ids(split.test_rows)
        with tempfile.TemporaryDirectory() as scratch:
            made = {}
            for number, (name, key) in enumerate(found.tables.items()):
                made[name] = Path(scratch) / str(number) / Path(name).name
                with layout.as_file(name) as path:
                    table = read_cells(path)
                    write_table(table[~alike(table[key], hidden)], made[name], like=path)
            layout.lay_out(folder, places, made)

    def _write(self, table: pd.DataFrame, folder: Path, name: str) -> None:
        write_table(table, folder / name, like=self.root / name)

    @cached_property
    def inventory(self) -> Inventory:
        """What the task's other files are, taken once for a run."""
        path = self.run_dir / "inventory.json"
        if not path.is_file():
            take_inventory(self.task).save(path)
        return Inventory.load(path)

    @cached_property
    def shown(self) -> tuple[Path, ...]:
        """See `Inputs`: files that are in every fold, and those of rows that both train and test have, which tell of a
        graded row what they tell of a test row. Not where more than the row's own id stands in their path, as a link
        shows where it leads to."""
        if not self._shows or self._made_ids:
            return ()
        found, rules = self.inventory, self._row_files
        both = {name for kinds in rules.kinds() for files in kinds.values() for _, name in files}
        both -= {name for train, _ in rules.pairs if len(train.heads) > 1 for name in train.names}
        seen = {name for name in (*found.plain, *both) if found.archive_of(name) is None}
        folders = whole_folders([*found.names, self.task.train, self.task.test, self.task.sample], seen)
        return beyond_links(self.root, folders, found.names, self.run_dir / "inputs")

    @cached_property
    def _row_files(self) -> RowFiles:
        return self.inventory.naming.rules(self.task)

    def _graded_keys(self, rows: np.ndarray) -> dict[str, str]:
        """By what the files of graded rows are named in the fold, to what they are named by in the task."""
        key = self.inventory.naming.key
        if key is None or key not in self._train.columns:
            return {}
        own = id_text(self._train[key].iloc[rows])
        new = id_text(pd.Series(self._ids(rows))) if key == self.task.id else own
        return {n: o for n, o in zip(new, own, strict=True) if n is not None and o is not None}

    def _own_ids(self, rows: np.ndarray) -> pd.Series:
        """The ids that the train table itself gives to `rows`, as text; none if it has no ids."""
        ids = self._train.get(self.task.id, pd.Series(dtype=object))
        return id_text(ids.iloc[rows] if len(ids) else ids).dropna()

    def _answers_file(self, split: Split) -> Path:
        return self.run_dir / "answers" / f"{split.name}-{split.fold}{suffix_of(self.task.train)}"

    def _test_table(self, rows: np.ndarray) -> pd.DataFrame:
        ids = self._ids(rows)
        known = [c for c in self._test_columns if c in self._cells.columns and c != self.task.id]
        table = self._cells[known].iloc[rows].reset_index(drop=True)
        for name in self._lacking:  # as in the real test rows, in their type
            table[name] = self._test[name].iloc[:0].reindex(range(len(rows)))
        return table.assign(**{self.task.id: ids})[
            [c for c in self._test_columns if c in known or c == self.task.id]
        ]
