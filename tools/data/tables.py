"""Tables on disk: CSV and Parquet read and written, every fault told in one line."""

import bz2
import codecs
import csv
import gzip
import io
import itertools
import lzma
import sys
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, Literal

import pandas as pd
import pyarrow
import pyarrow.parquet as parquet

from gome.state.errors import GomeError
from gome.tools.data.columns import class_text
from gome.tools.data.file_kinds import not_text
from gome.tools.data.table_names import SUFFIXES, TableName

LARGE = 256 << 20
"""Bytes from which on a table that is not the task's own is read in part."""
_CHUNK, _LONGEST_LINE = 1 << 20, 64 << 20
MISSING = (
    "", "#N/A", "#N/A N/A", "#NA", "-1.#IND", "-1.#QNAN", "-NaN", "-nan", "1.#IND", "1.#QNAN", "<NA>", "N/A", "NA",
    "NULL", "NaN", "None", "n/a", "nan", "null",
)  # fmt: skip
"""What pandas takes for a missing value in a column of CSV. In a column that is read as text only an empty field is."""
_OPEN: dict[str, Callable[..., Any]] = {".gz": gzip.open, ".bz2": bz2.open, ".xz": lzma.open, "": open}
_DAMAGED = (zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError, OSError)
csv.field_size_limit(min(sys.maxsize, 2**31 - 1))  # long texts are data, not a fault


def read_table(
    path: Path,
    *,
    columns: Sequence[str] | None = None,
    rows: int | None = None,
    text: Collection[str] = (),
) -> pd.DataFrame:
    """The table in `path`, whole, or only some `columns`, or only its first `rows`.

    The columns in `text`, where the table has them, are the cells as they stand (of Parquet: the values as text), and
    only an empty field is missing; elsewhere numbers are numbers, and what `MISSING` lists is missing. CSV has to be
    UTF-8 (a byte-order mark is allowed). Raises GomeError: file missing, empty, without rows, not UTF-8, rows of unequal
    length, column names repeated.
    """
    path = _existing(path)
    read = _read_parquet if _name(path).format == "parquet" else _read_csv
    frame = read(path, columns, rows, text)
    if frame.empty:
        raise GomeError(f"{path}: the table has a header but no rows.")
    return frame


def read_cells(path: Path) -> pd.DataFrame:
    """The whole table in `path`, every cell of CSV the text that it is; Parquet keeps its types. GomeError as above."""
    return read_table(path, text=() if _name(path).format == "parquet" else read_columns(path))


def read_columns(path: Path) -> list[str]:
    """Column names of the table in `path`, without reading its rows. Raises GomeError as `read_table` does."""
    path = _existing(path)
    if _name(path).format == "parquet":
        try:
            return _unique([str(c) for c in parquet.read_schema(path).names], path)
        except (pyarrow.ArrowException, OSError) as error:
            raise GomeError(f"{path}: not a readable Parquet file ({_first_line(error)}).") from error
    return _header(path)


def count_rows(path: Path) -> int | None:
    """Rows of the table in `path`, None where all of a `LARGE` file had to be read for it. GomeError as `read_table`."""
    columns = read_columns(path)
    if _name(path).format == "parquet":
        return parquet.read_metadata(path).num_rows
    return None if path.stat().st_size > LARGE else len(read_table(path, columns=columns[:1]))


def write_table(frame: pd.DataFrame, path: Path, *, like: Path | None = None) -> None:
    """Write `frame` without its index, in the format that the suffix of `path` names; columns without a name stay
    without one where they stand in the same place as in the table `like`."""
    name = _name(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    if name.format == "parquet":
        frame.to_parquet(path, index=False)
    else:
        header: bool | list[str] = header_of(frame, like) if like else True
        quoting: Literal[0, 1] = 1 if _has_carriage_return(frame) else 0  # all or what needs it
        # packed as the suffix says
        frame.to_csv(path, index=False, sep=_separator(path), header=header, quoting=quoting)


def header_of(frame: pd.DataFrame, like: Path) -> list[str]:
    """The header under which `frame` is written like the table `like`: columns that have no name there have none."""
    nameless = set() if _name(like).format == "parquet" else {i for i, n in enumerate(_names(like)) if not n}
    return ["" if i in nameless and c == f"Unnamed: {i}" else str(c) for i, c in enumerate(frame.columns)]


def _has_carriage_return(frame: pd.DataFrame) -> bool:
    """Whether a cell has what the csv module forgets to quote (before Python 3.13)."""
    texts = (frame[c] for c in frame.columns if not pd.api.types.is_numeric_dtype(frame[c]))
    return any("\r" in str(c) for c in frame.columns) or any(
        bool(t.astype(str).str.contains("\r", regex=False).any()) for t in texts
    )


def _name(path: Path) -> TableName:
    name = TableName.of(path)
    if name is None:
        raise GomeError(f"{path}: not a table; known are {', '.join(SUFFIXES)}.")
    return name


def _existing(path: Path) -> Path:
    path = Path(path)
    if path.is_dir():
        raise GomeError(f"{path}: a folder where a table file is expected.")
    if not path.exists():
        raise GomeError(f"{path}: no such file.")
    name = _name(path)
    if path.stat().st_size == 0:
        raise GomeError(f"{path}: the file is empty.")
    if name.format != "parquet" and not name.compression and (found := not_text(path)):
        raise GomeError(f"{path}: this is {found[0]}, not {name.format.upper()} text; {found[1]}.")
    return path


def _read_parquet(
    path: Path, columns: Sequence[str] | None, rows: int | None, text: Collection[str]
) -> pd.DataFrame:
    read_columns(path)
    try:
        frame = _parquet(path, None if columns is None else list(columns), rows).to_pandas()
    except (pyarrow.ArrowException, OSError) as error:
        raise GomeError(f"{path}: not a readable Parquet file ({_first_line(error)}).") from error
    frame = frame.reset_index(drop=True)
    return frame.assign(**{c: class_text(frame[c]) for c in frame.columns if c in text})


def _parquet(path: Path, columns: list[str] | None, rows: int | None) -> pyarrow.Table:
    """The table, or its first rows without reading the others."""
    if rows is None:
        return parquet.read_table(path, columns=columns)
    with parquet.ParquetFile(path) as file:
        first = next(file.iter_batches(batch_size=rows, columns=columns), None)
        return file.schema_arrow.empty_table() if first is None else pyarrow.Table.from_batches([first])


def _read_csv(
    path: Path, columns: Sequence[str] | None, rows: int | None, text: Collection[str]
) -> pd.DataFrame:
    header = _header(path)
    _check_row_lengths(path, header, first=1)  # pandas takes one field more than names for an index
    try:
        frame = pd.read_csv(
            path,
            sep=_separator(path),
            encoding="utf-8-sig",
            low_memory=False,
            dtype={c: str for c in header if c in text},
            keep_default_na=False,
            na_values={c: [""] if c in text else MISSING for c in header},
            usecols=None if columns is None else list(columns),
            nrows=rows,
        )
    except pd.errors.ParserError as error:
        _check_row_lengths(path, header)
        raise GomeError(f"{path}: not readable as a table ({_first_line(error)}).") from error
    except UnicodeDecodeError as error:
        raise _encoding_error(path) from error
    except (*_DAMAGED, ValueError) as error:
        raise GomeError(f"{path}: not readable as a table ({_first_line(error)}).") from error
    if rows is None and len(header) > 1 and _may_be_ragged(frame, header):
        _check_row_lengths(path, header)
    return frame


def _may_be_ragged(frame: pd.DataFrame, header: list[str]) -> bool:
    """A row with too few fields is padded by pandas, so it shows as a missing value in the last column."""
    last = frame.columns[-1]
    return len(frame) > 0 and (len(frame.columns) < len(header) or bool(frame[last].isna().any()))


def _check_row_lengths(path: Path, header: list[str], first: int | None = None) -> None:
    with _text(path) as file:
        reader = csv.reader(file, delimiter=_separator(path))
        try:
            next(reader)
            for row in itertools.islice(reader, first):
                if row and len(row) != len(header):
                    raise GomeError(
                        f"{path}, line {reader.line_num}: {len(row)} fields where the header has {len(header)}."
                    )
        except UnicodeDecodeError as error:
            raise _encoding_error(path) from error
        except csv.Error as error:
            raise GomeError(f"{path}, line {reader.line_num}: {error}.") from error


def _header(path: Path) -> list[str]:
    names = _names(path)
    if not names:
        raise GomeError(f"{path}: the file has no header line.")
    if len(names) == 1 and (";" in names[0] or "\t" in names[0]):
        raise GomeError(
            f"{path}: the fields are not separated by commas; save the file as comma-separated CSV."
        )
    return _unique(names, path)


def _names(path: Path) -> list[str]:
    """The cells of the header, empty ones too."""
    with unpacked(path) as raw:
        start = raw.readline(_LONGEST_LINE)
        if len(start) == _LONGEST_LINE and b"\r" not in start:
            raise GomeError(f"{path}: not a table, its first line has no end within {_LONGEST_LINE:,} bytes.")
    with _text(path) as file:
        try:
            return next((row for row in csv.reader(file, delimiter=_separator(path)) if row), [])
        except UnicodeDecodeError as error:
            raise _encoding_error(path) from error
        except csv.Error as error:
            raise GomeError(f"{path}: the header is not readable ({error}).") from error


def _unique(names: list[str], path: Path) -> list[str]:
    seen: set[str] = set()
    for name in filter(None, names):
        if name in seen:
            raise GomeError(f"{path}: the column name {name!r} occurs more than once; rename one of them.")
        seen.add(name)
    return [name or f"Unnamed: {i}" for i, name in enumerate(names)]


def _separator(path: Path) -> str:
    return "\t" if _name(path).format == "tsv" else ","


@contextmanager
def unpacked(path: Path) -> Iterator[IO[bytes]]:
    packed = _name(path).compression
    try:
        if packed == ".zip":
            with zipfile.ZipFile(path) as archive:
                if len(archive.namelist()) != 1:
                    raise GomeError(f"{path}: a zipped table has to be alone in its archive.")
                with archive.open(archive.namelist()[0]) as file:
                    yield file
        else:
            with _OPEN[packed](path, "rb") as file:
                yield file
    except _DAMAGED as error:
        if isinstance(error, OSError) and error.errno is not None:  # bz2's own have no number
            raise
        raise GomeError(f"{path}: the archive is damaged ({_first_line(error)}).") from error


@contextmanager
def _text(path: Path) -> Iterator[IO[str]]:
    with unpacked(path) as raw:
        yield io.TextIOWrapper(raw, encoding="utf-8-sig", newline="")


def _encoding_error(path: Path) -> GomeError:
    """Where the first byte is that is not UTF-8."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    offset = 0
    with unpacked(path) as raw:
        while chunk := raw.read(_CHUNK):
            pending = len(decoder.getstate()[0])
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError as error:
                at = offset - pending + error.start
                byte = error.object[error.start]
                return GomeError(
                    f"{path}: not UTF-8 (byte 0x{byte:02x} at offset {at}); save the file as UTF-8 again."
                )
            offset += len(chunk)
    return GomeError(f"{path}: not UTF-8 (the file ends within a character); save the file as UTF-8 again.")


def _first_line(error: BaseException) -> str:
    return (str(error).strip() or type(error).__name__).splitlines()[0][:200]
