"""What a file is by its first bytes, whatever it is called."""

import zipfile
from pathlib import Path

_BEGINNINGS = (
    (b"PK\x03\x04", "a zip archive", "unpack it, or name it .csv.zip"),
    (b"\x1f\x8b", "packed by gzip", "name it .csv.gz"),
    (b"BZh", "packed by bzip2", "name it .csv.bz2"),
    (b"\xfd7zXZ\x00", "packed by xz", "name it .csv.xz"),
    (b"\xd0\xcf\x11\xe0", "an Excel workbook", "save its sheet as CSV"),
    (b"PAR1", "a Parquet file", "name it .parquet"),
    (b"SQLite format 3", "a SQLite database", "write its table as CSV"),
    (b"%PDF", "a PDF", "give the table itself"),
    (b"<!doctype html", "a web page", "download the table itself"),
    (b"<html", "a web page", "download the table itself"),
)


def not_text(path: Path) -> tuple[str, str] | None:
    """What a file that should be text is instead, and what to do: ("packed by gzip", "name it .csv.gz"); None if it
    may be text."""
    with path.open("rb") as file:
        start = file.read(32)
    for beginning, kind, advice in _BEGINNINGS:
        if start.lower().startswith(beginning.lower()):
            return ("an Excel workbook", "save its sheet as CSV") if _is_workbook(path) else (kind, advice)
    return None


def _is_workbook(path: Path) -> bool:
    try:
        with zipfile.ZipFile(path) as archive:
            return any(name.startswith("xl/") for name in archive.namelist())
    except (zipfile.BadZipFile, OSError):
        return False
