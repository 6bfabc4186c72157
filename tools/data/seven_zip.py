"""7z archives, read by py7zr as far as they declare, and written: names of members are only ever names, links content."""

import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from py7zr import SevenZipFile


def member_sizes(path: Path) -> dict[str, int]:
    """Bytes of each file, as the archive declares them. ValueError: it is damaged, locked, packed in an unknown way, or
    names a file outside itself."""
    with _told(), _opened(path) as archive:
        sizes = {row.filename: int(row.uncompressed) for row in archive.list() if not row.is_directory}
    for name in sizes:
        if name.startswith("/") or ".." in PurePosixPath(name).parts:
            raise ValueError(f"{name!r} lies outside the archive")
    return sizes


def members(path: Path, wanted: Iterable[str]) -> Iterator[tuple[str, IO[bytes]]]:
    """(name, its bytes to read) of the `wanted` files, in the archive's own order, unpacked into a scratch folder first.
    ValueError as `member_sizes`, and for a member that is longer than it declares."""
    sizes = member_sizes(path)
    names = [name for name in sizes if name in set(wanted)]
    with tempfile.TemporaryDirectory(prefix="gome-7z-") as scratch:
        unpacking = _unpacking(Path(scratch), sizes)
        with _told(), _opened(path) as archive:
            archive.extract(targets=names, factory=unpacking)
        for name in names:
            if file := unpacking.files.get(name):
                file.seek(0)
                with file:
                    yield name, file


class SevenZipWriter:
    """Writes files into a new 7z archive."""

    def __init__(self, path: Path) -> None:
        import py7zr

        # Quick, not small: it lives as long as a run.
        self._archive = py7zr.SevenZipFile(path, "w", filters=[{"id": py7zr.FILTER_LZMA2, "preset": 1}])

    def add(self, name: str, content: bytes) -> None:
        """Put a file of this `content` into the archive as `name`."""
        self._archive.writestr(content, name)

    def close(self) -> None:
        """Write what is left, and the list of members."""
        self._archive.close()


def _opened(path: Path) -> "SevenZipFile":
    import py7zr

    return py7zr.SevenZipFile(path, "r")


@contextmanager
def _told() -> Iterator[None]:
    """Whatever py7zr makes of a stranger's bytes becomes a ValueError."""
    try:
        yield
    except OSError:
        raise
    except Exception as error:
        raise ValueError(f"no 7z archive that can be read ({type(error).__name__}: {error})") from error


def _unpacking(folder: Path, sizes: dict[str, int]) -> Any:
    from py7zr.io import Py7zIO, WriterFactory

    class File(Py7zIO):
        """A member on its way to a file whose name is a number."""

        def __init__(self, file: IO[bytes], most: int) -> None:
            self._file, self._most, self._size = file, most, 0

        def write(self, s: bytes | bytearray) -> int:
            self._size += len(s)
            if self._size > self._most:
                raise ValueError("a member is longer than it declares")
            return self._file.write(s)

        def read(self, size: int | None = None) -> bytes:
            return self._file.read(-1 if size is None else size)

        def seek(self, offset: int, whence: int = 0) -> int:
            return self._file.seek(offset, whence)

        def flush(self) -> None:
            self._file.flush()

        def size(self) -> int:
            return self._size

    class Files(WriterFactory):
        """Where members go."""

        def __init__(self) -> None:
            self.files: dict[str, IO[bytes]] = {}

        def create(self, filename: str) -> Py7zIO:
            self.files[filename] = (folder / str(len(self.files))).open("w+b")
            return File(self.files[filename], sizes.get(filename, 0))

    return Files()
