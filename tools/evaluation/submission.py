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
from gome.tools.data.ids import AGAIN, row_keys, row_words
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
    problems = _column_problems(table, sample) or _id_problems(table, sample, task.ids)
    if problems:
        return None, problems
    at = pd.Index(row_keys(table, task.ids, sample)).get_indexer(pd.Index(row_keys(sample, task.ids)))
    table = table.iloc[at].reset_index(drop=True)[list(sample.columns)]
    told = [c for c in sample.columns if c not in task.prediction]
    table[told] = sample[told].to_numpy()
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
    text = list(task.ids)
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


def _id_problems(table: pd.DataFrame, sample: pd.DataFrame, ids: list[str]) -> list[str]:
    if not ids:
        found = f"{len(table)} rows where the sample has {len(sample)}; write one for each, in its order"
        return [found] if len(table) != len(sample) else []
    problems = []
    for name in ids:
        if (empty := table[name].isna()).any():
            problems.append(
                f"{name} is empty in {int(empty.sum())} rows, first in row {int(empty.argmax()) + 1}"
            )
    given, wanted = row_keys(table, ids, sample), row_keys(sample, ids)
    strange = given.notna() & ~given.isin(wanted)
    again = strange & given.str.contains(AGAIN, regex=False, na=False)
    repeated = wanted.str.contains(AGAIN, regex=False).any()
    for source, rows, what in (
        (
            sample,
            ~wanted.isin(given),
            "rows of the sample are missing" if repeated else "ids of the sample are missing",
        ),
        (table, strange & ~again, "ids are not in the sample"),
        (table, again, "ids occur more often than in the sample" if repeated else "ids occur more than once"),
    ):
        if rows.any():
            problems.append(f"{int(rows.sum())} {what}, such as {row_words(source, ids, int(rows.argmax()))}")
    if problems:
        whose = "rows of the sample, in its order" if repeated else "ids of the test table"
        problems[-1] += f"; write one row for each of the {len(sample)} {whose}"
    return problems


def _check_values(table: pd.DataFrame, sample: pd.DataFrame, task: Task, metric: Metric) -> list[str]:
    """Faults of the predictions; brings them to their form in `table` as far as they have none."""
    columns = task.prediction
    form = answer_form(task)
    labels = form == "label" and len(columns) == 1
    lists = task.problem in ("ranking", "detection", "text") or form in ("ranking", "detection", "text")
    if metric.own and not (labels and task.classes):
        return [] if lists else _missing(table, columns, task.ids)
    if lists or (labels and not task.classes):
        table[columns] = table[columns].fillna("")
        return (
            [] if metric.cell_fault is None else _check_cells(table, columns[0], task.ids, metric.cell_fault)
        )
    if labels:
        return _check_labels(table, columns[0], task, metric)
    problems = [line for c in columns for line in _check_numbers(table, c, task.ids, metric)]
    if not problems and metric.form != "value" and len(columns) > 1 and task.classes:
        empty = table[columns].sum(axis=1) <= 0
        if empty.any():
            at = row_words(table, task.ids, int(empty.argmax()))
            problems.append(f"all probabilities are 0 in {int(empty.sum())} rows, such as {at}")
    return problems


def _check_cells(
    table: pd.DataFrame, column: str, ids: list[str], fault: Callable[[str], str | None]
) -> list[str]:
    """The first text of the column that the metric cannot read."""
    for row, text in enumerate(table[column]):
        if wrong := fault(text):
            return [f"{column}: {wrong}, for {row_words(table, ids, row)}"]
    return []


def _missing(table: pd.DataFrame, columns: list[str], ids: list[str]) -> list[str]:
    found = {c: table[c].isna() for c in columns}
    return [
        f"{c} is missing in {int(gap.sum())} of {len(table)} rows, such as {row_words(table, ids, int(gap.argmax()))}; "
        "predict every row"
        for c, gap in found.items()
        if gap.any()
    ]


def _check_labels(table: pd.DataFrame, column: str, task: Task, metric: Metric) -> list[str]:
    if problems := _missing(table, [column], task.ids):
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


def _check_numbers(table: pd.DataFrame, column: str, ids: list[str], metric: Metric) -> list[str]:
    if problems := _missing(table, [column], ids):
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
            row = int(bad.argmax())
            at, value = row_words(table, ids, row), table[column].iloc[row]
            return [
                f"{column}: {int(bad.sum())} of {len(table)} predictions {what}, "
                f"such as {str(value)[:80]} for {at}; {how}"
            ]
    table[column] = numbers.clip(metric.low, metric.high)
    return []


def _span(metric: Metric) -> str:
    if metric.form == "probability":
        return "probabilities from 0 to 1"
    return f"predictions of at least {metric.low:g}"


def _warnings(table: pd.DataFrame, task: Task) -> list[str]:
    if len(table) < 2 or any(table[c].nunique(dropna=False) > 1 for c in task.prediction):
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
        f"{total[off].iloc[0]:.4g} for {row_words(table, task.ids, int(off.argmax()))}; each row was divided by its sum"
    ]
