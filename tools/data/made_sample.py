"""A sample submission where a task has none: its form is told by the test table, and by what train has more."""

import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pandas as pd

from gome.state.errors import GomeError, NoSample
from gome.tools.data.conventions import roles
from gome.tools.data.conventions.sources import Source, find_sources
from gome.tools.data.made_folder import SAMPLE, write_folder
from gome.tools.data.mlebench import find_sample
from gome.tools.data.partial_task import PartialTask
from gome.tools.data.task_files import task_files


def with_sample_file(
    root: Path, partial: PartialTask, workspace: Path, without: Path | None = None
) -> tuple[Path, PartialTask]:
    """The task's folder and what is said of it, as they are where a sample submission is said or found; else a folder
    below `workspace` with one that was made, and all else but the file `without`. NoSample: nothing tells its form.
    GomeError: `target` has to be said."""
    try:
        partial.sample or find_sample(root)
    except NoSample:
        names = task_files(root, partial.links_root)
        names = [n for n in names if without is None or (root / n).resolve() != without.resolve()]
        with tempfile.TemporaryDirectory() as scratch:
            sources = list(find_sources(root, names, Path(scratch)))
            if roles.find_sample(sources, ""):  # packed, or in another form: a convention knows it
                return root, partial
            sample = _made(sources, partial)
        if sample is None:
            raise
        folder = write_folder(root, workspace / "sample", {SAMPLE: sample}, {n: n for n in names})
        return folder, replace(partial, sample=SAMPLE, links_root=None)
    return root, partial


def _made(sources: Sequence[Source], partial: PartialTask) -> pd.DataFrame | None:
    """A row for each of test, with the most frequent value of each target; test as it stands, if train has no column
    more. None: no test table, or no column tells its rows apart."""
    test, train = (
        _called(sources, role, said) for role, said in (("test", partial.test), ("train", partial.train))
    )
    unique = [c for c in test.columns if test.cells[c].is_unique] if test else []
    id_ = partial.id or next(iter(unique), "")
    if test is None or id_ not in test.columns:
        return None
    more = [c for c in train.columns if c not in test.columns] if train else []
    if train is None or not (partial.target or more):
        return test.cells if len(test.columns) > 1 else None
    if not partial.target and len(more) > 1:
        raise GomeError(
            f"{train.name}: there is no sample submission, and which of {', '.join(more[:8])} are to be predicted is not "
            "plain; give `target`."
        )
    values = {c: train.cells[c].mode().iloc[0] for c in partial.target or more}
    return test.cells[[id_]].assign(**values)


def _called(sources: Sequence[Source], role: str, said: str) -> Source | None:
    """The table that is `said` to have a role, or the only one that is called so, the highest up."""
    named = [
        s
        for s in sources
        if s.columns and (s.name == said if said else role in s.name.split("/")[-1].lower())
    ]
    highest = [s for s in named if s.name.count("/") == min(n.name.count("/") for n in named)]
    return highest[0] if len(highest) == 1 else None
