"""Conventions: tasks whose tables have to be found or made first, by declared rules and without a model.

A convention lays out a folder with a train table, a test table and the sample submission, and the task is read from there
like any other: whatever is held back, checked and graded is so by the one road that tables have.
"""

import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

from gome.state.errors import NotUnderstood
from gome.tools.data import archives
from gome.tools.data.conventions.name_labels import labels_in_names
from gome.tools.data.conventions.roles import Roles, find_roles, find_sample
from gome.tools.data.conventions.shape import shaped
from gome.tools.data.conventions.sources import find_sources
from gome.tools.data.inventory import Inventory, opened
from gome.tools.data.made_folder import SAMPLE, write_folder
from gome.tools.data.partial_task import PartialTask
from gome.tools.data.task_files import task_files

TRAIN, TEST = "train.csv", "test.csv"


@dataclass(frozen=True)
class Reading:
    """The folder in which a task can be read by its tables, what is known of it there, and what was done, in words."""

    root: Path
    partial: PartialTask
    said: list[str]


def read_by_convention(root: Path, partial: PartialTask, workspace: Path) -> Reading:
    """The task in `root` by the first convention that fits, laid out below `workspace`. NotUnderstood if none does."""
    names = task_files(root, partial.links_root)
    with tempfile.TemporaryDirectory() as scratch:
        sources = list(find_sources(root, names, Path(scratch)))
        sample = find_sample(sources, partial.sample)
        if sample is None:
            raise NotUnderstood(f"{root}: no sample submission was found.")
        roles = find_roles(sources, sample, partial.id or sample.columns[0])
        read = _from_tables if roles.train else _from_names
        return read(root, names, roles, partial, workspace)


def _from_tables(
    root: Path, names: list[str], roles: Roles, partial: PartialTask, workspace: Path
) -> Reading:
    train, test, sample = roles.train, roles.test or roles.sample, roles.sample
    assert train is not None
    said = [f"{train.name} is the train table", *([f"{test.name} the test table"] if roles.test else [])]
    whole = replace(partial, ids=[roles.id], target=roles.target, sample=sample.name)
    as_it_is = roles.key is None or (roles.key.columns == (roles.id,) and roles.key.of(test.cells).is_unique)
    if as_it_is and train.plain and test.plain and sample.plain and not roles.listed:
        return Reading(root, replace(whole, train=train.name, test=test.name), said)
    tables = shaped(roles, names)
    beside = {name: table.drop(columns=roles.target, errors="ignore") for name, table in train.beside.items()}
    made = {**beside, TRAIN: tables.train, TEST: tables.test, SAMPLE: sample.cells}
    used = {s.file for s in (train, test, sample)}
    folder = write_folder(root, workspace, made, {n: n for n in names if n not in used})
    whole = replace(whole, train=TRAIN, test=TEST, sample=SAMPLE, target=tables.target)
    return Reading(
        folder, replace(whole, group=partial.group or tables.group, links_root=None), [*said, *tables.said]
    )


def _from_names(root: Path, names: list[str], roles: Roles, partial: PartialTask, workspace: Path) -> Reading:
    units = labels_in_names(list(opened(root, names, Inventory())), roles)
    if units is None:
        raise NotUnderstood(f"{root}: no table with labels was found, nor labels in the names of files.")
    made = {TRAIN: units.train, TEST: units.test, SAMPLE: roles.sample.cells}
    used = {*units.used, *units.places.values(), roles.sample.file}
    others = {n: n for n in names if n not in used and not archives.is_archive(n)}
    folder = write_folder(root, workspace, made, {**others, **units.places})
    whole = replace(
        partial, ids=[roles.id], target=[units.label], train=TRAIN, test=TEST, sample=SAMPLE, links_root=None
    )
    return Reading(folder, whole, [units.said])
