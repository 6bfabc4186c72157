"""How the sample's ids name the rows of another table: by one column, by several joined, or by the start of the id."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import permutations

import pandas as pd

from gome.tools.data.conventions.sources import Source
from gome.tools.data.ids import id_text, respelled

JOINTS, MOST_COLUMNS = ("_", "-", " ", ":", "/", ""), 12


@dataclass(frozen=True)
class Key:
    """Cells of `columns`, joined by `joint`, are the ids; where `rest`, they are what stands before the last `joint` in
    them (before one of `ends`, if these are known), and each row has several."""

    columns: tuple[str, ...]
    joint: str = ""
    rest: bool = False
    ends: tuple[str, ...] = ()

    def of(self, table: pd.DataFrame) -> pd.Series:
        """The ids (or their starts) of a table's rows, text, None where there is none."""
        first, *more = (id_text(table[c]) for c in self.columns)
        return pd.Series(first) if not more else _joined(table, self.columns, self.joint)

    def cut(self, ids: pd.Series) -> tuple[pd.Series, pd.Series]:
        """Of a key with `rest`: what stands before the joint in each id, and what after it."""
        ends = (
            "|".join(map(re.escape, sorted(self.ends, key=len, reverse=True)))
            or f"[^{re.escape(self.joint)}]*"
        )
        parts = ids.str.extract(f"^(.*){re.escape(self.joint)}({ends})$", expand=True).fillna("")
        return parts[0], parts[1]

    def within(self, columns: Sequence[str]) -> bool:
        """Whether a table with these columns has it."""
        return set(self.columns) <= set(columns)

    @property
    def said(self) -> str:
        """In words."""
        return self.joint.join(f"{{{c}}}" for c in self.columns) + (f"{self.joint}..." if self.rest else "")


def find_key(source: Source, ids: pd.Series, name: str) -> Key | None:
    """How the `ids` (n,) of the sample's column `name` are those of rows of the table; None if not all of them are."""
    table, columns = source.cells, source.columns
    like = sorted(columns, key=lambda c: (c != name, c.lower() != name.lower()))
    for column in like:
        if _all_in(ids, table[column]):
            return Key((column,))
    wanted = set(ids)
    for columns_, joint in _pairs(table, str(ids.iloc[0])):
        if wanted <= set(_joined(table, columns_, joint)):
            return Key(columns_, joint)
    for joint in JOINTS[:4]:
        starts = Key(("",), joint, rest=True).cut(ids)[0]
        for column in like if (starts != "").all() and starts.nunique() < len(ids) else ():
            if _all_in(starts, table[column]):
                return Key((column,), joint, rest=True)
    return None


def by_column(key: Key, test: pd.DataFrame, columns: Sequence[str]) -> Key | None:
    """A key of one column of `test` to which the name of one of `columns`, told in another one, is joined; None if the
    ids of `key` are not made in this way."""
    ids = key.of(test)
    for (one, other), joint in _pairs(test.drop(columns=list(key.columns)), str(ids.iloc[0])):
        ends = set(id_text(test[other]))
        if ends <= set(columns) and _joined(test, (one, other), joint).equals(ids):
            return Key((one,), joint, rest=True, ends=tuple(sorted(ends)))
    return None


def alike_key(key: Key, table: pd.DataFrame, columns: Sequence[str]) -> Key | None:
    """A key of the same ids whose columns are all among `columns`: itself, or several joined; None if there is none."""
    if key.within(columns):
        return key
    ids = key.of(table)
    shared = table[[c for c in table.columns if c in columns]]
    for pair, joint in _pairs(shared, str(ids.iloc[0])):
        if _joined(table, pair, joint).equals(ids):
            return Key(pair, joint, key.rest)
    return None


def _all_in(ids: pd.Series, values: pd.Series) -> bool:
    known = id_text(values).dropna()
    return bool(len(known)) and bool(respelled(ids, known).isin(known).all())


def _pairs(table: pd.DataFrame, first: str) -> Iterator[tuple[tuple[str, str], str]]:
    """Pairs of columns whose cells, joined, may be the id `first`."""
    cells = {c: [str(v) for v in table[c].dropna().unique() if v != ""] for c in table.columns}
    starts = [c for c, texts in cells.items() if any(map(first.startswith, texts))]
    ends = [c for c, texts in cells.items() if any(map(first.endswith, texts))]
    few = dict.fromkeys([*starts[:MOST_COLUMNS], *ends[:MOST_COLUMNS]])
    for one, other in permutations(few, 2):
        if one in starts and other in ends:
            for joint in JOINTS:
                if first in set(_joined(table, (one, other), joint)):
                    yield (one, other), joint


def _joined(table: pd.DataFrame, columns: Sequence[str], joint: str) -> pd.Series:
    first, *more = (id_text(table[c]) for c in columns)
    for other in more:
        first = first + joint + other
    return first
