"""What an adapter has laid out, taken over into an input folder: its links to public files, and its own files."""

import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath

import pandas as pd

from gome.tools.data.input_files import InputLinks


class Unfit(Exception):
    """What an adapter did wrong, or what its result lacks: one line that says what to mend."""


@dataclass(frozen=True)
class Carved:
    """A carved `folder` with its hidden `answers`, cells as text. Names of files in it: `linked`, to the public file that
    each of them is, and `made`, those that the adapter wrote."""

    folder: Path
    answers: pd.DataFrame
    linked: dict[str, str] = field(default_factory=dict)
    made: list[str] = field(default_factory=list)

    @property
    def names(self) -> list[str]:
        """All of its files."""
        return sorted([*self.linked, *self.made])

    def add(self, names: Sequence[str], links: InputLinks) -> None:
        """Link public files that are the same in every fold, where the adapter has not."""
        for name in set(names) - set(self.names):
            links.link(name, self.folder / name)
            self.linked[name] = name

    def take(self, out: Path, seen: str, links: InputLinks) -> None:
        """Move what lies in `out` into the folder. The adapter knew the public folder, the root of `links`, as `seen`.

        Unfit: a link that leads anywhere but to a public file or folder; what is neither file nor folder.
        """
        for name, path in files_below(out):
            if path.is_symlink():
                for inner, source in _targets(name, os.readlink(path), seen, links.root):
                    links.link(source, self.folder / inner)
                    self.linked[inner] = source
            elif stat.S_ISREG(path.lstat().st_mode):
                place = self.folder / name
                place.parent.mkdir(parents=True, exist_ok=True)
                path.chmod(0o644)
                path.replace(place)
                self.made.append(name)
            else:
                raise Unfit(f"carve() wrote {name}, which is no plain file.")


def files_below(folder: Path, name: str = "") -> Iterator[tuple[str, Path]]:
    """Names and paths of all that is no folder below `folder`, sorted; links are not followed."""
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        inner = f"{name}/{entry.name}" if name else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(Path(entry.path), inner)
        else:
            yield inner, Path(entry.path)


def _targets(name: str, target: str, seen: str, public: Path) -> Iterator[tuple[str, str]]:
    """Places in the carved folder and the public files that belong there; of a link to a folder all files in it."""
    path = PurePosixPath(os.path.normpath(target))
    if not path.is_relative_to(seen) or not (public / path.relative_to(seen)).exists():
        raise Unfit(
            f"carve() links {name} to {target}: link to what is in the public folder, by its whole path."
        )
    within = path.relative_to(seen)
    if (public / within).is_file():
        yield name, within.as_posix()
        return
    for inner, _ in files_below(public / within):
        yield f"{name}/{inner}", (within / inner).as_posix()
