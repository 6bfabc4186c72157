"""The format check: a submission file against the sample, each fault one line that says how to mend it.

The file was written by a program that nobody has read: links are not followed, its size is bounded, and it is read as
plain CSV and nothing else.
"""

import csv
import itertools
import stat
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from gome.state.task import Task
from gome.tools.data.ids import id_text, respelled
from gome.tools.data.tables import MISSING
from gome.tools.evaluation.answer_form import answer_form
from gome.tools.evaluation.grading import metric_of
from gome.tools.evaluation.metric import Metric
from gome.tools.evaluation.parse import as_numbers, class_labels, nearest_labels, shown

WARNING = "warning: "
LARGEST = 1e50
"""Of predicted numbers, either way: sums of the squares of their squared errors are still finite."""
_TOLERANCE = 1e-6  # a float32 probability may end a little outside of 0..1
_ROUNDED = 1e-3  # by which a row of rounded probabilities may miss the sum 1
_HEADER_BYTES = 10_000_000
_BASE_BYTES, _BYTES_A_ROW, _BYTES_A_CELL = 16_000_000, 4096, 64


def check_submission(path: Path, sample: pd.DataFrame, task: Task) -> tuple[pd.DataFrame | None, list[str]]:
    """(rows in the sample's order, what is to be said about them).

    With a fault there are no rows but None, and the lines say what is wrong. With rows the lines are only warnings,
    beginning with 'warning: ', such as predictions that are all the same. Labels come back as text, as they are
    written in `task.classes`; numbers as floats; ids as the sample has them.
    """
    metric = metric_of(task)
    table, problems = _read(path, sample, task, metric)
    if table is None:
        return None, problems
    problems = _column_problems(table, sample) or _id_problems(table, sample, task.id)
    if problems:
        return None, problems
    at = pd.Index(respelled(table[task.id], sample[task.id])).get_indexer(id_text(sample[task.id]))
    table = table.iloc[at].reset_index(drop=True)[list(sample.columns)]
    table[task.id] = sample[task.id].to_numpy()
    problems = _check_values(table, sample, task, metric)
    if problems:
        return None, problems
    return table, _warnings(table, task) + _rescaled(table, task, metric)


def _read(
    path: Path, sample: pd.DataFrame, task: Task, metric: Metric
) -> tuple[pd.DataFrame | None, list[str]]:
    try:
        status = path.lstat()
    except OSError:
        return None, [f"{path.name} was not written; write it into the working directory"]
    if not stat.S_ISREG(status.st_mode):
        return None, [f"{path.name} is not a plain file; write the rows into it, not a link or a folder"]
    if status.st_size == 0:
        return None, [f"{path.name} is empty; write the header and a row for each id"]
    limit = _BASE_BYTES + len(sample) * (_BYTES_A_ROW + _BYTES_A_CELL * sample.shape[1])
    if status.st_size > limit:
        return None, [
            f"{path.name} has {status.st_size:,} bytes; for {len(sample)} rows at most {limit:,} are read"
        ]
    if problem := _shape_problem(path, sample.shape[1]):
        return None, [problem]
    text = [task.id]
    if metric.form in ("label", "ranking", "detection", "text") or (
        metric.own and answer_form(task) in ("label", "text")
    ):
        text += task.prediction
    most = 2 * len(sample) + 1000
    try:
        table = pd.read_csv(
            path,
            dtype=dict.fromkeys(text, str),
            keep_default_na=False,
            na_values={c: [""] if c in text else MISSING for c in sample.columns},
            encoding="utf-8-sig",
            compression=None,
            low_memory=False,
            nrows=most + 1,
        )
    except UnicodeDecodeError as error:
        return None, [f"{path.name} is not UTF-8 at byte {error.start}; write it with DataFrame.to_csv"]
    except (ValueError, OverflowError) as error:  # pandas' parser errors are ValueErrors
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:200]
        return None, [f"{path.name} is not readable as CSV: {reason}"]
    if len(table) > most:
        return None, [f"{path.name} has more than {most:,} rows where the sample has {len(sample):,}"]
    return table, []


def _shape_problem(path: Path, columns: int) -> str | None:
    """What is wrong with the first two lines. pandas takes hours over one with millions of fields too many."""
    with path.open("rb") as file:
        fields = file.readline(_HEADER_BYTES).count(b",") + 1
    if fields > 2 * columns + 100:
        return f"{path.name} has {fields:,} columns or more where the sample has {columns}"
    try:
        with path.open(encoding="utf-8-sig", newline="") as text:
            header, first = itertools.islice(itertools.chain(filter(None, csv.reader(text)), ([], [])), 2)
    except UnicodeDecodeError as error:
        return f"{path.name} is not UTF-8 at byte {error.start}; write it with DataFrame.to_csv"
    except csv.Error as error:
        return f"{path.name} is not readable as CSV: {error}"
    return (
        f"{path.name}: rows have more fields than the header has names" if len(first) > len(header) else None
    )


def _column_problems(table: pd.DataFrame, sample: pd.DataFrame) -> list[str]:
    wanted, given = list(sample.columns), [str(c) for c in table.columns]
    missing = [c for c in wanted if c not in given]
    extra = [c for c in given if c not in wanted]
    problems = []
    if missing:
        problems.append(f"columns {shown(missing)} are missing; the header has to be: {shown(wanted, 12)}")
    if extra:
        hint = "write with index=False" if any(c.startswith("Unnamed") for c in extra) else "remove them"
        problems.append(f"columns {shown(extra)} are not in the sample; {hint}")
    return problems


def _id_problems(table: pd.DataFrame, sample: pd.DataFrame, id_: str) -> list[str]:
    given, wanted = respelled(table[id_], sample[id_]), id_text(sample[id_])
    problems = []
    if given.isna().any():
        problems.append(
            f"{id_} is empty in {int(given.isna().sum())} rows, first in row {int(given.isna().argmax()) + 1}"
        )
    given = given.dropna()
    for ids, what in (
        (wanted[~wanted.isin(given)], "ids of the sample are missing"),
        (given[~given.isin(wanted)].drop_duplicates(), "ids are not in the sample"),
        (given[given.duplicated()].drop_duplicates(), "ids occur more than once"),
    ):
        if len(ids):
            problems.append(f"{len(ids)} {what}, such as {id_} = {str(ids.iloc[0])[:80]}")
    if problems:
        problems[-1] += f"; write one row for each of the {len(sample)} ids of the test table"
    return problems


def _check_values(table: pd.DataFrame, sample: pd.DataFrame, task: Task, metric: Metric) -> list[str]:
    """Faults of the predictions; brings them to their form in `table` as far as they have none."""
    columns = [c for c in sample.columns if c != task.id]
    form = answer_form(task)
    labels = form == "label" and len(columns) == 1
    lists = task.problem in ("ranking", "detection", "text") or form in ("ranking", "detection", "text")
    if metric.own and not (labels and task.classes):
        return [] if lists else _missing(table, columns, task.id)
    if lists or (labels and not task.classes):
        table[columns] = table[columns].fillna("")
        return (
            [] if metric.cell_fault is None else _check_cells(table, columns[0], task.id, metric.cell_fault)
        )
    if labels:
        return _check_labels(table, columns[0], task, metric)
    problems = [line for c in columns for line in _check_numbers(table, c, task.id, metric)]
    if not problems and metric.form != "value" and len(columns) > 1 and task.classes:
        empty = table[columns].sum(axis=1) <= 0
        if empty.any():
            at = table[task.id][empty].iloc[0]
            problems.append(f"all probabilities are 0 in {int(empty.sum())} rows, such as {task.id} = {at}")
    return problems


def _check_cells(table: pd.DataFrame, column: str, id_: str, fault: Callable[[str], str | None]) -> list[str]:
    """The first text of the column that the metric cannot read."""
    for row, text in zip(table[id_], table[column], strict=True):
        if wrong := fault(text):
            return [f"{column}: {wrong}, for {id_} = {row}"]
    return []


def _missing(table: pd.DataFrame, columns: list[str], id_: str) -> list[str]:
    found = {c: table[c].isna() for c in columns}
    return [
        f"{c} is missing in {int(gap.sum())} of {len(table)} rows, such as {id_} = {table[id_][gap].iloc[0]}; "
        "predict every row"
        for c, gap in found.items()
        if gap.any()
    ]


def _check_labels(table: pd.DataFrame, column: str, task: Task, metric: Metric) -> list[str]:
    if problems := _missing(table, [column], task.id):
        return problems
    values = table[column]
    text = nearest_labels(values, task.classes) if metric.ordered else class_labels(values, task.classes)
    unknown = ~text.isin(task.classes)
    if unknown.any():
        example = values[unknown].iloc[0]
        return [
            f"{column}: {int(unknown.sum())} of {len(table)} predictions are no known label, "
            f"such as {str(example)[:80]!r}; labels are {shown(task.classes)}"
        ]
    table[column] = text
    return []


def _check_numbers(table: pd.DataFrame, column: str, id_: str, metric: Metric) -> list[str]:
    if problems := _missing(table, [column], id_):
        return problems
    numbers = as_numbers(table[column])
    for bad, what, how in (
        (numbers.isna(), "are no numbers", "write numbers"),
        (~np.isfinite(numbers), "are infinite", "clip or replace them"),
        (numbers.abs() > LARGEST, f"are beyond {LARGEST:g}", "clip or replace them"),
        (
            numbers < metric.low - _TOLERANCE,
            f"are below {metric.low:g}",
            f"{metric.name} needs {_span(metric)}",
        ),
        (
            numbers > metric.high + _TOLERANCE,
            f"are above {metric.high:g}",
            f"{metric.name} needs {_span(metric)}",
        ),
    ):
        if bad.any():
            at, value = table[id_][bad].iloc[0], table[column][bad].iloc[0]
            return [
                f"{column}: {int(bad.sum())} of {len(table)} predictions {what}, "
                f"such as {str(value)[:80]} for {id_} = {at}; {how}"
            ]
    table[column] = numbers.clip(metric.low, metric.high)
    return []


def _span(metric: Metric) -> str:
    if metric.form == "probability":
        return "probabilities from 0 to 1"
    return f"predictions of at least {metric.low:g}"


def _warnings(table: pd.DataFrame, task: Task) -> list[str]:
    if len(table) < 2 or any(table[c].nunique(dropna=False) > 1 for c in table.columns if c != task.id):
        return []
    value = str(table[task.prediction[0]].iloc[0])[:80]
    return [
        f"{WARNING}all {len(table)} predictions are the same ({task.prediction[0]} = {value}); is the model fitted?"
    ]


def _rescaled(table: pd.DataFrame, task: Task, metric: Metric) -> list[str]:
    """Bring each row of class probabilities in `table`, as graded and handed over, to the sum 1; a line that says so.

    Kaggle's log loss divides each row by its sum, scikit-learn's metrics, AUC among them, want it done before. It changes
    the value of a metric by columns, so that every grader has to be given the same rows.
    """
    if metric.own or metric.form != "probability" or not task.classes or len(task.prediction) == 1:
        return []
    total = table[task.prediction].sum(axis=1)
    off = (total - 1).abs() > _ROUNDED
    if not off.any():
        return []
    table[task.prediction] = table[task.prediction].div(total, axis=0)
    return [
        f"{WARNING}probabilities do not sum to 1 in {int(off.sum())} of {len(table)} rows, such as "
        f"{total[off].iloc[0]:.4g} for {task.id} = {table[task.id][off].iloc[0]}; each row was divided by its sum"
    ]
