"""Archives: their members by kind, and what the first of each kind holds."""

import itertools
import tarfile
import tempfile
import zipfile
from collections import Counter
from collections.abc import Callable, Iterator
from io import BytesIO
from pathlib import Path, PurePosixPath
from typing import IO

from gome.tools.previews.readers.seen import PIECE, Fact, Seen

LISTED, KINDS, UNPACKED = 100_000, 3, 16 * PIECE
"""Members that are listed at the most, kinds of them of which one is looked into, and up to which size."""
Reader = Callable[[Path], Seen]
_Member = tuple[str, int, Callable[[], IO[bytes] | None]]


def read(path: Path, reader: Reader) -> Seen:
    """How many members of each kind there are, their size, and what `reader` tells of a few. No large one is unpacked."""
    if path.suffix.lower() == ".7z":
        return _seen(itertools.islice(_in_seven_zip(path), LISTED), reader)
    with _opened(path) as archive:
        return _seen(itertools.islice(_members(archive), LISTED), reader)


def _seen(members: Iterator[_Member], reader: Reader) -> Seen:
    kinds: Counter[str] = Counter()
    example: dict[str, str] = {}
    size = 0
    for name, length, opened in members:
        suffix = PurePosixPath(name).suffix.lower() or "no suffix"
        kinds[suffix] += 1
        size += length
        if suffix not in example and len(example) < KINDS:
            example[suffix] = f"{name}: {_inside(name, length, opened, reader)}"
    facts: dict[str, Fact] = {"members": kinds.total(), "MB unpacked": size / 1e6}
    facts["kinds"] = ", ".join(f"{count} {suffix}" for suffix, count in kinds.most_common(8))
    if kinds.total() == LISTED:
        facts["listed"] = "the first ones only"
    return Seen("archive", facts, "; ".join(example.values()))


def _inside(name: str, length: int, opened: Callable[[], IO[bytes] | None], reader: Reader) -> str:
    if length > UNPACKED:
        return f"{length / 1e6:.0f} MB"
    try:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / f"member{PurePosixPath(name).suffix}"
            if (file := opened()) is None:
                return "no file"
            path.write_bytes(file.read(UNPACKED))
            seen = reader(path)
    except Exception as error:  # whatever a member does to its reader, the list of members stands
        return f"cannot be read ({type(error).__name__})"
    told = [
        seen.kind,
        *(f"{key} {_told(value)}" for key, value in seen.facts.items()),
        seen.problem,
        seen.example,
    ]
    return ", ".join(filter(None, told))


def _told(value: Fact) -> str:
    return " ".join(value[:12]) if isinstance(value, list) else str(value)


def _opened(path: Path) -> zipfile.ZipFile | tarfile.TarFile:
    return zipfile.ZipFile(path) if zipfile.is_zipfile(path) else tarfile.open(path)


def _in_seven_zip(path: Path) -> Iterator[_Member]:
    import py7zr  # in the agent's own environment, and slow to import

    with py7zr.SevenZipFile(path) as archive:
        found = [(row.filename, int(row.uncompressed)) for row in archive.list() if not row.is_directory]
    for name, size in found:

        def opened(name: str = name) -> IO[bytes] | None:
            unpacked = py7zr.io.BytesIOFactory(UNPACKED)
            with py7zr.SevenZipFile(path) as archive:
                archive.extract(targets=[name], factory=unpacked)
            return BytesIO(unpacked.get(name).read())

        yield name, size, opened


def _members(archive: zipfile.ZipFile | tarfile.TarFile) -> Iterator[_Member]:
    if isinstance(archive, zipfile.ZipFile):
        for info in archive.infolist():
            if not info.is_dir():
                yield info.filename, info.file_size, lambda info=info: archive.open(info)  # type: ignore[misc]
        return
    for member in archive:
        if member.isfile():
            yield member.name, member.size, lambda member=member: archive.extractfile(member)  # type: ignore[misc]
