"""What is sent to where programs run: which files a folder holds, by content, and a tar file of those new there."""

import hashlib
import io
import os
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

Manifest = dict[str, str]
"""Relative path with forward slashes: SHA-256 of the content."""


class Hasher:
    """Hashes files, each once as long as it does not change. Safe to share between threads."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, int, int, int], str] = {}

    def manifest(self, folder: Path) -> Manifest:
        """All files below `folder`; links to files count as files."""
        paths = [Path(at) / name for at, _, names in os.walk(folder) for name in names]
        return {path.relative_to(folder).as_posix(): self._hash(path) for path in sorted(paths)}

    def _hash(self, path: Path) -> str:
        status = path.stat()
        key = (status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns)
        if key not in self._known:
            with path.open("rb") as file:
                self._known[key] = hashlib.file_digest(file, "sha256").hexdigest()
        return self._known[key]


@contextmanager
def packed(entries: Iterable[tuple[str, Path | bytes]]) -> Iterator[IO[bytes]]:
    """A temporary tar file, open for reading, of (name, file or content), writable by its owner only."""
    with tempfile.TemporaryFile() as archive:
        with tarfile.open(fileobj=archive, mode="w") as tar:
            for name, source in entries:
                _add(tar, name, source)
        archive.seek(0)
        yield archive


def _add(tar: tarfile.TarFile, name: str, source: Path | bytes) -> None:
    info = tarfile.TarInfo(name)  # owned by root, mode 0644, whatever it is here
    with io.BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        info.size = file.seek(0, os.SEEK_END)
        file.seek(0)
        tar.addfile(info, file)
