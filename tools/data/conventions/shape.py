"""The train and test tables as the harness takes them: a row for each id of the sample, whatever rows they had."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import PurePosixPath

import pandas as pd

from gome.state.errors import NotUnderstood
from gome.tools.data.conventions.keys import Key, alike_key
from gome.tools.data.conventions.roles import Roles, words

POSITION = "position"
_NAMED = 0.9


@dataclass
class Shaped:
    """`train` with `id` and the columns `target`, `test` with `id`; rows with the same `group` belong together. `said`:
    what was done, for people."""

    train: pd.DataFrame
    test: pd.DataFrame
    id: str
    target: list[str]
    group: str | None = None
    said: list[str] = field(default_factory=list)


def shaped(roles: Roles, names: Sequence[str]) -> Shaped:
    """The tables of `roles`, which have a train table; `names` are the task's files. NotUnderstood: rows of one id that
    differ in their labels."""
    train, prediction = roles.train, roles.prediction
    assert train is not None
    rows, test = train.cells, roles.test.cells if roles.test else roles.sample.cells[[roles.id]]
    key = roles.key or Key((roles.id,))
    result = Shaped(rows, test, roles.id, list(roles.target))
    if roles.listed:
        lists = rows[roles.listed].fillna("").map(words)
        ones = pd.DataFrame({c: lists.map(lambda cell, c=c: int(c in cell)) for c in prediction})
        result.train = pd.concat([rows.drop(columns=roles.listed), ones], axis=1)
        result.said.append(f"{roles.listed} lists labels: a column of 0 and 1 for each")
    if key.rest:
        _to_positions(result, roles, key)
        return result
    _with_ids(result, roles, key)
    for table, source in ((result.train, train), (result.test, roles.test)):
        _with_files(table, source.name if source else "", names, roles.id)
    if result.test[result.id].duplicated().any() and roles.ids.is_unique:
        _to_one_row(result)
    return result


def _with_ids(result: Shaped, roles: Roles, key: Key) -> None:
    """Both tables get the sample's id column, train as far as it has what the ids are made of."""
    own = alike_key(key, result.test, list(result.train.columns)) if roles.test else key
    if own is not None and own.within(list(result.train.columns)):
        result.train = _named(result.train, own, result.id)
        if len(own.columns) > 1 and result.train[own.columns[0]].duplicated().any():
            result.group = own.columns[0]
            result.said.append(f"{result.id} is {own.said}; rows of one {result.group} stay together")
        elif own.columns != (result.id,):
            result.said.append(f"{result.id} is {own.said}")
    result.test = _named(result.test, key, result.id)


def _named(table: pd.DataFrame, key: Key, id_: str) -> pd.DataFrame:
    """`table` with its ids as its first column, called `id_`."""
    ids = key.of(table)
    others = table.drop(columns=[id_, *(key.columns if len(key.columns) == 1 else ())], errors="ignore")
    return pd.concat([ids.rename(id_).set_axis(table.index), others], axis=1)


def file_column(id_: str) -> str:
    """The name of a column of paths beside the ids."""
    return "path" if id_ == "file" else "file"


def _with_files(table: pd.DataFrame, source: str, names: Sequence[str], id_: str) -> None:
    """A column of paths from the task's folder, in place of one that names files from another folder, or beside one that
    holds their names without suffix."""
    known = set(names)
    above = str(PurePosixPath(source).parent)
    for column in [c for c in table.columns if table[c].nunique() > 0.5 * len(table)]:
        cells = table[column].dropna().astype(str)
        for folder in (above, *sorted({f"{p}" for n in names for p in PurePosixPath(n).parents})):
            paths = cells if folder == "." else folder + "/" + cells
            if cells.str.contains("/").any() and paths.isin(known).all():
                table[column] = paths.reindex(table.index)
                return
    stems: dict[str, str | None] = {}
    for name in names:
        stem = PurePosixPath(name).stem
        stems[stem] = None if stem in stems else name
    for column in [c for c in table.columns if table[c].is_unique]:
        paths = table[column].map(stems)
        if paths.notna().mean() >= _NAMED:
            table[file_column(id_)] = paths
            return


def _to_one_row(result: Shaped) -> None:
    """Rows of one id become one: what all of them say stands once, the rest is listed."""
    result.train, result.test = (_merged(table, result) for table in (result.train, result.test))
    result.said.append(
        f"a row for each {result.id}: what its rows say alike once, the rest with blanks between"
    )


def _merged(table: pd.DataFrame, result: Shaped) -> pd.DataFrame:
    if result.id not in table:
        raise NotUnderstood(f"several rows of test belong to one {result.id!r}, which train does not tell.")
    groups = table.groupby(result.id, sort=False)
    alike = {c: bool((groups[c].nunique(dropna=False) <= 1).all()) for c in table.columns if c != result.id}
    if differing := [c for c in result.target if not alike.get(c, True)]:
        raise NotUnderstood(f"rows of one {result.id!r} have several values of {', '.join(differing)}.")
    merged = groups[[c for c, same in alike.items() if same]].first()
    for column in (c for c, same in alike.items() if not same):
        merged[column] = groups[column].agg(lambda cells: " ".join(cells.dropna().astype(str)))
    return merged.reset_index()[list(table.columns)]


def _to_positions(result: Shaped, roles: Roles, key: Key) -> None:
    """A row of train and test for each id of the sample, which is a row's key and a position or the name of a column."""
    starts, rests = key.cut(roles.ids)
    column = key.columns[0]
    wide = set(rests) <= set(result.train.columns)
    place = "column" if wide else POSITION
    keys = key.of(result.test)
    told = result.test.drop(
        columns=[c for c in result.test if c == roles.id or set(result.test[c]) == set(rests)]
    )
    rows = told.set_index(keys).loc[~keys.duplicated().to_numpy()].reindex(starts).reset_index(drop=True)
    result.test = pd.concat([roles.ids.rename(roles.id), rows.assign(**{place: rests.to_numpy()})], axis=1)
    parts = list(_by_column(result, roles) if wide else _by_position(result, roles))
    train = pd.concat(parts, ignore_index=True)
    train.insert(0, roles.id, key.of(train) + key.joint + train[place].astype(str))
    result.train, result.group = train, column
    result.said.append(
        f"{roles.id} is {{{column}}}{key.joint}{{{place}}}: a row for each {place}; rows of one {column} stay together"
    )


def _by_column(result: Shaped, roles: Roles) -> Iterator[pd.DataFrame]:
    labels, result.target = result.target, roles.prediction
    for name in labels:
        told = result.train.drop(columns=labels)
        told["column"], told[roles.prediction[0]] = name, result.train[name]
        yield told


def _by_position(result: Shaped, roles: Roles) -> Iterator[pd.DataFrame]:
    lists = result.train[result.target].map(json.loads)
    if not all(isinstance(cell, list) for c in result.target for cell in lists[c]):
        raise NotUnderstood(f"{roles.id} tells positions, but {', '.join(result.target)} are no lists.")
    long = result.train.assign(**{c: lists[c] for c in result.target})
    long[POSITION] = long[result.target[0]].map(lambda cell: list(range(len(cell))))
    yield long.explode([*result.target, POSITION], ignore_index=True)
