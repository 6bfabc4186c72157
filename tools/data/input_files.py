"""The task's other files in an input folder: hard links where they are as in the task, new files and archives else."""

import contextlib
import os
import shutil
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path, PurePosixPath

from gome.tools.data import archives
from gome.tools.data.inventory import Inventory


class InputLinks:
    """Links files of `root` into other folders. Links are hard, as a symbolic one leads out of a sandbox's mount.

    Where the file system allows none, a file is copied once into `copies` and linked from there; a symbolic link does for
    files below the folders `shown`, which sandboxes show where they are.
    """

    def __init__(self, root: Path, copies: Path, shown: Sequence[Path] = ()) -> None:
        self.root, self.copies = root, copies
        self._shown = tuple(f"{folder}/" for folder in shown)
        self._folders: set[str] = set()

    def link(self, name: str, destination: Path | str) -> None:
        """Put the file `name` of the root at `destination`, unless something is there already."""
        # Texts, as paths are slow where files are a hundred thousand.
        source, place = f"{self.root}/{name}", str(destination)
        if os.path.islink(source):  # links on the way to it are followed by themselves
            target = os.readlink(source)
            source = target if target.startswith(self._shown) else os.path.realpath(source)
        folder = os.path.dirname(place)
        if folder not in self._folders:
            os.makedirs(folder, exist_ok=True)
            self._folders.add(folder)
        try:
            os.link(source, place)
        except FileExistsError:
            return
        except OSError:
            if source.startswith(self._shown) and not os.path.islink(source):
                with contextlib.suppress(FileExistsError):
                    os.symlink(source, place)
                return
            self._link_copy(Path(source), self.copies / name, Path(place))

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


class FileLayout:
    """Puts the files of an inventory into a folder. A file in an archive is named `archive/member`."""

    def __init__(self, root: Path, copies: Path, inventory: Inventory, shown: Sequence[Path] = ()) -> None:
        self._links, self.root, self.inventory = InputLinks(root, copies, shown), root, inventory
        self._members: dict[str, set[str]] = defaultdict(set)
        for name in inventory.names:
            if archive := inventory.archive_of(name):
                self._members[archive].add(name)

    def lay_out(self, folder: Path, places: Mapping[str, str], made: Mapping[str, Path]) -> None:
        """Fill `folder`: the files `places` (place to name in the task), and `made` (place to a file to be copied).

        An archive that has all of its files in their places is linked, else written anew with those that it has.
        """
        packed: dict[str, dict[str, str | Path]] = defaultdict(dict)
        loose: dict[str, dict[str, str]] = defaultdict(dict)
        sources: dict[str, str | Path] = {**places, **made}
        for place, source in sources.items():
            if archive := self.inventory.archive_of(place):
                packed[archive][place] = source
            elif isinstance(source, Path):
                shutil.copyfile(source, _ready(folder / place))
            elif inner := self.inventory.archive_of(source):
                loose[inner][source[len(inner) + 1 :]] = place
            else:
                self._links.link(source, f"{folder}/{place}")
        for archive, wanted in loose.items():
            for member, file in archives.members(self.root / archive, wanted):
                _ready(folder / wanted[member]).write_bytes(file.read())
        for archive, contents in packed.items():
            if contents == {name: name for name in self._members[archive]}:
                self._links.link(archive, folder / archive)
            else:
                self._write_archive(_ready(folder / archive), archive, contents)

    def _write_archive(self, path: Path, archive: str, contents: Mapping[str, str | Path]) -> None:
        packed: dict[str, dict[str, list[str]]] = defaultdict(lambda: defaultdict(list))
        with archives.ArchiveWriter(path) as writer:
            for place, source in contents.items():
                member = place[len(archive) + 1 :]
                if isinstance(source, Path):
                    writer.add(member, source.read_bytes())
                elif inner := self.inventory.archive_of(source):
                    packed[inner][source[len(inner) + 1 :]].append(member)
                else:
                    writer.add(member, (self.root / source).read_bytes())
            for inner, wanted in packed.items():
                for name, file in archives.members(self.root / inner, wanted):
                    content = file.read()
                    for member in wanted[name]:
                        writer.add(member, content)

    @contextmanager
    def as_file(self, name: str) -> Iterator[Path]:
        """A file of the inventory as one that can be read, unpacked for the while if it is in an archive."""
        archive = self.inventory.archive_of(name)
        if archive is None:
            yield self.root / name
            return
        with tempfile.TemporaryDirectory() as scratch:
            path = Path(scratch) / PurePosixPath(name).name
            for _, file in archives.members(self.root / archive, [name[len(archive) + 1 :]]):
                path.write_bytes(file.read())
            yield path


def _ready(path: Path) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
