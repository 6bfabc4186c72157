"""Archives as folders: members are named `archive/member`, read, and written into another archive of the same kind."""

import io
import tarfile
import zipfile
from collections.abc import Iterable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import IO

from gome.tools.data import seven_zip

ZIPS = (".zip",)
SEVEN_ZIPS = (".7z",)
TARS = (".tar", ".tar.gz", ".tgz", ".tar.bz2", ".tbz2", ".tar.xz", ".txz")
BROKEN = (
    zipfile.BadZipFile,
    tarfile.TarError,
    EOFError,
    OSError,
    RuntimeError,
    NotImplementedError,
    ValueError,
)
"""What is raised for an archive that is damaged, locked, or packed in a way that it does not know."""


def is_archive(name: str) -> bool:
    """Whether the file name is that of an archive we can read and write."""
    return name.lower().endswith((*ZIPS, *SEVEN_ZIPS, *TARS))


def member_names(path: Path) -> list[str]:
    """Names of the files in an archive. Raises one of `BROKEN`."""
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            return [i.filename for i in archive.infolist() if not i.is_dir()]
    if _is_seven_zip(path):
        return list(seven_zip.member_sizes(path))
    with tarfile.open(path) as tar:
        return [m.name for m in tar if m.isfile()]


def members(path: Path, wanted: Iterable[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """(name, its bytes to read) of the `wanted` files in an archive, in its own order. Raises one of `BROKEN`."""
    names = set(wanted)
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            for info in archive.infolist():
                if info.filename in names and not info.is_dir():
                    with archive.open(info) as file:
                        yield info.filename, file
        return
    if _is_seven_zip(path):
        yield from seven_zip.members(path, names)
        return
    with tarfile.open(path) as tar:
        for member in tar:
            if member.name in names and member.isfile() and (inner := tar.extractfile(member)):
                yield member.name, inner


def declared_size(path: Path, most: int) -> int:
    """Bytes of all members as the archive declares them, which is all that is ever read of each; of a tar that holds more
    than `most` not to its end. Raises one of `BROKEN`."""
    if _is_zip(path):
        with zipfile.ZipFile(path) as archive:
            return sum(member.file_size for member in archive.infolist())
    if _is_seven_zip(path):
        return sum(seven_zip.member_sizes(path).values())
    total = 0
    with tarfile.open(path) as tar:
        for member in tar:
            total += member.size
            if total > most:
                break
    return total


class ArchiveWriter:
    """Writes files into a new archive of the kind that the suffix of `path` names. A context manager."""

    def __init__(self, path: Path) -> None:
        self._held = ExitStack()
        self._zip: zipfile.ZipFile | None = None
        self._seven_zip: seven_zip.SevenZipWriter | None = None
        if _is_zip(path):
            self._zip = self._held.enter_context(zipfile.ZipFile(path, "w"))
        elif _is_seven_zip(path):
            self._seven_zip = self._held.enter_context(closing(seven_zip.SevenZipWriter(path)))
        else:
            kind = next((k for k in ("gz", "bz2", "xz") if path.suffix.lower().endswith(k)), "")
            kind = {".tgz": "gz", ".tbz2": "bz2", ".txz": "xz"}.get(path.suffix.lower(), kind)
            self._tar = self._held.enter_context(tarfile.open(path, f"w:{kind}"))  # type: ignore[call-overload] # noqa: SIM115

    def __enter__(self) -> "ArchiveWriter":
        return self

    def __exit__(self, *raised: object) -> None:
        self._held.close()

    def add(self, name: str, content: bytes) -> None:
        """Put a file of this `content` into the archive as `name`."""
        if self._zip is not None:
            packed = name.lower().endswith(
                (".png", ".jpg", ".jpeg", ".gz")
            )  # packing them again gains nothing
            self._zip.writestr(name, content, zipfile.ZIP_STORED if packed else zipfile.ZIP_DEFLATED)
            return
        if self._seven_zip is not None:
            self._seven_zip.add(name, content)
            return
        info = tarfile.TarInfo(name)
        info.size = len(content)
        self._tar.addfile(info, io.BytesIO(content))


def _is_zip(path: Path) -> bool:
    return path.name.lower().endswith(ZIPS)


def _is_seven_zip(path: Path) -> bool:
    return path.name.lower().endswith(SEVEN_ZIPS)
