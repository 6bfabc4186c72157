"""Checks of a carved fold: no label of a hidden unit is found in it, and its files are the units' own."""

import contextlib
import hashlib
import tempfile
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path, PurePosixPath

import pandas as pd

from gome.state.errors import GomeError
from gome.tools.adapters.adapter import ID, LABEL
from gome.tools.adapters.carved import Carved, Unfit
from gome.tools.data.file_contents import Content, read_content
from gome.tools.data.ids import row_keys
from gome.tools.data.inventory import Inventory, as_files, opened, sampled
from gome.tools.data.label_search import LabelSearch
from gome.tools.data.table_names import is_table, stem_of
from gome.tools.data.tables import read_table
from gome.tools.evaluation.metric import UNIT

_ROWS = 200_000
_KEYED = 0.2
"""Share of the hidden ids in a column from which their rows are looked at."""
_NAMED = 0.9
_PARTS = r"[^A-Za-z0-9]+"
_KEY = "the key"
_MOST_COLUMNS = 20
"""Of the labels of a unit with several rows, how many are looked for."""


@dataclass(frozen=True)
class Hidden:
    """Labels that no file may tell: `labels` (n, columns) of rows with the `keys` (n,), which are made of the columns
    `names`; None where a row has no key. `doubt`: see `LabelSearch`."""

    names: list[str]
    keys: pd.Series
    labels: pd.DataFrame
    doubt: float = 0

    @cached_property
    def search(self) -> LabelSearch:
        """What looks for them."""
        return LabelSearch(self.keys, self.labels, doubt=self.doubt)


def check_hidden(folder: Path, names: Sequence[str], hidden: Sequence[Hidden]) -> list[str]:
    """No label stands by value beside its id in the files `names` of a carved folder, archives included, or in names.
    Returned are the files in which nobody can look for them."""
    hidden = [h for h in hidden if len(h.labels)]
    for one in hidden:
        parts = (
            one.keys.astype(str).str.split(_PARTS, expand=True).add_prefix("part ").assign(**{ID: one.keys})
        )
        if one.names and one.search.in_table(parts, ID):
            raise Unfit("ids tell the labels of graded units: give these units ids that say nothing.")
        if one.search.in_text("\n".join(names)):
            raise Unfit("names of files or folders in the carved folder tell the labels of hidden units.")
    found = Inventory()
    searched = sampled(opened(folder, list(names), found))
    unread = list(found.left_out)
    with tempfile.TemporaryDirectory() as scratch:
        for name, path in as_files(found, folder, searched, Path(scratch)):
            content = _content(name, path) if path else Content()
            if content.texts is None and content.table is None and not content.media:
                unread += searched[name]
            elif (where := _tells(hidden, content)) is not None:
                raise Unfit(
                    f"the carved {name} holds labels of hidden units{where}: leave these rows out of it."
                )
    return unread


def of_answers(
    answers: pd.DataFrame, units: pd.Series, ids: list[str], prediction: list[str], *, doubt: float = 0
) -> list[Hidden]:
    """What hidden answers tell: each column, and of columns of 0 and 1 which one is 1; by the ids of their rows, and by
    the `units` (n,) that several rows are of. `doubt`: see `LabelSearch`."""
    answers, units = answers.reset_index(drop=True), units.reset_index(drop=True)
    labels = answers[prediction]
    bits = labels.apply(pd.to_numeric, errors="coerce")
    if len(prediction) > 1 and bits.isin([0, 1]).all(axis=None):
        labels = labels.assign(**{"the column that is 1": bits.idxmax(axis=1)})
    keys = row_keys(answers, ids) if ids else pd.Series([None] * len(answers), dtype=object)
    by_rows = Hidden(ids, keys, labels, doubt)
    place = units.groupby(units).cumcount()
    most = min(int(place.max()) + 1, max(1, _MOST_COLUMNS // labels.shape[1]))
    at = {i: place == i for i in range(most)}
    wide = pd.DataFrame(
        {f"{c} {i}": labels[c][rows].set_axis(units[rows]) for i, rows in at.items() for c in labels}
    )
    by_units = Hidden([UNIT], pd.Series(wide.index, dtype=object), wide.reset_index(drop=True), doubt)
    return [by_rows] if list(units) == list(keys) else [by_rows, by_units]


def of_units(units: pd.DataFrame, train: Sequence[str]) -> Hidden:
    """What the table of units tells of those that no program may learn from; no rows if it has no labels."""
    away = units[~units[ID].isin(list(train))].reset_index(drop=True)
    return Hidden([ID], away[ID], away[[LABEL]] if LABEL in units else away[[]].iloc[:0])


def _content(name: str, path: Path) -> Content:
    """What a file holds; what is called a table and is none may be text."""
    if is_table(name):
        with contextlib.suppress(GomeError):
            return Content(table=read_table(path, rows=_ROWS))
    return read_content(path)


def _tells(hidden: Sequence[Hidden], content: Content) -> str | None:
    """Where a file of this content tells labels, '' if in no column; None if it tells none."""
    for one in hidden:
        if any(one.search.in_text(text) for text in content.texts or []):
            return ""
        if content.table is not None and (column := _column(one, content.table)):
            return f" in its column {column!r}"
    return None


def _column(hidden: Hidden, table: pd.DataFrame) -> str | None:
    if set(hidden.names) <= set(table.columns) and hidden.names:
        table = table.assign(**{_KEY: row_keys(table, hidden.names)})
    keys = [c for c in table.columns if hidden.search.share(table[c]) >= _KEYED]
    return next((told for key in [*keys, None] if (told := hidden.search.in_table(table, key))), None)


def check_own_files(
    carved: Carved, public: Path, names: Sequence[str], graded: set[str], real: set[str]
) -> None:
    """Pictures, sounds and links in the carved folder are public files, each once, and those of graded units their own.

    `real` are the ids of the real sample, which may number its units as the labelled ones are numbered.
    """
    twins = {**carved.linked, **_twins(carved, public, names)}
    places: dict[str, str] = {}
    for place, twin in sorted(twins.items()):
        if twin in places:
            raise Unfit(
                f"the carved folder has {twin} twice, as {places[twin]} and as {place}: each unit stands once."
            )
        places[twin] = place
    both = graded & real
    owned = defaultdict(list)
    for name in names if both else []:
        for unit in _named(name) & both:
            owned[unit].append(name)
    for place, twin in twins.items():
        for unit in _named(place) & both if place == twin else ():
            if any(
                PurePosixPath(n).suffix == PurePosixPath(place).suffix and n != place for n in owned[unit]
            ):
                raise Unfit(
                    f"the carved {place} is the file of the real test unit, not of the labelled unit {unit!r}."
                )
    with_files = {unit for name in names for unit in _named(name) & graded}
    present = {unit for name in carved.names for unit in _named(name) & graded}
    if len(with_files) >= _NAMED * len(graded) and (lost := sorted(with_files - present)):
        raise Unfit(
            f"the carved folder has no file of the graded unit {lost[0]!r}, though the public folder has."
        )


def _twins(carved: Carved, public: Path, names: Sequence[str]) -> dict[str, str]:
    """The public file of the same bytes for each picture or sound that the adapter wrote. Unfit if there is none."""
    sizes, used = defaultdict(list), set(carved.linked.values())
    for name in names:
        sizes[(public / name).stat().st_size].append(name)
    found = {}
    for name in carved.made:
        path = carved.folder / name
        if is_table(name) or not read_content(path).media:
            continue
        alike = [n for n in sizes[path.stat().st_size] if digest(public / n) == digest(path)]
        if not alike:
            raise Unfit(f"the carved {name} is not bit for bit a file of the public folder: link it instead.")
        found[name] = next((n for n in alike if n not in used), alike[0])
        used.add(found[name])
    return found


def _named(name: str) -> set[str]:
    """What a file may be named by: its folders, its name, its name without the suffix."""
    path = PurePosixPath(name)
    return {*path.parts, stem_of(path)}


def digest(path: Path) -> str:
    """The hash of a file's bytes."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
