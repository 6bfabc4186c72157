"""What a program finds in its `input/` folder, and what stays hidden from it: the seam between harness and task."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import pandas as pd

from gome.tools.data.splits import SplitPlan


class Inputs(Protocol):
    """Input folders of a run, one for each fold, and the answers that stay outside of them. Threads may share it.

    Tables are cut by their rows (`TableInputs`), everything else by an adapter (`AdapterInputs`).
    Split 'final' holds the task as it is, and has no answers.
    """

    @property
    def plan(self) -> SplitPlan:
        """Which units each fold trains on and grades."""

    @property
    def notes(self) -> list[str]:
        """What the folds leave out of the task's files, one line each, for the report."""

    @property
    def shown(self) -> tuple[Path, ...]:
        """Folders of the task, on this machine, that links in the input folders lead into: nothing in them is hidden from
        any program."""

    def input_dir(self, split: str, fold: int) -> Path:
        """The folder of a fold; laid out on first use, complete as soon as it is there."""

    def answers(self, split: str, fold: int) -> pd.DataFrame:
        """Id and `task.answer_columns` of what is graded, in the order of the fold's sample. GomeError for 'final'."""

    def labels(self, split: str, fold: int) -> pd.DataFrame | None:
        """`task.answer_columns` of what a program learns from; None where they are in no table."""

    def sample(self, split: str, fold: int) -> pd.DataFrame:
        """The sample submission of a fold."""

    def features(self, split: str, fold: int) -> pd.DataFrame:
        """What is known of each graded row beside its answer, in the order of `answers`; maybe no column."""


def link_to(run_dir: Path, split: str, fold: int) -> Path:
    """The link that says which fold an input folder is of, there as soon as the folder is complete."""
    return run_dir / "inputs" / f"{split}-{fold}"


def laid_out(run_dir: Path, split: str, fold: int, fill: Callable[[Path], None]) -> Path:
    """The input folder of a fold, made by `fill` unless it is there: whole or not at all.

    Its path, which a program can find out, does not say which split it is: `inputs/<split>-<fold>` is a link to it.
    """
    link = link_to(run_dir, split, fold)
    if not link.is_dir():
        link.parent.mkdir(parents=True, exist_ok=True)
        folder = Path(tempfile.mkdtemp(prefix=".", dir=link.parent))
        try:
            fill(folder)
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
