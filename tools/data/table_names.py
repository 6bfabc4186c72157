"""The file name of a table: what it is called, the format of its rows, and how the file is packed."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Literal

Format = Literal["csv", "tsv", "parquet"]
Compression = Literal["", ".gz", ".bz2", ".xz", ".zip"]

_COMPRESSIONS: tuple[Compression, ...] = ("", ".gz", ".bz2", ".xz", ".zip")
_SUFFIXES: dict[str, tuple[Format, Compression]] = {
    **{f".csv{packed}": ("csv", packed) for packed in _COMPRESSIONS},
    **{f".tsv{packed}": ("tsv", packed) for packed in _COMPRESSIONS},
    **dict.fromkeys((".parquet", ".pq"), ("parquet", "")),  # packed within
}
SUFFIXES = tuple(_SUFFIXES)


@dataclass(frozen=True)
class TableName:
    """A file name in its parts: 'train.csv.gz' is the CSV table 'train', packed by gzip. `suffix` is in small letters."""

    stem: str
    suffix: str
    format: Format
    compression: Compression

    @classmethod
    def of(cls, path: PurePath | str) -> "TableName | None":
        """The parts of a file's name, in any case; None if it is not that of a table that we read."""
        name = PurePath(path).name
        suffix = next((s for s in SUFFIXES if name.lower().endswith(s)), None)
        return None if suffix is None else cls(name[: -len(suffix)], suffix, *_SUFFIXES[suffix])


def is_table(path: PurePath | str) -> bool:
    """Whether the file name is that of a table that we read."""
    return TableName.of(path) is not None


def is_parquet(path: PurePath | str) -> bool:
    """Whether the file name is that of a Parquet table, whose columns have types."""
    name = TableName.of(path)
    return name is not None and name.format == "parquet"


def stem_of(path: PurePath | str) -> str:
    """A file's name without its suffix, of a table the whole suffix: 'train' of 'train.csv.gz', 'a.b' of 'a.b.csv'."""
    name = TableName.of(path)
    return name.stem if name else PurePath(path).stem


def suffix_of(path: PurePath | str) -> str:
    """A file's suffix in small letters, of a table the whole of it: '.csv.gz', '.png', ''."""
    name = TableName.of(path)
    return name.suffix if name else PurePath(path).suffix.lower()
