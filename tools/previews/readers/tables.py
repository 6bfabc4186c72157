"""Tables: columns, rows, the first row."""

import bz2
import csv
import gzip
import io
import lzma
import zipfile
from pathlib import Path
from typing import IO, Any

from gome.tools.previews.readers.seen import EXCERPT, PIECE, Fact, Seen, library

COUNTED = 64 * PIECE
"""Bytes up to which the lines of a table are counted."""
_OPEN: dict[str, Any] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open}


def read(path: Path) -> Seen:
    """Columns, of Parquet with their types, and rows where they cost little to count."""
    name = path.name.lower()
    if name.endswith((".parquet", ".pq")):
        file = library("pyarrow.parquet").ParquetFile(path)
        columns = [f"{field.name} ({field.type})" for field in file.schema_arrow]
        return Seen("Parquet table", {"rows": file.metadata.num_rows, "columns": columns})
    with _opened(path) as raw:
        start = raw.read(PIECE).decode("utf-8-sig", errors="replace")
    csv.field_size_limit(2 * PIECE)  # long texts are data, not a fault
    rows = csv.reader(io.StringIO(start), delimiter="\t" if ".tsv" in name else ",")
    header, first = next(rows, []), next(rows, [])
    facts: dict[str, Fact] = {"columns": header}
    if name.endswith((".csv", ".tsv")) and path.stat().st_size <= COUNTED:
        with path.open("rb") as lines:
            facts["lines"] = sum(1 for _ in lines)
    return Seen("table", facts, ", ".join(f"{c}={v}" for c, v in zip(header, first, strict=False))[:EXCERPT])


def _opened(path: Path) -> IO[bytes]:
    if path.suffix.lower() == ".zip":
        archive = zipfile.ZipFile(path)
        return archive.open(archive.namelist()[0])
    return _OPEN.get(path.suffix.lower(), open)(path, "rb")
