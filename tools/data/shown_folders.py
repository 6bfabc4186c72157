"""Folders of a task that a program may see where they are, instead of links or copies of the files in them."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path, PurePosixPath


def whole_folders(names: Iterable[str], open_names: set[str]) -> list[str]:
    """The topmost folders below the task's in which all files are among `open_names`, sorted; never the task's own."""
    closed, found = set[str](), set[str]()
    for name in names:
        folders = {str(folder) for folder in PurePosixPath(name).parents[:-1]}
        (found if name in open_names else closed).update(folders)
    whole = found - closed
    return sorted(f for f in whole if not whole & {str(p) for p in PurePosixPath(f).parents})


def beyond_links(root: Path, folders: Iterable[str], names: Iterable[str], place: Path) -> tuple[Path, ...]:
    """Those of the `folders` of `root` whose files, of which `names` has some, cannot be hard-linked into `place`: they
    are on another file system, or not ours to link."""
    first: dict[str, str] = {}
    left = set(folders)
    for name in names:
        for folder in [f for f in left if name.startswith(f"{f}/")]:
            first[folder] = name
            left.discard(folder)
        if not left:
            break
    place.mkdir(parents=True, exist_ok=True)
    return tuple(root / folder for folder, name in sorted(first.items()) if not _links(root / name, place))


def _links(file: Path, place: Path) -> bool:
    with tempfile.TemporaryDirectory(prefix=".", dir=place) as folder:
        try:
            os.link(os.path.realpath(file), Path(folder) / "link")
        except OSError:
            return False
    return True
