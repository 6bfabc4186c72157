"""Checks of a carved fold: its ids, columns and rows are those that a submission for the task has."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.adapters.adapter import ID, LABEL
from gome.tools.adapters.carved import Carved, Unfit, readable
from gome.tools.data.label_search import label_values
from gome.tools.data.table_names import is_table, suffix_of
from gome.tools.data.tables import read_cells, read_columns

UNIT = "unit"
"""The column of answers that says whose they are, where the sample's ids are not those of the units."""
_MOST_TABLES = 200


def check_form(
    carved: Carved, sample: str, ids: list[str], real: pd.DataFrame, graded: Sequence[str]
) -> pd.Series:
    """The unit of each row of the answers. `real` is the real sample submission, `graded` what was to be held back; rows
    are told apart by the columns `ids`, else by their place."""
    if sample not in carved.names:
        raise Unfit(f"carve() wrote no {sample}: write the sample submission for the graded units.")
    given, answers = readable(f"the carved {sample}", read_cells, carved.folder / sample), carved.answers
    if list(given.columns) != list(real.columns):
        raise Unfit(
            f"carve(): the columns of {sample} are {_few(given.columns)}, those of the real one {_few(real.columns)}."
        )
    if lacking := [c for c in real.columns if c not in answers.columns]:
        raise Unfit(f"carve(): the answers lack the sample's column {lacking[0]!r}.")
    if empty := [c for c in ids if answers[c].isna().any() or given[c].isna().any()]:
        raise Unfit(f"carve(): ids are empty in {empty[0]!r}: each row needs its own.")
    if ids and not real[ids].duplicated().any() and answers[ids].duplicated().any():
        raise Unfit(f"carve(): ids of the answers are repeated in {_few(ids)}: each row needs its own.")
    odd = set(given[ids].itertuples(index=False, name=None)) ^ set(
        answers[ids].itertuples(index=False, name=None)
    )
    if len(given) != len(answers) or odd:
        raise Unfit(
            f"carve(): {sample} has {len(given)} rows, the answers {len(answers)}"
            f"{f', with other ids, such as {_few(min(odd))}' if odd else ''}: both need the same rows."
        )
    if not given[ids].equals(answers[ids]):
        raise Unfit(f"carve(): the answers are in another order than {sample}: write both in one order.")
    return _units(carved, ids, real, graded)


def _units(carved: Carved, ids: list[str], real: pd.DataFrame, graded: Sequence[str]) -> pd.Series:
    answers = carved.answers
    named = [UNIT] if UNIT in answers and UNIT not in real else ids
    if not named:
        raise Unfit(
            f"carve(): the sample has no ids: say whose each row of the answers is in a column {UNIT!r}."
        )
    whose = next((c for c in named if set(answers[c].fillna("")) == set(graded)), named[0])
    units = answers[whose]
    if odd := set(units.fillna("")) ^ set(graded):
        stray = sorted(odd - set(graded))
        what = f"{stray[0]!r} was not to be graded" if stray else f"{min(odd)!r} is missing"
        raise Unfit(
            f"carve(): the answers are not those of the graded units: {what}; where the sample's ids are not the units', "
            f"say whose each row is in a column {UNIT!r}."
        )
    for name in ids:
        endings = {suffix_of(str(i)) for i in real[name]}
        if len(endings) == 1 and (other := {suffix_of(str(i)) for i in answers[name]} - endings):
            raise Unfit(f"carve(): ids end in {min(other)!r}, those of the real sample in {endings.pop()!r}.")
    return units.reset_index(drop=True)


def check_metric_columns(answers: pd.DataFrame, task: Task) -> None:
    """The answers have what the task's metric is told by name, such as groups or weights of rows."""
    if lacking := [c for c in task.metric_columns if c not in answers]:
        raise Unfit(
            f"carve(): the answers lack the column {lacking[0]!r}, which {task.metric} needs beside the sample's."
        )


def check_agreement(answers: pd.DataFrame, units: pd.Series, table: pd.DataFrame) -> None:
    """The answers `answers`, whose rows are of `units`, say what the table of units says, where they say the same kind of
    thing: labels of the table as values of the one column, or as the column that is 1."""
    if LABEL not in table or not units.is_unique:
        return
    bits = answers.apply(pd.to_numeric, errors="coerce")
    said = label_values(answers.iloc[:, 0] if answers.shape[1] == 1 else bits.idxmax(axis=1).astype(str))
    known = label_values(table.set_index(ID)[LABEL].reindex(units).reset_index(drop=True))
    alike = set(said) <= set(label_values(table[LABEL])) and len(set(known)) > 1
    if alike and (wrong := (said != known).to_numpy()).any():
        raise Unfit(
            "carve(): the answers say other labels than units(): there "
            f"{units[wrong].iloc[0]!r} is {known[wrong].iloc[0]!r}."
        )


def check_shape(carved: Carved, public: Path, names: Sequence[str]) -> None:
    """The carved folder has at its top what the public folder has, the same kinds of files in it, and of tables that both
    have the same columns. `names` are the public files."""
    for what, found in (
        ("has no", _kinds(names) - _kinds(carved.names)),
        ("has", _kinds(carved.names) - _kinds(names)),
    ):
        if found:
            top, suffix = min(found)
            named = f"{suffix or 'other'} files in {top}/" if top not in {*names, *carved.names} else top
            raise Unfit(
                f"the carved folder {what} {named}, unlike the public folder: lay it out in the same way."
            )
    both = [n for n in names if is_table(n) and (carved.folder / n).is_file()]
    for name in both[:_MOST_TABLES]:
        try:
            wanted = read_columns(public / name)
        except GomeError:
            continue
        if (given := read_columns(carved.folder / name)) != wanted:
            raise Unfit(f"the carved {name} has the columns {_few(given)}, the public one {_few(wanted)}.")


def _kinds(names: Sequence[str]) -> set[tuple[str, str]]:
    """(name at the top, '') of files there, (folder at the top, suffix) of those below."""
    tops = ((n.split("/", 1)[0], suffix_of(n) if "/" in n else "") for n in names)
    return set(tops)


def _few(columns: Iterable[str]) -> str:
    names = list(columns)
    return ", ".join(map(str, names[:8])) + (", ..." if len(names) > 8 else "")
