"""Which of the tables that were found are train table, test table and sample submission, told by what is in them."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

import pandas as pd

from gome.state.errors import NotUnderstood
from gome.tools.data.conventions.keys import Key, by_column, find_key
from gome.tools.data.conventions.sources import Source
from gome.tools.data.ids import id_text
from gome.tools.data.mlebench import classes_of_columns, likely_target

SAMPLE = re.compile(r"sample.*sub|sub.*sample|^sample|submission", re.I)
_EXTRA = re.compile(r"noisy|extra|external|additional|supplement|unlabel|pseudo|weak|old", re.I)
_SHARED, _TOKENS = 0.6, r"[\s,;|]+"


@dataclass(frozen=True)
class Roles:
    """The `sample` with its id column; the `test` table, None where the sample is all there is, and the `key` by which
    the sample's ids name its rows; the `train` table, None if there is none, and its label columns `target`, or the
    column `listed` that lists the labels which the sample has columns for."""

    sample: Source
    id: str
    test: Source | None
    key: Key | None
    train: Source | None
    target: list[str]
    listed: str | None = None

    @property
    def ids(self) -> pd.Series:
        """The sample's ids, as text."""
        return id_text(self.sample.cells[self.id])

    @property
    def prediction(self) -> list[str]:
        """The sample's other columns."""
        return [c for c in self.sample.columns if c != self.id]


def find_sample(sources: Sequence[Source], said: str) -> Source | None:
    """The sample submission: as `said`, else by its name, the one that lies highest up."""
    if said:
        return next((s for s in sources if s.name == said), None)
    named = [s for s in sources if SAMPLE.search(s.name.rpartition("/")[2]) and len(s.columns) > 1]
    highest = [s for s in named if s.name.count("/") == min(n.name.count("/") for n in named)]
    return highest[0] if len(highest) == 1 else None


def find_roles(sources: Sequence[Source], sample: Source, id_: str) -> Roles:
    """The roles of the tables beside the sample."""
    ids = id_text(sample.cells[id_])
    prediction = [c for c in sample.columns if c != id_]
    others = [s for s in sources if s is not sample and s.columns and set(s.columns) != set(sample.columns)]
    test, key = _test(others, ids, id_)
    if test is None and (
        called := [s.name for s in others if re.search("test", s.name.rpartition("/")[2], re.I)]
    ):
        raise NotUnderstood(f"{sample.name}: not all of its ids are in {called[0]}.")
    if test is not None and key is not None and not key.rest:
        wide = (by_column(key, test.cells, s.columns) for s in others if s is not test)
        key = next(filter(None, wide), key)
    labelled = [
        (s, *labels)
        for s in others
        if s is not test and (labels := _labels(s, test, key, prediction, sample))
    ]
    if len(labelled) > 1:
        labelled = [row for row in labelled if not _EXTRA.search(row[0].name)]
    named = [row for row in labelled if "train" in row[0].name.lower()]
    if best := max((row[3] for row in named or labelled), default=0):
        labelled = [row for row in named or labelled if row[3] == best]
    if (
        len({frozenset(row[0].columns) for row in labelled}) == 1
        and len({len(r[0].cells) for r in labelled}) == 1
    ):
        labelled = sorted(labelled, key=lambda row: row[0].name.count("/"))[:1]  # copies of one table
    if len(labelled) != 1:
        return Roles(sample, id_, test, key, None, [])
    train, target, listed, _ = labelled[0]
    return Roles(sample, id_, test, key, train, target, listed)


def _test(others: Sequence[Source], ids: pd.Series, id_: str) -> tuple[Source | None, Key | None]:
    """The table whose rows are those that the sample's ids name, no more; or one that is called test."""
    found = []
    for source in others:
        if key := find_key(source, ids, id_):
            wanted = key.cut(ids)[0] if key.rest else ids
            exact = key.of(source.cells).nunique() == wanted.nunique()
            called = "test" in source.name.lower()
            if exact or called:
                found.append((exact, called, not key.rest, -source.name.count("/"), source, key))
    if not found:
        return None, None
    best = max(found, key=lambda row: row[:4])
    return best[4], best[5]


def _labels(
    source: Source, test: Source | None, key: Key | None, prediction: list[str], sample: Source
) -> tuple[list[str], str | None, int] | None:
    """(label columns, the column that lists labels, how sure it is) of what may be the train table; None: no labels."""
    columns = source.columns
    if all(c in columns for c in prediction) and not (test and set(prediction) <= set(test.columns)):
        return prediction, None, 4
    if len(prediction) == 1:
        if source.label is not None:
            return [source.label], None, 3
        if key and key.rest:
            rests = key.cut(id_text(sample.cells.drop(columns=prediction).iloc[:, 0]))[1]
            if set(rests) <= set(columns):
                return list(dict.fromkeys(rests)), None, 3
    if len(prediction) > 1:
        for column in columns:
            values = source.cells[column].dropna().unique()
            if len(values) < len(source.cells) and classes_of_columns(list(values), prediction) is not None:
                return [column], None, 3
            if _lists(source.cells[column], prediction):
                return prediction, column, 3
    if test is None or key is None:
        return None
    own = [c for c in columns if c not in test.columns and c not in key.columns]
    features = [c for c in test.columns if not (c in key.columns and len(key.columns) == 1)]
    shared = [c for c in features if c in columns]
    if not own or len(shared) < _SHARED * len(features):
        return None
    target = likely_target(source.cells, own, prediction, sample.cells)
    return ([target], None, 2) if target else None


def _lists(cells: pd.Series, names: Sequence[str]) -> bool:
    """Whether each cell lists some of `names`."""
    known = set(names)
    probe = cells.dropna().head(2_000)
    return bool(len(probe)) and all(known.issuperset(words(cell)) for cell in probe)


def words(cell: str) -> list[str]:
    """The labels that a cell lists."""
    return [w for w in re.split(_TOKENS, cell.strip("[] ").replace("'", "").replace('"', "")) if w]
