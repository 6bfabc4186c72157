"""The inputs of a task that an adapter speaks for: each fold is carved once, checked as it is carved, and kept."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from functools import cached_property, partial
from pathlib import Path

import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.adapters.adapter import GROUP, ID, LABEL, TIME, Adapter, Fold, Limits
from gome.tools.adapters.carved import Carved, Unfit
from gome.tools.adapters.form import UNIT as SAID_UNIT
from gome.tools.adapters.form import check_agreement, check_form, check_metric_columns, check_shape
from gome.tools.adapters.hidden import check_hidden, check_own_files, of_answers, of_units
from gome.tools.data.input_files import InputLinks
from gome.tools.data.inputs import laid_out, link_to
from gome.tools.data.inventory import few
from gome.tools.data.mlebench import DESCRIPTIONS
from gome.tools.data.row_splits import Split
from gome.tools.data.splits import SplitPlan
from gome.tools.data.tables import read_cells, read_table, write_table
from gome.tools.data.task_files import task_files
from gome.tools.evaluation.metric import UNIT

FOLDER, UNITS, ANSWERS, UNREAD = "adapter", "units.csv", "answers.csv", "unread.txt"
"""What a run keeps of its adapter: the folder, and in it beside the adapter the units, the answers of all folds, and the
names of files in which nobody could look for labels."""


@contextmanager
def named(adapter: str) -> Iterator[None]:
    """What is unfit about an adapter, as one line that names its file."""
    try:
        yield
    except Unfit as error:
        raise GomeError(f"{adapter}: {error}") from None


def public_files(run_dir: Path, root: Path, links_root: str | None, without: Path | None = None) -> Path:
    """The task as programs and adapters see it: the folder of split 'final', made of links to the files below `root`, but
    for the file `without`."""

    def fill(folder: Path) -> None:
        links = InputLinks(root, run_dir / "inputs" / ".copies")
        for name in task_files(root, links_root):
            if without is None or (root / name).resolve() != without.resolve():
                links.link(name, folder / name)

    return laid_out(run_dir, "final", 0, fill)


class AdapterInputs:
    """The inputs of a task of any layout. What `plan` cuts are the adapter's units; the rows of answers are those of the
    sample submission that it writes for a fold. See `Inputs`."""

    def __init__(self, run_dir: Path, task: Task, plan: SplitPlan, limits: Limits) -> None:
        self.run_dir, self.task, self.plan, self.limits = Path(run_dir), task, plan, limits

    @property
    def notes(self) -> list[str]:
        """What is not known of a task without tables, one line each."""
        unread = sorted(self._unread())
        but = f", but for {len(unread)} files that nobody here can read: {few(unread)}" if unread else ""
        return [
            "there are no train and test tables: columns are not profiled, no column is searched for leaks, and no "
            f"program is run on labels turned around; carved folders were searched for hidden labels by value{but}"
        ]

    @property
    def shown(self) -> tuple[Path, ...]:
        """None."""
        return ()

    def input_dir(self, split: str, fold: int) -> Path:
        """See `Inputs`. GomeError: what the adapter laid out does not pass the checks."""
        if split == "final":
            return public_files(
                self.run_dir, Path(self.task.root), self.task.links_root, Path(self.task.adapter)
            )
        self.lay_out([self.plan.folds(split)[fold]])
        return link_to(self.run_dir, split, fold).resolve()

    def lay_out(self, splits: Sequence[Split]) -> None:
        """Carve and check what of these is not there yet. GomeError: it does not pass the checks."""
        lacking = [s for s in splits if not link_to(self.run_dir, s.name, s.fold).is_dir()]
        if not lacking:
            return
        with named(self.task.adapter_name), self.carving(lacking) as take:
            for number, cut in enumerate(lacking):
                laid_out(self.run_dir, cut.name, cut.fold, partial(self._fill, cut, partial(take, number)))

    def answers(self, split: str, fold: int) -> pd.DataFrame:
        """See `Inputs`; beside the sample's columns the `UNIT` of each row, a group of units if there are groups."""
        if split == "final":
            raise GomeError("the split 'final' has no answers: its test rows are the real ones.")
        self.input_dir(split, fold)
        table = read_table(self._answers_file(split, fold), text=[*self.task.text_columns, UNIT])
        if GROUP in self.units:
            table[UNIT] = table[UNIT].map(self.units.set_index(ID)[GROUP])
        return table

    def labels(self, split: str, fold: int) -> None:
        """None: what a program learns from is in whatever files the task has."""
        return

    def sample(self, split: str, fold: int) -> pd.DataFrame:
        """The sample submission as it lies in the fold's folder."""
        return read_table(self.input_dir(split, fold) / self.task.sample, text=self.task.text_columns)

    def features(self, split: str, fold: int) -> pd.DataFrame:
        """What the table of units says of each graded row, but for its label."""
        self.input_dir(split, fold)
        units = read_cells(self._answers_file(split, fold))[UNIT]
        known = self.units.set_index(ID).drop(columns=[LABEL, GROUP, TIME], errors="ignore")
        return known.reindex(units).reset_index(drop=True)

    @cached_property
    def units(self) -> pd.DataFrame:
        """The table of labelled units, which the plan cuts by its rows."""
        return read_table(self.run_dir / FOLDER / UNITS, text=[ID, GROUP])

    @cached_property
    def adapter(self) -> Adapter:
        """The adapter as the run has kept it."""
        source = Path(self.task.adapter).read_text(encoding="utf-8")
        return Adapter(source, self.input_dir("final", 0), self.run_dir / "inputs" / ".carving", self.limits)

    def carving(
        self, splits: Sequence[Split], *, seed: int = 0
    ) -> AbstractContextManager[Callable[[int, Path], Carved]]:
        """Let the adapter carve folds; what it gives fills a folder with the fold of a number. Unfit."""
        return self.adapter.carving([self._fold(cut) for cut in splits], seed=seed)

    def _fold(self, cut: Split) -> Fold:
        ids = self.units[ID].to_numpy()
        return list(ids[cut.train_rows]), list(ids[cut.test_rows])

    def _fill(self, cut: Split, take: Callable[[Path], Carved], folder: Path) -> None:
        task, public = self.task, self.input_dir("final", 0)
        carved = take(folder)
        carved.add([n for n in DESCRIPTIONS if (public / n).is_file()], self.adapter.links)
        train, graded = self._fold(cut)
        real, names = read_cells(public / task.sample), task_files(public)
        units = check_form(carved, task.sample, task.ids, real, graded)
        check_shape(carved, public, names)
        check_own_files(carved, public, names, set(graded), {unit for c in task.ids for unit in real[c]})
        check_metric_columns(carved.answers, task)
        check_agreement(carved.answers[task.target], units, self.units)
        hidden = of_answers(carved.answers, units, task.ids, task.target)
        unread = check_hidden(folder, carved.names, [*hidden, of_units(self.units, train)])
        answers = (
            carved.answers.drop(columns=SAID_UNIT, errors="ignore")
            if SAID_UNIT not in real
            else carved.answers
        )
        path = self._answers_file(cut.name, cut.fold)
        path.parent.mkdir(exist_ok=True)
        write_table(answers.assign(**{UNIT: units}), path)
        known = self._unread()
        (self.run_dir / FOLDER / UNREAD).write_text("\n".join(sorted(known.union(unread))), encoding="utf-8")

    def _unread(self) -> set[str]:
        path = self.run_dir / FOLDER / UNREAD
        return set(path.read_text(encoding="utf-8").splitlines()) if path.is_file() else set()

    def _answers_file(self, split: str, fold: int) -> Path:
        return self.run_dir / "answers" / f"{split}-{fold}.csv"
