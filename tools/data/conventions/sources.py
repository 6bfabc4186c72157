"""The tables in a task's folder, whatever holds them: CSV, TSV, Parquet, JSON, JSON lines; packed or not."""

import csv
import gzip
import shutil
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import islice
from pathlib import Path, PurePosixPath

import pandas as pd

from gome.state.errors import GomeError
from gome.tools.data import archives
from gome.tools.data.json_tables import JsonTable, read_json
from gome.tools.data.table_names import is_table
from gome.tools.data.tables import read_cells, read_columns

JSON, TEXT = (".json", ".jsonl", ".ndjson"), ".txt"
ALIKE, DEPTH = 8, 3
"""From so many files of one kind in a folder they are a file for each unit, no tables; folders looked into."""


@dataclass(frozen=True)
class Source:
    """A table called `name` (`archive/member` in an archive) in the task's `file`; `path` is where it can be read."""

    name: str
    file: str
    path: Path

    @property
    def plain(self) -> bool:
        """Whether it is a table that is read where it lies."""
        return self.name == self.file and is_table(self.name)

    @cached_property
    def columns(self) -> list[str]:
        """Names of its columns; [] if it cannot be read."""
        try:
            if self.path.suffix == TEXT:
                return []
            return read_columns(self.path) if is_table(self.path) else [str(c) for c in self.cells.columns]
        except GomeError:
            return []

    @cached_property
    def cells(self) -> pd.DataFrame:
        """The whole table, cells as text; lists and objects of JSON as JSON. GomeError as `read_table`."""
        if is_table(self.path):
            return read_cells(self.path)
        return self._read.cells.reset_index(drop=True)

    @property
    def label(self) -> str | None:
        """The column that its format says to be the label."""
        return None if is_table(self.path) else self._read.label

    @property
    def beside(self) -> dict[str, pd.DataFrame]:
        """Further tables that are told in it, by name."""
        return {} if is_table(self.path) else self._read.beside

    @cached_property
    def _read(self) -> JsonTable:
        return read_json(self.path)


def find_sources(root: Path, names: Sequence[str], scratch: Path) -> Iterator[Source]:
    """The tables among the files `names` of `root`; what is packed is unpacked below `scratch`."""
    for name in _few_alike(n for n in names if n.count("/") < DEPTH):
        path = root / name
        if _may_be_table(name):
            yield Source(name, name, _readable(path, scratch / name))
        elif archives.is_archive(name):
            try:
                inside = archives.member_names(path)
                wanted = list(_few_alike(m for m in inside if _may_be_table(m)))
                for member, file in archives.members(path, wanted):
                    place = scratch / name / member
                    place.parent.mkdir(parents=True, exist_ok=True)
                    with place.open("wb") as out:
                        shutil.copyfileobj(file, out)
                    yield Source(f"{name}/{member}", name, _readable(place, place))
            except archives.BROKEN:
                continue


def _may_be_table(name: str) -> bool:
    return is_table(name) or name.lower().removesuffix(".gz").endswith((*JSON, TEXT))


def _few_alike(names: Iterator[str]) -> Iterator[str]:
    """`names` without those that are many of one kind in one folder."""
    kept = list(names)
    kinds = [(str(PurePosixPath(n).parent), PurePosixPath(n).suffix) for n in kept]
    count = Counter(kinds)
    yield from (n for n, kind in zip(kept, kinds, strict=True) if count[kind] <= ALIKE or kind[0] == ".")


def _readable(path: Path, place: Path) -> Path:
    """The file itself, or if it is called no table where it lies without its gzip, and text under a table's suffix."""
    if is_table(path):
        return path
    place.parent.mkdir(parents=True, exist_ok=True)
    if path.suffix.lower() == ".gz":
        place = place.with_suffix("")
        with gzip.open(path) as packed, place.open("wb") as out:
            shutil.copyfileobj(packed, out)
        path = place
    if path.suffix.lower() != TEXT or not (suffix := _separated(path)):
        return path
    table = place.with_suffix(suffix)
    table.symlink_to(path.resolve())
    return table


def _separated(path: Path) -> str:
    """The suffix of a table whose rows begin like those of a text file; '' if it is none."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as file:
        lines = list(islice(file, 3))
    for suffix, mark in ((".tsv", "\t"), (".csv", ",")):
        fields = {len(row) for row in csv.reader(lines, delimiter=mark)}
        if len(fields) == 1 and fields.pop() > 1:
            return suffix
    return ""
