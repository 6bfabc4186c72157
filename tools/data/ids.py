"""Ids are text. Here it is decided once when ids of two files are the same, however each file spells them.

Within a file ids are compared as they stand: `0001` and `1` are two ids. Between files the text counts first; an id that
the other file does not have is compared by its value (`300`, `300.0`, `0300` and `3e2` are alike), and is the same only
if the other file has one id of this value. Where labels are to be hidden, alike is enough.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

import numpy as np
import pandas as pd

from gome.tools.data.columns import class_text

BETWEEN, AGAIN = "\x1f", "\x1e"
"""Between the parts of a row's key, and before the number of one that is there before. No id has them."""
_NUMBER = re.compile(r"[+-]?(?=\.?[0-9])[0-9]{0,400}(\.[0-9]{0,400})?([eE][+-]?[0-9]{1,6})?")


def id_text(ids: pd.Series) -> pd.Series:
    """Ids as text, (n,) objects numbered from 0, None where there is none; whole numbers of typed tables without '.0'."""
    return class_text(ids).reset_index(drop=True)


def respelled(ids: pd.Series, like: pd.Series) -> pd.Series:
    """`ids` as text, (n,), each spelled as the same id is spelled in `like`; others, and missing ones, as they are."""
    given, wanted = id_text(ids), id_text(like).dropna().drop_duplicates()
    strange = given.notna() & ~given.isin(wanted)
    if strange.any():
        values = _worth(wanted)
        single = ~values.duplicated(keep=False)
        spelling = dict(zip(values[single], wanted[single], strict=True))
        own = given[strange]
        given[strange] = [spelling.get(v, text) for v, text in zip(_worth(own), own, strict=True)]
    return given


def row_keys(table: pd.DataFrame, ids: Sequence[str], like: pd.DataFrame | None = None) -> pd.Series:
    """What tells the rows of `table` apart, (n,) text: its cells in the columns `ids`, spelled as in the table `like`;
    of rows with the same cells, and of all rows where `ids` is empty, which of them in order it is. None: no id."""
    if not ids:
        return pd.Series(np.arange(len(table)), dtype=object).astype(str)
    columns = [id_text(table[c]) if like is None else respelled(table[c], like[c]) for c in ids]
    keys = columns[0]
    for more in columns[1:]:
        keys = (keys + BETWEEN + more).where(keys.notna() & more.notna(), None)
    if keys.duplicated().any():
        place = keys.groupby(keys).cumcount()
        again = place > 0
        keys[again] += AGAIN + place[again].add(1).astype(str)
    return keys


def row_words(table: pd.DataFrame, ids: Sequence[str], row: int) -> str:
    """How to say which row of `table` is meant, for a message: "id = 7", "row 7" where there are no ids."""
    said = ", ".join(f"{c} = {str(table[c].iloc[row])[:80]}" for c in ids)
    return said or f"row {row + 1}"


def alike(ids: pd.Series, others: pd.Series) -> np.ndarray:
    """Whether each of `ids`, (n,), is like one of `others` by text or by value: what must not be told of `others` must
    not be told of these."""
    return id_values(ids).isin(id_values(others).dropna()).to_numpy()


def id_values(ids: pd.Series) -> pd.Series:
    """What ids are worth, (n,) objects numbered from 0: equal for numbers of one value, else the text without blanks
    around it; None where there is none."""
    return _worth(id_text(ids))


def _worth(texts: pd.Series) -> pd.Series:
    codes, unique = pd.factorize(texts)
    worth = np.array([*map(_value, unique), None], dtype=object)
    return pd.Series(worth[codes], index=texts.index, dtype=object)


def _value(text: str) -> str:
    text = text.strip()
    if not _NUMBER.fullmatch(text):
        return text
    sign, digits, exponent = Decimal(text).as_tuple()
    number = "".join(map(str, digits)).lstrip("0")
    short = number.rstrip("0")
    return f"{'-' * sign}{short}e{int(exponent) + len(number) - len(short)}" if short else "0"
