"""The files of a running program: those in its folder, those without a name, and those that lie in memory.

The standard library only: an E2B sandbox gets this file too (see e2b_guard).
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

MOST_NESTED = 60
"""Folders below one another. Beyond 4096 bytes a path can't be followed, so what lies there can't be counted."""
_IN_MEMORY = ("dev/shm", "tmp")
_UNSEEN = (errno.EACCES, errno.ENAMETOOLONG)


@dataclass
class Files:
    """What a program's files take: bytes on disk and in memory, and how many there are, folders too.

    `unseen` is a folder that can't be looked into, since it is nested too deep or is shut: '' if there is none.
    """

    disk: int = 0
    memory: int = 0
    count: int = 0
    unseen: str = ""
    _nameless: set[tuple[int, int]] = field(default_factory=set, repr=False)

    def add_folder(self, folder: Path, most: int) -> None:
        """Count what is below `folder`, links not followed, until there are more than `most`."""
        folders = [(os.fspath(folder), 0)]
        while folders and self.count <= most:
            path, depth = folders.pop()
            if depth > MOST_NESTED:
                self.unseen = path
                continue
            try:
                self._add_entries(path, depth, folders)
            except OSError as error:  # or it is gone meanwhile
                self.unseen = path if error.errno in _UNSEEN else self.unseen

    def _add_entries(self, path: str, depth: int, folders: list[tuple[str, int]]) -> None:
        with os.scandir(path) as entries:
            for entry in entries:
                self.count += 1
                with contextlib.suppress(FileNotFoundError):
                    if entry.is_dir(follow_symlinks=False):
                        folders.append((entry.path, depth + 1))
                    self.disk += entry.stat(follow_symlinks=False).st_blocks * 512

    def add_open(self, pids: Iterable[int], device: int) -> None:
        """Count files without a name that these processes hold: on disk where they lie on `device`, else in memory."""
        for pid in pids:
            with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        self._add_nameless(entry.stat(), device)

    def _add_nameless(self, found: os.stat_result, device: int) -> None:
        if (
            not stat.S_ISREG(found.st_mode)
            or found.st_nlink
            or (found.st_dev, found.st_ino) in self._nameless
        ):
            return
        self._nameless.add((found.st_dev, found.st_ino))
        if found.st_dev == device:
            self.disk += found.st_blocks * 512
        else:
            self.memory += found.st_blocks * 512

    def add_mounts(self, pids: Iterable[int]) -> None:
        """Count the files in memory that these processes' namespaces have to themselves.

        Some of those without a name may be among them: so the larger of both figures stands, and none counts twice.
        """
        used: dict[int, int] = {}
        for pid in pids:
            for name in _IN_MEMORY:
                with contextlib.suppress(OSError):
                    there = f"/proc/{pid}/root/{name}"
                    device = os.stat(there).st_dev
                    if device not in used and device != os.stat(f"/{name}").st_dev:
                        size = os.statvfs(there)
                        used[device] = (size.f_blocks - size.f_bfree) * size.f_frsize
                        self.count += size.f_files - size.f_ffree
        self.memory = max(self.memory, sum(used.values()))


def files_of(folder: Path, pids: list[int], most: int) -> Files:
    """All files of a program that works in `folder` with these processes; not counted on beyond `most`."""
    files = Files()
    files.add_folder(folder, most)
    with contextlib.suppress(OSError):
        files.add_open(pids, os.stat(folder).st_dev)
    files.add_mounts(pids)
    return files
