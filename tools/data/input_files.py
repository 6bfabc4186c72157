"""The task's other files in an input folder: hard links, and files that belong to rows put where the rows are."""

import os
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_SHARE = 0.9
_PROBE = 500


class InputLinks:
    """Links files of `root` into other folders. Links are hard, as a symbolic one leads out of a sandbox's mount.

    Where the file system allows none, a file is copied once into `copies` and linked from there.
    """

    def __init__(self, root: Path, copies: Path) -> None:
        self.root, self.copies = root, copies

    def link(self, name: str, destination: Path) -> None:
        """Put the file `name` of the root at `destination`, unless something is there already."""
        source = (self.root / name).resolve()
        if destination.exists() or not source.is_file():
            return
        destination.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(source, destination)
        except OSError:
            self._link_copy(source, self.copies / name, destination)

    def rest(self, folder: Path, skip: set[str]) -> None:
        """Link all files but those whose name, or a folder above them, is in `skip` (paths relative to the root)."""
        for name in _files(self.root, "", skip):
            self.link(name, folder / name)

    def _link_copy(self, source: Path, copy: Path, destination: Path) -> None:
        if not copy.is_file():
            copy.parent.mkdir(parents=True, exist_ok=True)
            draft = copy.with_name(f".{copy.name}.{os.getpid()}.{id(destination)}")
            shutil.copyfile(source, draft)
            draft.replace(copy)
        try:
            os.link(copy, destination)
        except OSError:
            shutil.copyfile(copy, destination)


def _files(root: Path, below: str, skip: set[str]) -> Iterator[str]:
    """Names of all files below a folder of the root, following links to folders but not the same folder twice over."""
    for entry in sorted(os.scandir(root / below), key=lambda e: e.name):
        name = f"{below}/{entry.name}" if below else entry.name
        if name in skip:
            continue
        if entry.is_dir():
            inside = Path(entry.path).resolve()
            if not (root / below).resolve().is_relative_to(inside):
                yield from _files(root, name, skip)
        elif entry.is_file():
            yield name


@dataclass(frozen=True)
class RowFolders:
    """Folders whose files are named by row ids: `pairs` of a train and a test folder, and `alone`, train only.

    Without a path in the tables, a program looks for a test row's file in the test folder, where the graded rows of a
    fold have none. What is `alone` next to pairs is a label as a file (a mask, say) and hidden with the row.
    """

    root: Path
    pairs: list[tuple[str, str]]
    alone: list[str]

    @classmethod
    def find(cls, root: Path, train: set[str], test: set[str]) -> "RowFolders":
        """The folders of `root`, at most two deep, with a file for nine in ten ids of `train` or of `test`."""
        trains, tests = [], []
        for path in sorted(p for pattern in ("*", "*/*") for p in root.glob(pattern) if p.is_dir()):
            names = {
                n for entry in os.scandir(path) if entry.is_file() for n in (entry.name, _stem(entry.name))
            }
            in_train, in_test = _share(train, names), _share(test, names)
            if in_train >= _SHARE and in_test < 1 - _SHARE:
                trains.append(path.relative_to(root).as_posix())
            elif in_test >= _SHARE and in_train < 1 - _SHARE:
                tests.append(path.relative_to(root).as_posix())
        by_name = {t: t.replace("train", "test") for t in trains}
        pairs = [(t, by_name[t]) for t in trains if by_name[t] in tests]
        if not pairs and len(trains) == len(tests) == 1:
            pairs = [(trains[0], tests[0])]
        paired = {t for t, _ in pairs}
        return cls(root, pairs, [t for t in trains if t not in paired] if pairs else [])

    def lay_out(self, linker: InputLinks, folder: Path, hidden: set[str]) -> set[str]:
        """Link the files of the `hidden` rows into the test folders, and hide them where they are labels.

        Returns the names of the folders that are done. Train folders of pairs stay whole: a table may name their paths.
        """
        for train, test in self.pairs:
            (folder / test).mkdir(parents=True, exist_ok=True)
            for name in _owned(self.root / train, hidden):
                linker.link(f"{train}/{name}", folder / test / name)
        for train in self.alone:
            owned = set(_owned(self.root / train, hidden))
            for name in _files(self.root, train, {f"{train}/{n}" for n in owned}):
                linker.link(name, folder / name)
        return {*self.alone, *(test for _, test in self.pairs)}


def _owned(path: Path, ids: set[str]) -> list[str]:
    return [e.name for e in os.scandir(path) if e.is_file() and (e.name in ids or _stem(e.name) in ids)]


def _stem(name: str) -> str:
    return name.split(".")[0]


def _share(ids: set[str], names: set[str]) -> float:
    probe = sorted(ids)[:_PROBE]
    return sum(i in names for i in probe) / len(probe) if probe else 0.0
