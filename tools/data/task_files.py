"""The files of a task folder, listed once; a link that leads out of the folder is refused."""

import os
from collections.abc import Iterator
from pathlib import Path

from gome.state.errors import GomeError
from gome.tools.text import is_utf8

NEVER = ("task.yaml", "private")
"""Names at the top of a task folder that no program is given."""


def task_files(root: Path, links_root: str | None = None) -> list[str]:
    """Names of all files below `root` but `NEVER`, sorted within each folder.

    Links are followed as long as they lead into the folder, or into `links_root` (a folder; from the task's if it is
    relative), and into the same folder not twice over. GomeError names a link that leads elsewhere, and a name that is no
    UTF-8, which neither a record nor a report could hold.
    """
    allowed = [root.resolve()]
    if links_root is not None:
        allowed.append((root / Path(links_root).expanduser()).resolve())
        if not allowed[-1].is_dir():
            raise GomeError(f"{root}: `links_root`: {allowed[-1]} is no folder.")
    return list(_below(root, "", allowed, (allowed[0],)))


def laid_files(folder: Path) -> list[str]:
    """Names of all files of an input folder that we have laid out, sorted within each folder: links in it are our own."""
    names = []
    for above, folders, files in os.walk(folder):
        folders.sort()
        inner = os.path.relpath(above, folder)
        names += [name if inner == "." else f"{inner}/{name}" for name in sorted(files)]
    return names


def _below(root: Path, folder: str, allowed: list[Path], above: tuple[Path, ...]) -> Iterator[str]:
    for entry in sorted(os.scandir(root / folder), key=lambda e: e.name):
        name = f"{folder}/{entry.name}" if folder else entry.name
        if not is_utf8(name):
            raise GomeError(f"{str(root / name)!r}: the file's name is no UTF-8; rename the file.")
        if name in NEVER and not entry.is_symlink():
            continue
        inside = Path(entry.path).resolve() if entry.is_symlink() else None
        if inside is not None:
            _check_link(root / name, inside, allowed)
            if name in NEVER:
                continue
        if entry.is_dir():
            inside = inside or above[-1] / entry.name
            if inside not in above:
                yield from _below(root, name, allowed, (*above, inside))
        elif entry.is_file():
            yield name


def _check_link(link: Path, target: Path, allowed: list[Path]) -> None:
    if not any(target.is_relative_to(folder) for folder in allowed):
        raise GomeError(
            f"{link}: a link to {target}, outside of the task folder; copy the file in place of the link, or name the "
            "folder that all links may lead into as `links_root`."
        )
    if any(target.is_relative_to(allowed[0] / name) for name in NEVER):
        raise GomeError(f"{link}: a link to {target}, which no program may see; remove the link.")
