"""Signs that a task's own tables give the answer away. Executed on the train table, no model asked.

A sign is a column, an id, an order of rows or a table that tells the target nearly by itself, the target of another
row under another name, or rows that stand in several parts. What such a column gives may be fair to use, if the real
test rows have it too; that is for people to say. So signs are reported, and void no score.
"""

import re
from collections.abc import Iterator, Mapping
from statistics import NormalDist

import numpy as np
import pandas as pd

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.columns import column_kind, time_values
from gome.tools.data.ids import id_text, respelled
from gome.tools.data.single_column_score import Answer, single_column_score
from gome.tools.data.task_tables import read_task_table

TELLS, HINTS = 0.97, 0.2
"""Share of the target explained from which a column gives it away, and from which an id or an order says too much."""
EQUAL = 0.98
SHIFTS = 31  # a month of days
FEWEST_GROUPS = 10
CHANCE = 1e-5
"""Of taking one column for a mean of groups that is none."""
MOST_COLUMNS = 500
_PROBE = 2_000


def leaks(
    train: pd.DataFrame, test: pd.DataFrame, task: Task, side_tables: Mapping[str, list[str]]
) -> list[dict[str, str]]:
    """What gives the target away: {"kind", "where", "text"} each, the text one line. `side_tables`: name to columns.

    Kinds: column, id, order, later row, group mean, same rows, table. Tasks whose target is no single number or class
    are looked at for same rows alone.
    """
    shared = [c for c in train.columns if c in test.columns and c not in (task.id, *task.target)]
    found = list(_same_rows(train[shared], test[shared]))
    if len(task.target) != 1 or task.problem not in ("binary", "multiclass", "regression"):
        return found
    labelled = train[train[task.target[0]].notna()].reset_index(drop=True)
    answer = Answer(labelled[task.target[0]], classes=task.problem != "regression")
    if not answer.varies:
        return found
    told = {c: single_column_score(labelled[c], answer) for c in shared[:MOST_COLUMNS] if c != task.group}
    direct = [c for c, share in told.items() if share >= TELLS]
    found += [_column(c, told[c], labelled[c], test[c]) for c in direct]
    rest = [c for c in shared[:MOST_COLUMNS] if c not in direct]
    later = list(_later_rows(labelled, rest, answer, task))
    found += later
    named = {row["where"] for row in later}
    found += _group_means(labelled, [c for c in rest if c not in named], answer)
    return [*found, *_from_place(labelled, answer, task), *_side_tables(labelled, answer, task, side_tables)]


def _row(kind: str, where: str, text: str) -> dict[str, str]:
    return {"kind": kind, "where": where, "text": text}


def _column(name: str, share: float, values: pd.Series, test: pd.Series) -> dict[str, str]:
    text = f"{name} alone tells {share:.0%} of the target: is it known when predicting?"
    gap = test.isna().mean() - values.isna().mean()
    return _row("column", name, text + (f" It is missing in {gap:.0%} more of test." if gap > 0.1 else ""))


def _from_place(train: pd.DataFrame, answer: Answer, task: Task) -> Iterator[dict[str, str]]:
    """Ids and the order of rows; where there is a time column both may follow it, and the target too."""
    if task.time is not None:
        return
    share = single_column_score(pd.Series(np.arange(len(train))), answer)
    if share >= HINTS:
        text = (
            f"the order of the rows in {task.train} tells {share:.0%} of the target: the file is sorted by it"
        )
        yield _row("order", task.train, text)
    if task.id not in train.columns or column_kind(train[task.id]) == "image":
        return
    told = {part: single_column_score(values, answer) for part, values in _id_parts(train[task.id]).items()}
    part = max(told, key=lambda name: told[name])
    if told[part] >= max(HINTS, share + 0.1):
        text = f"the {part} of the id {task.id} tells {told[part]:.0%} of the target: an id should say nothing of it"
        yield _row("id", task.id, text)


def _id_parts(ids: pd.Series) -> dict[str, pd.Series]:
    """What an id may carry: its number, the words before it, its first and last character."""
    text = id_text(ids).fillna("")
    number = pd.to_numeric(text.str.extract(r"(\d{1,15})(?!.*\d)", flags=re.DOTALL)[0], errors="coerce")
    return {
        "number": number,
        "beginning": text.str.extract(r"^(\D*)")[0],
        "first character": text.str[:1],
        "last character": text.str[-1:],
    }


def _later_rows(
    train: pd.DataFrame, columns: list[str], answer: Answer, task: Task
) -> Iterator[dict[str, str]]:
    """Columns that hold the target of another row, by the time column or the order of the file."""
    order = np.arange(len(train))
    if task.time is not None and (times := time_values(train[task.time])) is not None:
        order = np.argsort(times.to_numpy(), kind="stable")
    target = answer.comparable(train[task.target[0]])[order]
    if task.group is not None:
        groups = pd.factorize(train[task.group], use_na_sentinel=False)[0][order]
        by_group = np.argsort(groups, kind="stable")
        order, target = order[by_group], target[by_group]
    for name in columns:
        values = answer.comparable(train[name])[order]
        for shift in [k for n in range(1, min(SHIFTS, len(train) // 4) + 1) for k in (n, -n)]:
            if _is_shifted(values, target, shift, answer.chance):
                side = "later" if shift > 0 else "earlier"
                text = (
                    f"{name} holds the target of the row {abs(shift)} {side}: graded rows tell of one another"
                )
                yield _row("later row" if shift > 0 else "earlier row", name, text)
                break


def _is_shifted(values: np.ndarray, target: np.ndarray, shift: int, chance: float) -> bool:
    ours, theirs = (values[:-shift], target[shift:]) if shift > 0 else (values[-shift:], target[:shift])
    for part in (slice(_PROBE), slice(None)):  # a first look is enough for nearly all columns
        if (np.mean(ours[part] == theirs[part]) - chance) / (1 - chance) < EQUAL:
            return False
    return True


def _group_means(train: pd.DataFrame, columns: list[str], answer: Answer) -> Iterator[dict[str, str]]:
    """Number columns that hold the mean target of the rows' group, these rows themselves in it."""
    target = answer.number
    if target is None:
        return
    numbers = [c for c in columns if column_kind(train[c]) == "number"]
    named: set[str] = set()
    for by in columns:
        codes, values = pd.factorize(train[by])
        grouping = column_kind(train[by]) in ("category", "integer", "id") and not (codes < 0).any()
        if not grouping or not FEWEST_GROUPS <= len(values) <= len(train) / 2:
            continue
        for name in (c for c in numbers if c not in named):
            if _is_mean(train[name].to_numpy(dtype=float), codes, target):
                named.add(name)
                text = f"{name} follows the mean target by {by} too closely for chance: graded rows are in it"
                yield _row("group mean", name, text)


def _is_mean(values: np.ndarray, codes: np.ndarray, target: np.ndarray) -> bool:
    """Whether `values`, one for each group, are nearer to the groups' means than these are to what they estimate.

    The mean of a group's m rows scatters by sd^2 / m around any number that was not made from these rows. Squares of
    what is left by a line through the means, in these units, sum up to chi-square; far less says that the rows are in.
    """
    sizes = np.bincount(codes)
    level = np.bincount(codes, weights=values) / sizes
    if not np.allclose(values, level[codes], rtol=1e-6, atol=0) or level.std() == 0:
        return False
    means = np.bincount(codes, weights=target) / sizes
    within = ((target - means[codes]) ** 2).sum() / (len(target) - len(sizes))
    if within == 0:
        return False
    line = np.polynomial.Polynomial.fit(level, means, 1, w=np.sqrt(sizes))
    left = (sizes * (means - line(level)) ** 2).sum() / within
    return bool(left < _low_chi_square(len(sizes) - 2))


def _low_chi_square(freedom: int) -> float:
    """What chi-square stays below by chance in CHANCE of cases (Wilson and Hilferty 1931)."""
    spread = 2 / (9 * freedom)
    return freedom * max(0.0, 1 - spread + NormalDist().inv_cdf(CHANCE) * spread**0.5) ** 3


def _same_rows(train: pd.DataFrame, test: pd.DataFrame) -> Iterator[dict[str, str]]:
    """Test rows whose features stand in train as well, where rows are nearly all different."""
    if train.shape[1] < 2:
        return
    as_text = {c: str for c in train.columns if train[c].dtype == object or train[c].dtype != test[c].dtype}
    ours, theirs = (pd.util.hash_pandas_object(t.astype(as_text), index=False) for t in (train, test))
    count = int(theirs.isin(set(ours)).sum())
    if count >= 0.01 * len(test) and ours.nunique() > 0.8 * len(train) and theirs.nunique() > 0.8 * len(test):
        text = (
            f"{count} of {len(test)} test rows have the same features as a train row: their labels are known"
        )
        yield _row("same rows", "test", text)


def _side_tables(
    train: pd.DataFrame, answer: Answer, task: Task, tables: Mapping[str, list[str]]
) -> Iterator[dict[str, str]]:
    """Columns of other tables that give the target away, joined by id; those named like the target are left out of
    the programs' inputs anyway."""
    if task.id not in train.columns:
        return
    for table, columns in tables.items():
        others = [c for c in columns if c != task.id and c not in task.target]
        if task.id not in columns or not others or len(others) > MOST_COLUMNS:
            continue
        try:
            rows = read_task_table(task, table, columns=[task.id, *others])
        except GomeError:
            continue
        keyed = rows.set_axis(respelled(rows[task.id], train[task.id])).drop(columns=task.id)
        joined = keyed[~keyed.index.duplicated()].reindex(id_text(train[task.id]))
        for name in others:
            if (share := single_column_score(joined[name].reset_index(drop=True), answer)) >= TELLS:
                text = f"{name} of {table} tells {share:.0%} of the target, by {task.id}"
                yield _row("table", f"{table}: {name}", text)
