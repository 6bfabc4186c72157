"""What a program finds in its `input/` folder, laid out once for each fold, with no hidden label in it."""

import shutil
import tempfile
from functools import cached_property
from pathlib import Path

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.ids import alike, id_text
from gome.tools.data.input_files import InputLinks, RowFolders
from gome.tools.data.label_probes import BLINDED, MIRRORED, blinded, mirrored
from gome.tools.data.row_splits import Split
from gome.tools.data.shift import lacking
from gome.tools.data.splits import SplitPlan
from gome.tools.data.table_names import is_table, suffix_of
from gome.tools.data.tables import read_columns, read_table, write_table

NEVER = ("task.yaml", "private")


class Inputs:
    """Input folders of a run, one for each fold, and the answers that stay outside of them.

    A fold's folder holds the task's files under their own names: the train table with the fold's training rows, the
    test table with its graded rows (the columns of the real one only, empty where they are empty there), the sample
    submission for these rows, and all other files as hard links. Split 'final' holds the task as it is. Safe to share
    between threads.
    """

    def __init__(self, run_dir: Path, task: Task, plan: SplitPlan) -> None:
        self.run_dir, self.task, self.plan = Path(run_dir), task, plan
        self.root = Path(task.root)

    def input_dir(self, split: str, fold: int) -> Path:
        """The folder of a fold; laid out on first use, complete as soon as it is there.

        Its path, which a program can find out, does not say which split it is: `inputs/<split>-<fold>` is a link to it.
        """
        link = self.run_dir / "inputs" / f"{split}-{fold}"
        if not link.is_dir():
            link.parent.mkdir(parents=True, exist_ok=True)
            folder = Path(tempfile.mkdtemp(prefix=".", dir=link.parent))
            try:
                self._lay_out(self._split(split, fold), folder)
                folder.chmod(0o755)
                link.symlink_to(folder.name)
            except OSError:
                shutil.rmtree(folder, ignore_errors=True)
                if not link.is_dir():  # else another thread or process was first; its folder is the same
                    raise
            except BaseException:
                shutil.rmtree(folder, ignore_errors=True)
                raise
        return link.resolve()

    def answers(self, split: str, fold: int) -> pd.DataFrame:
        """Id and target columns of the graded rows, in the order of the fold's test table. GomeError for 'final'."""
        if split == "final":
            raise GomeError("the split 'final' has no answers: its test rows are the real ones.")
        rows = self._split(split, fold).test_rows
        table = self._train[self.task.target].iloc[rows].reset_index(drop=True)
        table.insert(0, self.task.id, self._ids(rows))
        return table

    def sample(self, split: str, fold: int) -> pd.DataFrame:
        """The sample submission of a fold: the ids of its test table, every value as in the real sample's first row."""
        real = self._real_sample
        if split == "final":
            return real.copy()
        ids = self._ids(self._split(split, fold).test_rows)
        first = {
            c: ids if c == self.task.id else real[c].iloc[[0] * len(ids)].to_numpy() for c in real.columns
        }
        return pd.DataFrame(first)

    @cached_property
    def notes(self) -> list[str]:
        """What the folds leave out of the task's files, one line each, for the report."""
        train = list(self._train.columns)
        notes = []
        if absent := [c for c in self._test_columns if c not in train and c != self.task.id]:
            notes.append(
                f"columns of {self.task.test} that {self.task.train} lacks are not in the folds: {_few(absent)}"
            )
        if self._made_ids:
            notes.append(
                f"ids of the folds are row numbers: {self.task.train} has no column {self.task.id!r} of its own"
            )
        for name in self._labelled:
            kept = "without the graded rows" if self._filtered(name) else "not"
            notes.append(f"{name} holds labels: it is {kept} in the folds")
        if self._folders.pairs:
            notes.append(f"files of graded rows are in {_few([test for _, test in self._folders.pairs])}")
        return notes

    def _split(self, split: str, fold: int) -> Split:
        return self.plan.folds(split)[fold]

    @cached_property
    def _train(self) -> pd.DataFrame:
        return read_table(self.root / self.task.train)

    @cached_property
    def _real_sample(self) -> pd.DataFrame:
        return read_table(self.root / self.task.sample)

    @cached_property
    def _test_columns(self) -> list[str]:
        """Columns of the fold's test table, in the real one's order; only the id if the sample is the test table."""
        if self.task.test == self.task.sample:
            return [self.task.id]
        return [c for c in read_columns(self.root / self.task.test) if c not in self.task.target]

    @cached_property
    def _test(self) -> pd.DataFrame:
        return read_table(self.root / self.task.test)

    @cached_property
    def _lacking(self) -> dict[str, str]:
        """Columns that say nothing in the real test rows, so that graded rows must not show them."""
        return lacking(self._train, self._test, self.task)

    @cached_property
    def _made_ids(self) -> bool:
        ids = self._train.get(self.task.id)
        return ids is None or bool(ids.isna().any()) or bool(ids.duplicated().any())

    def _ids(self, rows: np.ndarray) -> np.ndarray:
        return np.arange(len(rows)) if self._made_ids else self._train[self.task.id].to_numpy()[rows]

    def _lay_out(self, split: Split, folder: Path) -> None:
        linker, task = InputLinks(self.root, self.run_dir / "inputs" / ".copies"), self.task
        own = {task.train, task.test, task.sample}
        if split.name == "final":
            for name in own:  # copied: a program that is not shut in cannot spoil the user's own tables
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copyfile(self.root / name, folder / name)
            linker.rest(folder, skip={*own, *NEVER})
            return
        train = self._train.iloc[split.train_rows]
        write_table(mirrored(train, task) if split.name == MIRRORED else train, folder / task.train)
        if task.test != task.sample:
            test = self._test_table(split.test_rows)
            write_table(blinded(test, task) if split.name == BLINDED else test, folder / task.test)
        write_table(self.sample(split.name, split.fold), folder / task.sample)
        write_table(self.answers(split.name, split.fold), self._answers_file(split))
        hidden = self._own_ids(split.test_rows)
        for name in self._labelled:
            if self._filtered(name):
                table = read_table(self.root / name)
                write_table(table[~alike(table[task.id], hidden)], folder / name)
        done = {*own, *self._labelled, *NEVER}
        if len(hidden) and self._folders.pairs:
            done |= self._folders.lay_out(linker, folder, set(hidden))
        linker.rest(folder, skip=done)

    @cached_property
    def _labelled(self) -> list[str]:
        """Other tables with a target column in them: a way for hidden labels to get in."""
        own = {self.task.train, self.task.test, self.task.sample}
        names = (
            p.relative_to(self.root).as_posix()
            for p in sorted(self.root.rglob("*"))
            if is_table(p) and p.is_file()
        )
        return [n for n in names if n not in own and self._has_target(n)]

    def _has_target(self, name: str) -> bool:
        try:
            return bool(set(read_columns(self.root / name)) & set(self.task.target))
        except GomeError:  # not readable as a table, so nobody can say what is in it
            return True

    def _filtered(self, name: str) -> bool:
        """Whether the graded rows can be taken out of another table by their ids: each row has one, in both tables."""
        if self.task.id not in self._train.columns or self._train[self.task.id].isna().any():
            return False
        try:
            return self.task.id in read_columns(self.root / name)
        except GomeError:
            return False

    @cached_property
    def _folders(self) -> RowFolders:
        test = read_table(self.root / self.task.test, columns=[self.task.id])[self.task.id]
        train = self._train.get(self.task.id, pd.Series(dtype=str))
        return RowFolders.find(self.root, set(id_text(train).dropna()), set(id_text(test).dropna()))

    def _own_ids(self, rows: np.ndarray) -> pd.Series:
        """The ids that the train table itself gives to `rows`, as text; none if it has no ids."""
        ids = self._train.get(self.task.id, pd.Series(dtype=object))
        return id_text(ids.iloc[rows] if len(ids) else ids).dropna()

    def _answers_file(self, split: Split) -> Path:
        return self.run_dir / "answers" / f"{split.name}-{split.fold}{suffix_of(self.task.train)}"

    def _test_table(self, rows: np.ndarray) -> pd.DataFrame:
        ids = self._ids(rows)
        known = [c for c in self._test_columns if c in self._train.columns and c != self.task.id]
        table = self._train[known].iloc[rows].reset_index(drop=True)
        for name in self._lacking:  # as in the real test rows, in their type
            table[name] = self._test[name].iloc[:0].reindex(range(len(rows)))
        return table.assign(**{self.task.id: ids})[
            [c for c in self._test_columns if c in known or c == self.task.id]
        ]


def _few(names: list[str]) -> str:
    return ", ".join(names[:8]) + (f" and {len(names) - 8} more" if len(names) > 8 else "")
