"""Labels in the names of files or of the folders they are in: a file for each unit, and no train table."""

import re
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import PurePosixPath

import numpy as np
import pandas as pd

from gome.tools.data.conventions.roles import Roles
from gome.tools.data.conventions.shape import file_column
from gome.tools.data.mlebench import classes_of_columns

_WORDS = re.compile(r"[^._\- ]+")
FEWEST, MOST_CLASSES = 20, 0.2
"""Labelled files at the least, and the share of them up to which there may be different labels."""


@dataclass(frozen=True)
class NamedUnits:
    """`train` and `test` with an id, the file of each row from the task's folder, and in train the column `label`.
    `places`: where these files are to stand, by name; `used` is what they replace. `said`: how it was read."""

    train: pd.DataFrame
    test: pd.DataFrame
    label: str
    places: dict[str, str]
    used: set[str]
    said: str


def labels_in_names(names: Sequence[str], roles: Roles) -> NamedUnits | None:
    """The units that files are named for, `names` with the members of archives; None if their names tell no labels that
    the sample asks for."""
    tests = _test_files(names, list(roles.ids))
    if tests is None:
        return None
    first = PurePosixPath(next(iter(tests.values())))
    folder, suffix = first.parent, first.suffix
    labelled = [n for n in _loose(names) if n.endswith(suffix) and PurePosixPath(n).parent != folder]
    labelled = [n for n in labelled if "train" in n.lower()] or labelled
    if len(labelled) < FEWEST or not (found := _labels(labelled, roles)):
        return None
    labels, rests, where = found
    with_suffix = all(i.endswith(suffix) for i in roles.ids)
    ids = [f"{r}{suffix if with_suffix else ''}" for r in _ids(labelled, rests)]
    label, file = roles.prediction[0] if len(roles.prediction) == 1 else "label", file_column(roles.id)
    own = [f"train/{i if with_suffix else i + suffix}" for i in ids]
    real = [f"test/{PurePosixPath(tests[i]).name}" for i in roles.ids]
    train = pd.DataFrame({roles.id: ids, file: own, label: labels}).sort_values(roles.id, ignore_index=True)
    test = pd.DataFrame({roles.id: list(roles.ids), file: real})
    places = dict(zip([*own, *real], [*labelled, *(tests[i] for i in roles.ids)], strict=True))
    stems = {_stem(n) for n in places.values()}
    used = {n for n in names if _stem(n) in stems}
    return NamedUnits(train, test, label, places, used, where)


def _test_files(names: Sequence[str], ids: list[str]) -> dict[str, str] | None:
    """The file of each id, all in one folder that holds no other ones of their kind; None if there is no such folder."""
    folders: dict[str, dict[str, str]] = defaultdict(dict)
    wanted = set(ids)
    for name in names:
        path = PurePosixPath(name)
        for called in (path.name, path.stem):
            if called in wanted:
                folders[str(path.parent)][called] = name
    whole = [f for f, files in folders.items() if len(files) == len(wanted)]
    likely = [f for f in whole if "test" in f.lower()] or whole
    return folders[min(likely, key=lambda f: ("." in f.split("/")[0], f.count("/"), f))] if likely else None


def _stem(name: str) -> str:
    """What a file's folder at the top, or the archive that it is in, is called."""
    return name.split("/")[0].split(".")[0]


def _loose(names: Sequence[str]) -> list[str]:
    """`names` without those in archives that are copies of a folder."""
    folders = {n.split("/")[0] for n in names if "." not in n.split("/")[0]}
    return [n for n in names if n.split("/")[0] in folders or _stem(n) not in folders]


def _labels(names: list[str], roles: Roles) -> tuple[list[str], list[str], str] | None:
    """(labels, what the names are without them, where they were) if one place in the names holds labels."""
    found = []
    parents = [PurePosixPath(n).parent.name for n in names]
    stems = [PurePosixPath(n).stem for n in names]
    if _fits(parents, roles):
        found.append((parents, stems, f"labels are the names of folders: {_few(parents)}"))
    words = [[m.span() for m in _WORDS.finditer(s)] for s in stems]
    for at in range(min(4, min(map(len, words)))):
        for place in (at, -1 - at):
            spans = [w[place] for w in words]
            said = [s[a:b] for s, (a, b) in zip(stems, spans, strict=True)]
            if _fits(said, roles):
                rests = [(s[:a] + s[b:]).strip("._- ") for s, (a, b) in zip(stems, spans, strict=True)]
                found.append((said, rests, f"labels stand in the names of files: {_few(said)}"))
    different = {tuple(labels): (labels, rests, where) for labels, rests, where in reversed(found)}
    if len(different) > 1:
        different = {k: v for k, v in different.items() if set(k) == {"0", "1"}}
    return next(iter(different.values())) if len(different) == 1 else None


def _fits(labels: list[str], roles: Roles) -> bool:
    """Whether these may be the labels that the sample asks for: its columns by name, or two of them."""
    counts = Counter(labels)
    if not 2 <= len(counts) <= MOST_CLASSES * len(labels) or min(counts.values()) < 2:
        return False
    if len(roles.prediction) > 1:
        return classes_of_columns(list(counts), roles.prediction) is not None
    placeholder = roles.sample.cells[roles.prediction[0]].dropna()
    if pd.to_numeric(placeholder, errors="coerce").isna().any():
        return bool(set(placeholder) <= set(counts))
    return len(counts) == 2


def _ids(names: list[str], rests: list[str]) -> list[str]:
    """An id for each file that tells nothing of its label: its name without it, else a number dealt at random."""
    if len(set(rests)) == len(rests) and all(rests):
        return rests
    return [str(i) for i in np.random.default_rng(0).permutation(len(names))]


def _few(labels: list[str]) -> str:
    different = sorted(set(labels))
    return ", ".join(different[:4]) + (", ..." if len(different) > 4 else "")
