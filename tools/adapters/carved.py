"""What an adapter has laid out, taken over into an input folder: its links to public files, and its own files."""

import os
import stat
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import pandas as pd

from gome.state.errors import GomeError
from gome.tools.data import archives
from gome.tools.data.input_files import InputLinks
from gome.tools.data.table_names import is_table
from gome.tools.data.unpacked import unpacked_size
from gome.tools.execution.left_behind import real_folder
from gome.tools.text import is_utf8

MOST_TABLE, MOST_ARCHIVE = 2 << 30, 64 << 30
"""Bytes of a table, and of all that an archive holds, once unpacked: more would fill the agent's memory, or its disk."""


OUT = "carved"
"""The folder that a call of `carve` fills, in the one it works in."""


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

    def take(
        self,
        work: Path,
        seen: str,
        links: InputLinks,
        *,
        most_table: int = MOST_TABLE,
        most_archive: int = MOST_ARCHIVE,
    ) -> None:
        """Move what a call has left in `work`/carved into the folder. The adapter knew the public folder, the root of
        `links`, as `seen`.

        Unfit: no such folder; a link that leads anywhere but to a public file or folder; what is neither file nor folder,
        has a second name or one that is no UTF-8, or unpacks to more than can be looked through.
        """
        out = real_folder(work, OUT)
        if out is None:
            raise Unfit("carve() left no folder where `out` was: write into the one that is there.")
        for name, path in files_below(out):
            if not is_utf8(name):
                raise Unfit(f"carve() wrote {name!r}, whose name is no UTF-8.")
            if path.is_symlink():
                for inner, source in _targets(name, os.readlink(path), seen, links.root):
                    links.link(source, self.folder / inner)
                    self.linked[inner] = source
            else:
                _check_file(name, path, most_table if is_table(name) else most_archive)
                place = self.folder / name
                place.parent.mkdir(parents=True, exist_ok=True)
                path.chmod(0o644)
                path.replace(place)
                self.made.append(name)


def files_below(folder: Path, name: str = "") -> Iterator[tuple[str, Path]]:
    """Names and paths of all that is no folder below `folder`, sorted; links are not followed."""
    for entry in sorted(os.scandir(folder), key=lambda e: e.name):
        inner = f"{name}/{entry.name}" if name else entry.name
        if entry.is_dir(follow_symlinks=False):
            yield from files_below(Path(entry.path), inner)
        else:
            yield inner, Path(entry.path)


def readable(what: str, read: Callable[..., pd.DataFrame], path: Path, **how: Any) -> pd.DataFrame:
    """The table that a call, named by `what`, has left at `path`, as `read` reads it. Unfit if it cannot."""
    try:
        return read(path, **how)
    except GomeError as error:  # it names a file that nobody else ever sees
        raise Unfit(f"{what} cannot be read{str(error).removeprefix(str(path))}") from None


def _check_file(name: str, path: Path, most: int) -> None:
    found = path.lstat()
    if not stat.S_ISREG(found.st_mode) or found.st_nlink != 1:
        raise Unfit(f"carve() wrote {name!r}, which is no plain file with one name.")
    try:
        size = unpacked_size(path, most)
    except (GomeError, *archives.BROKEN):
        raise Unfit(f"carve() wrote {name!r}, which is damaged.") from None
    if size > most:
        raise Unfit(f"carve() wrote {name!r}, which is larger than {most / 2**30:.3g} GB once unpacked.")


def _targets(name: str, target: str, seen: str, public: Path) -> Iterator[tuple[str, str]]:
    """Places in the carved folder and the public files that belong there; of a link to a folder all files in it.

    `seen` is a stranger's word as well: below the root of the file system there is no way up."""
    path = PurePosixPath(os.path.normpath(target))
    leads_in = path.is_absolute() and path.is_relative_to(seen)
    if not leads_in or not os.path.exists(public / path.relative_to(seen)):
        raise Unfit(
            f"carve() links {name!r} to {target!r}: link to what is in the public folder, by its whole path."
        )
    within = path.relative_to(seen)
    if (public / within).is_file():
        yield name, within.as_posix()
        return
    for inner, _ in files_below(public / within):
        yield f"{name}/{inner}", (within / inner).as_posix()
