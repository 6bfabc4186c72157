"""The files of a running program: those in its folder, those without a name, open or mapped, and those in memory.

The standard library only: an E2B sandbox gets this file too (see e2b.guard).
"""

import contextlib
import errno
import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

MOST_NESTED = 60
"""Folders below one another. Beyond 4096 bytes a path can't be followed, so what lies there can't be counted."""
FREE_BUFFERS = 64
"""Sockets and pipes that count nothing: as many as libraries open. Each other one counts what it may hold."""
_IN_MEMORY = ("dev/shm", "tmp")
_PIPE = 2**16  # more can't be asked for, see seccomp
_UNSEEN = (errno.EACCES, errno.ENAMETOOLONG)


@dataclass
class Files:
    """What a program's files take: bytes on disk and in memory, and how many there are, folders too.

    `buffers` are the bytes that its sockets and pipes may hold, but for the first 64; how much they do, nobody tells.

    `unseen` is a folder that can't be looked into, since it is nested too deep or is shut: '' if there is none.
    """

    disk: int = 0
    memory: int = 0
    count: int = 0
    buffers: int = 0
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
        holds: dict[tuple[int, int], int] = {}
        for pid in pids:
            with contextlib.suppress(OSError), os.scandir(f"/proc/{pid}/fd") as entries:
                for entry in entries:
                    with contextlib.suppress(OSError):
                        found = entry.stat()
                        if stat.S_ISREG(found.st_mode) and not found.st_nlink:
                            self._add_nameless(found.st_dev, found.st_ino, found.st_blocks * 512, device)
                        elif stat.S_ISSOCK(found.st_mode) or stat.S_ISFIFO(found.st_mode):
                            pipe = stat.S_ISFIFO(found.st_mode)
                            holds[found.st_dev, found.st_ino] = _PIPE if pipe else _socket_bytes()
        self.buffers = sum(sorted(holds.values())[FREE_BUFFERS:])

    def add_mapped(self, pids: Iterable[int], device: int) -> None:
        """As `add_open`, of those that are mapped into memory, and may be open no more.

        Only root is told their sizes; to others a file counts up to the end of what is mapped of it.
        """
        for pid in pids:
            with contextlib.suppress(OSError), open(f"/proc/{pid}/maps", "rb") as maps:
                for line in maps:
                    if line.endswith(b" (deleted)\n"):
                        self._add_mapping(pid, line.decode(errors="replace"), device)

    def _add_mapping(self, pid: int, line: str, device: int) -> None:
        where, _, offset, place, inode = line.split(maxsplit=5)[:5]
        start, _, end = where.partition("-")
        try:
            found = os.stat(f"/proc/{pid}/map_files/{where}")
            self._add_nameless(found.st_dev, found.st_ino, found.st_blocks * 512, device)
        except OSError:
            major, _, minor = place.partition(":")
            size = int(offset, 16) + int(end, 16) - int(start, 16)
            self._add_nameless(os.makedev(int(major, 16), int(minor, 16)), int(inode), size, device)

    def _add_nameless(self, on: int, inode: int, size: int, device: int) -> None:
        if (on, inode) in self._nameless:
            return
        self._nameless.add((on, inode))
        if on == device:
            self.disk += size
        else:
            self.memory += size

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
                    if device in used or device == os.stat(f"/{name}").st_dev:
                        continue
                    # While its walls are built, the disk may stand there.
                    if device in _file_systems_in_memory(pid):
                        size = os.statvfs(there)
                        used[device] = (size.f_blocks - size.f_bfree) * size.f_frsize
                        self.count += size.f_files - size.f_ffree
        self.memory = max(self.memory, sum(used.values()))


def _file_systems_in_memory(pid: int) -> set[int]:
    """The devices of the tmpfs mounts that a process sees."""
    found: set[int] = set()
    with open(f"/proc/{pid}/mountinfo") as mounts:
        for line in mounts:
            mount, _, kind = line.partition(" - ")
            if kind.startswith("tmpfs "):
                major, _, minor = mount.split()[2].partition(":")
                found.add(os.makedev(int(major), int(minor)))
    return found


@cache
def _socket_bytes() -> int:
    """What a socket may hold of what was sent by it, where its program asks for the most."""
    with contextlib.suppress(OSError, ValueError), open("/proc/sys/net/core/wmem_max") as most:
        return 2 * int(most.read())
    return 2 * 212_992


def files_of(folder: Path, pids: list[int], most: int) -> Files:
    """All files of a program that works in `folder` with these processes; not counted on beyond `most`."""
    files = Files()
    files.add_folder(folder, most)
    with contextlib.suppress(OSError):
        device = os.stat(folder).st_dev
        files.add_open(pids, device)
        files.add_mapped(pids, device)
    files.add_mounts(pids)
    return files
