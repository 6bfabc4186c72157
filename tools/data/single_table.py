"""One table as a task: a test part with hidden labels is cut off, and a task folder written around both parts."""

import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from gome.state.errors import GomeError
from gome.state.plain import JsonObject
from gome.state.task import DateFormat
from gome.tools.data.columns import class_text, column_kind, nearest
from gome.tools.data.date_checks import date_formats
from gome.tools.data.drop import check_drop
from gome.tools.data.labels import read_labels
from gome.tools.data.partial_task import PartialTask
from gome.tools.data.row_splits import deal, hold_out, moments
from gome.tools.data.splits import MIN_ROWS
from gome.tools.data.table_names import TableName, stem_of
from gome.tools.data.tables import read_cells, read_table, write_table
from gome.tools.evaluation import metrics

ROW_ID = "row_id"
TEST_PARTS = 5
SUGGESTED = {
    "binary": ["auc", "log_loss", "accuracy", "f1"],
    "multiclass": ["accuracy", "log_loss", "f1_macro"],
    "multilabel": ["auc", "f1_samples"],
    "regression": ["rmse", "mae", "r2"],
}
_PASSED_ON = ("positive", "problem", "direction", "group", "time")
"""What is said of the table and stands in the task file as it is."""


def answers_path(root: Path) -> Path:
    """Where the labels of the test part are kept for a task folder made here: beside it, outside of it.

    The file exists only if the labels are known, that is, if the test part was cut from labelled rows.
    """
    return root.with_name(f"{root.name}-answers.csv")


def make_task_folder(path: Path, wanted: PartialTask, workspace: Path) -> Path:
    """Write `workspace`/<name of the table>/ with train, test, sample submission, description and task.yaml.

    The test part is the rows without a label if there are any, else one row in five: the latest, or whole groups, or
    labels spread evenly; the same rows every time. The true labels of a cut-off test part go to `answers_path`. Where no
    id is named, a column that tells the rows apart is it; else `row_id` is made. Raises GomeError: target or metric not
    given, no such column, too few labelled rows, nothing left to train on.
    """
    table, cells, target, metric = read_table(path), read_cells(path), wanted.target, wanted.metric
    _check_columns(path, table, wanted)
    if not metric:
        fits = ", ".join(_suggestions(table, target))
        raise GomeError(f"{path}: which metric? Give `metric`; for this target {fits} would fit.")
    dropped = list(wanted.drop)
    table, cells = table.drop(columns=dropped), cells.drop(columns=dropped)
    dates = date_formats(path, [table], wanted.dates, wanted.time, skip=target)
    labels, _ = read_labels(path, target, target, metrics.get(metric).kinds, metric)
    id_ = wanted.id or _id_column(table, cells, target)
    if id_ not in cells:
        cells = pd.concat([pd.Series(np.arange(len(cells)), name=id_), cells], axis=1)
    is_train, is_test, known = _sides(path, table, cells, labels, wanted, dates)
    root = workspace.resolve() / stem_of(path)
    workspace.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=".task-", dir=workspace))
    name = TableName.of(path)
    suffix = ".parquet" if name and name.format == "parquet" else ".csv"
    train, test = cells[is_train], cells[is_test]
    write_table(train, partial / f"train{suffix}")
    write_table(test.drop(columns=target), partial / f"test{suffix}")
    write_table(_sample(labels[is_train], test[id_], metric), partial / f"sample_submission{suffix}")
    (partial / "description.md").write_text(
        _description(path, len(cells), int(is_test.sum()), wanted, known), encoding="utf-8"
    )
    keys: JsonObject = {"name": wanted.name, "metric": metric, "target": target, "id": id_}
    keys |= {key: getattr(wanted, key) for key in _PASSED_ON if getattr(wanted, key)}
    if settled := {c: dates[c].format for c in dates if c in wanted.dates or c == wanted.time}:
        keys["dates"] = settled
    (partial / "task.yaml").write_text(
        yaml.safe_dump(keys, sort_keys=False, allow_unicode=True), encoding="utf-8"
    )
    partial.chmod(0o755)
    shutil.rmtree(root, ignore_errors=True)
    partial.rename(root)
    answers_path(root).unlink(missing_ok=True)
    if known:
        write_table(
            test[list(dict.fromkeys([id_, *target, *metrics.get(metric).columns]))], answers_path(root)
        )
    return root


def _check_columns(path: Path, table: pd.DataFrame, wanted: PartialTask) -> None:
    if not wanted.target:
        raise GomeError(
            f"{path}: which column is to be predicted? Give `target`{nearest('', table.columns)}."
        )
    roles = [("target", name) for name in wanted.target]
    roles += [("id", wanted.id), ("group", wanted.group or ""), ("time", wanted.time or "")]
    for role, name in roles:
        if name and name not in table.columns:
            raise GomeError(f"{path}: no {role} column {name!r}{nearest(name, table.columns)}.")
    taken = {"target": wanted.target, "id": [wanted.id]}
    taken |= {"group": [wanted.group or ""], "time": [wanted.time or ""]}
    check_drop(path, wanted.drop, list(table.columns), taken)


def _suggestions(table: pd.DataFrame, target: list[str]) -> list[str]:
    if len(target) > 1:
        bits = table[target].dropna().isin([0, 1]).all(axis=None)
        return SUGGESTED["multilabel" if bits else "regression"]
    labels = table[target[0]].dropna()
    unique = labels.nunique()
    numeric = pd.api.types.is_numeric_dtype(labels) and unique > 20
    return SUGGESTED["regression" if numeric else "binary" if unique == 2 else "multiclass"]


def _id_column(table: pd.DataFrame, cells: pd.DataFrame, target: list[str]) -> str:
    """The column that tells the rows apart, or a new name if there is none."""
    for name in table.columns:
        unique = cells[name].notna().all() and cells[name].is_unique
        if name not in target and column_kind(table[name]) == "id" and unique:
            return str(name)
    id_ = ROW_ID
    while id_ in table.columns:
        id_ = f"{id_}_"
    return id_


def _sides(
    path: Path,
    table: pd.DataFrame,
    cells: pd.DataFrame,
    labels: pd.DataFrame,
    wanted: PartialTask,
    dates: Mapping[str, DateFormat],
) -> tuple[np.ndarray, np.ndarray, bool]:
    """Which rows are the train and the test part, and whether the labels of the latter are known."""
    target, group, time = wanted.target, wanted.group, wanted.time
    unlabelled = labels.isna().any(axis=1).to_numpy()
    least = MIN_ROWS if unlabelled.any() else 2 * MIN_ROWS
    if (~unlabelled).sum() < least:
        raise GomeError(f"{path}: {(~unlabelled).sum()} rows have a label; at least {least} are needed.")
    if unlabelled.any():
        return ~unlabelled, unlabelled, False
    numeric = len(target) == 1 and pd.api.types.is_float_dtype(labels[target[0]])
    by_label = labels[target[0]] if numeric else labels.groupby(target, sort=True, observed=True).ngroup()
    order = by_label.to_numpy(dtype=float)
    if group or time:
        codes = pd.factorize(cells[group], use_na_sentinel=False)[0] if group else None
        times = moments(table, time, dates, str(path)) if time else None
        try:
            split = hold_out(order, TEST_PARTS, classes=not numeric, group=codes, time=times)
        except GomeError as error:
            raise GomeError(f"{path}: {error}") from error
        rows = np.arange(len(labels))
        return np.isin(rows, split.train_rows), np.isin(rows, split.test_rows), True
    parts = deal(order, TEST_PARTS, np.random.default_rng(0), classes=not numeric)
    return parts != 0, parts == 0, True


def _sample(labels: pd.DataFrame, ids: pd.Series, metric: str) -> pd.DataFrame:
    """A sample submission of constants: the most frequent label, the median, or class shares where these are graded."""
    sample = ids.to_frame().reset_index(drop=True)
    if labels.shape[1] == 1 and labels.iloc[:, 0].nunique() > 2 and _wants_probabilities(metric):
        shares = class_text(labels.iloc[:, 0]).value_counts(normalize=True).sort_index()
        before = f"{labels.columns[0]} " if ids.name in shares else ""
        columns = {f"{before}{name}": round(share, 6) for name, share in shares.items()}
        return pd.concat([sample, pd.DataFrame(columns, index=sample.index)], axis=1)
    for name, column in labels.items():
        sample[name] = column.median() if pd.api.types.is_float_dtype(column) else column.mode().iloc[0]
    return sample


def _wants_probabilities(metric: str) -> bool:
    if ":" in metric:
        return False
    found = metrics.get(metric)
    return "multiclass" in found.kinds and found.form == "probability"


def _description(path: Path, rows: int, tests: int, wanted: PartialTask, known: bool) -> str:
    cut = f"the {tests} rows whose label is missing"
    if known:
        how = f"the latest by {wanted.time}" if wanted.time else "drawn at random"
        cut = f"one row in five, {how}" + (f", with no {wanted.group} of the others" if wanted.group else "")
    words = f"{wanted.description.strip()}\n\n" if wanted.description else ""
    return (
        f"# {path.name}\n\nPredict {', '.join(wanted.target)} from the other columns. The {rows} rows of one table "
        f"were cut in two: the test table is {cut}.\n\n{words}## Evaluation\n\n{wanted.metric}\n"
    )
