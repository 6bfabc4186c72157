"""The data in numbers: one JSON object about a task's tables and files, small enough for a prompt."""

import math
import re
from collections import Counter
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, cast

import numpy as np
import pandas as pd

from gome.state.profile import ColumnProfile, DataProfile, Shape, TargetProfile
from gome.state.task import Task
from gome.tools.data.columns import class_text, column_kind, time_values
from gome.tools.data.dates import seconds, with_dates
from gome.tools.data.images import FileNames, image_size
from gome.tools.data.label_warnings import label_warnings
from gome.tools.data.leaks import leaks
from gome.tools.data.other_files import count_suffixes, other_tables
from gome.tools.data.shift import shift_warnings
from gome.tools.data.structure import structure_hints
from gome.tools.data.table_names import is_table
from gome.tools.data.task_files import task_files
from gome.tools.data.task_tables import read_task_table
from gome.tools.text import begun

MAX_COLUMNS = 120
RUN_LENGTH = 16
DRIFT_CATEGORIES = 50  # rarer ones count as one: their shares differ by chance
_SAMPLE = 50_000
_EXAMPLE_CHARS = 120
_NUMERIC = ("number", "integer", "boolean")


def profile(task: Task) -> DataProfile:
    """Describe the task's data: columns with kinds and statistics, target, other tables, files, notes.

    `missing`, `test_missing` are shares; `unique` is a count; `min` to `skew` are in the column's units; `drift` is the
    Kolmogorov-Smirnov distance (numbers) or total variation distance (categories) between train and test, 0 to 1.
    Counts are exact; shape statistics come from at most 50,000 evenly spaced rows. Values that do not exist are null.
    `warnings`, where there are any, say how test is unlike train and what was guessed, {"kind", "text"} each.
    `leaks`, where there are any, says what gives the target away (see `gome.tools.data.leaks`).
    """
    root = Path(task.root)
    files = task_files(root, task.links_root)
    train, test = (
        with_dates(_hashable(read_task_table(task, name)), task.dates) for name in (task.train, task.test)
    )
    names = [c for c in train.columns if c not in task.target]
    known = FileNames(root, files)
    columns = [_column(train[c], test[c] if c in test.columns else None, known) for c in names]
    for entry in columns:
        if entry["name"] == task.id and entry["kind"] != "image":
            entry |= {"kind": "id", "drift": None}
        if entry["name"] in task.dates:
            written = task.dates[entry["name"]]
            entry |= {"dtype": "text", "format": written.format}
            if written.other:
                entry["other"] = written.other
    tables = other_tables(task, files, MAX_COLUMNS)
    told = leaks(train, test, task, {table["name"]: table["columns"] for table in tables})
    warnings = [
        *label_warnings(train, test, task),
        *shift_warnings(train, test, columns, task),
        *_unsure_dates(task),
    ]
    return {
        "rows": len(train),
        "test_rows": len(test),
        "columns": _compress(columns),
        "target": {c: _target(train[c], task.problem) for c in task.target},
        "tables": tables,
        "files": count_suffixes(files),
        "duplicates": _duplicates(train, task),
        "notes": _notes(train, test, columns, task),
        **({"leaks": told} if told else {}),
        **({"warnings": warnings} if warnings else {}),
    }


def _hashable(table: pd.DataFrame) -> pd.DataFrame:
    """Lists and mappings in cells, as Parquet may hold them, as text."""
    nested = [c for c in table.columns if table[c].dtype == object and table[c].map(_is_nested).any()]
    return table.assign(**{c: table[c].map(str, na_action="ignore") for c in nested}) if nested else table


def _is_nested(cell: Any) -> bool:
    return isinstance(cell, list | dict | np.ndarray)


def _column(train: pd.Series, test: pd.Series | None, files: FileNames) -> ColumnProfile:
    kind = column_kind(train)
    kind = "image" if kind == "id" and files.are_pictures(train) else kind
    sample, test_sample = _thin(train), None if test is None else _thin(test)
    entry: ColumnProfile = {
        "name": str(train.name),
        "kind": kind,
        "dtype": str(train.dtype),
        "missing": _number(train.isna().mean()),
        "test_missing": None if test is None else _number(test.isna().mean()),
        "unique": _unique(train),
    }
    if kind in ("category", "boolean", "integer", "constant"):
        entry["top"] = [[_plain(v), int(n)] for v, n in train.value_counts().head(3).items()]
    entry |= cast(ColumnProfile, _shape(sample, kind))
    if kind in ("text", "id", "image", "category"):
        first = dict.fromkeys(begun(str(v), _EXAMPLE_CHARS) for v in train.dropna().head(20))
        entry["examples"] = list(first)[:2]
    if kind == "image" and (size := _image_size(train, files)):
        entry["image_size"] = size
    entry["drift"] = None if test_sample is None else _drift(sample, test_sample, kind)
    return entry


def _thin(series: pd.Series) -> pd.Series:
    if len(series) <= _SAMPLE:
        return series
    return series.iloc[np.linspace(0, len(series) - 1, _SAMPLE).astype(int)]


def _unique(series: pd.Series) -> int:
    return int((series.astype(str) if series.dtype == object else series).nunique())


def _shape(series: pd.Series, kind: str) -> Shape:
    if kind in _NUMERIC and pd.api.types.is_numeric_dtype(series):
        values = series.dropna().to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        if not len(values):
            return {}
        std = values.std()
        skew = ((values - values.mean()) ** 3).mean() / std**3 if std > 0 else 0.0
        summary = {"min": values.min(), "max": values.max(), "mean": values.mean(), "std": std, "skew": skew}
        return cast(Shape, {key: _number(value) for key, value in summary.items()})
    if kind == "date" and (times := time_values(series)) is not None:
        return {"min": str(times.min()), "max": str(times.max())}
    if kind == "text":
        return {"mean_words": _number(series.dropna().map(lambda v: len(str(v).split())).mean())}
    return {}


def _drift(train: pd.Series, test: pd.Series, kind: str) -> float | None:
    """Kolmogorov-Smirnov distance of numbers and dates, total variation distance of categories; null for the rest."""
    if kind in ("number", "integer", "date"):
        left, right = _sorted(train), _sorted(test)
        if not len(left) or not len(right):
            return None
        grid = np.concatenate([left, right])
        below = [np.searchsorted(side, grid, "right") / len(side) for side in (left, right)]
        return _number(np.max(np.abs(below[0] - below[1])))
    if kind in ("category", "boolean"):
        texts = [class_text(x).fillna("missing") for x in (train, test)]
        common = texts[0].value_counts().index[:DRIFT_CATEGORIES]
        shares = [x.where(x.isin(common), "other").value_counts(normalize=True) for x in texts]
        both = pd.concat(shares, axis=1).fillna(0.0).to_numpy()
        return _number(np.abs(both[:, 0] - both[:, 1]).sum() / 2)
    return None


def _sorted(series: pd.Series) -> np.ndarray:
    values = time_values(series)
    if values is None:
        return np.empty(0)
    values = values.dropna()
    if pd.api.types.is_datetime64_any_dtype(values):
        return np.sort(seconds(values))
    return np.sort(values.to_numpy(dtype=float))


def _target(series: pd.Series, problem: str) -> TargetProfile:
    kind = column_kind(series)
    entry: TargetProfile = {
        "kind": kind,
        "dtype": str(series.dtype),
        "missing": _number(series.isna().mean()),
        "unique": _unique(series),
    }
    entry |= cast(TargetProfile, _shape(series, kind))
    if problem != "regression":
        entry["counts"] = {str(k): int(v) for k, v in series.value_counts().head(50).items()}
    return entry


def _compress(columns: list[ColumnProfile]) -> list[ColumnProfile]:
    """Runs of like-named numeric columns (pixel0, pixel1, ...) as one entry once there are too many columns to list."""
    if len(columns) <= MAX_COLUMNS:
        return columns
    entries: list[ColumnProfile] = []
    for (stem, numeric), members in groupby(columns, key=_stem):
        run = list(members)
        entries.extend([_run(stem, run)] if numeric and len(run) >= RUN_LENGTH else run)
    if len(entries) > MAX_COLUMNS:
        rest = entries[MAX_COLUMNS - 1 :]
        kinds = Counter(entry["kind"] for entry in rest)
        name = f"{rest[0]['name']}..{rest[-1]['name']}"
        entries[MAX_COLUMNS - 1 :] = [
            {"name": name, "kind": kinds.most_common(1)[0][0], "count": len(rest), "kinds": dict(kinds)}
        ]
    return entries


def _stem(entry: ColumnProfile) -> tuple[str, bool]:
    return re.sub(r"\d+(?!.*\d)", "{}", entry["name"]), entry["kind"] in (*_NUMERIC, "constant")


def _run(stem: str, run: list[ColumnProfile]) -> ColumnProfile:
    kinds = Counter("number" if entry["kind"] == "number" else "integer" for entry in run)
    lows, highs = ([e[key] for e in run if e.get(key) is not None] for key in ("min", "max"))
    return {
        "name": f"{run[0]['name']}..{run[-1]['name']}",
        "kind": kinds.most_common(1)[0][0],
        "count": len(run),
        "min": min(lows, default=None),
        "max": max(highs, default=None),
        "missing": _number(np.mean([e["missing"] for e in run])),
        "template": stem,
    }


def _duplicates(train: pd.DataFrame, task: Task) -> int:
    features = train.drop(columns=[c for c in (task.id,) if c in train.columns])
    text = {c: str for c in features.columns if features[c].dtype == object}
    return int(pd.util.hash_pandas_object(features.astype(text), index=False).duplicated().sum())


def _image_size(series: pd.Series, files: FileNames) -> list[int] | None:
    """Height, width and channels of the first image that is found and readable without an image library's help."""
    path = files.find(str(series.dropna().iloc[0]))
    return None if path is None else image_size(path)


def _notes(train: pd.DataFrame, test: pd.DataFrame, columns: list[ColumnProfile], task: Task) -> list[str]:
    notes = []
    extra = [c for c in test.columns if c not in train.columns and c != task.id]
    if extra:
        notes.append(f"columns of test that train lacks: {', '.join(extra[:10])}")
    drifting = [f"{c['name']} ({c['drift']:.2f})" for c in columns if (c["drift"] or 0) > 0.2]
    if drifting:
        notes.append(f"train and test differ in distribution: {', '.join(drifting[:10])}")
    missing = int(train[task.target].isna().any(axis=1).sum())
    if missing:
        notes.append(f"{missing} rows of train have no label")
    if any(
        p.suffix.lower() in (".zip", ".7z", ".tar", ".gz") and not is_table(p)
        for p in Path(task.root).iterdir()
    ):
        notes.append("archives among the files are left packed")
    return notes + structure_hints(train, test, task)


def _unsure_dates(task: Task) -> Iterator[dict[str, str]]:
    for name, read in task.dates.items():
        if read.other and name != task.time:  # of a time column both readings sort alike
            text = (
                f"dates of {name} are read as {read.format} and may be {read.other}: to settle it, say dates: "
                f'{{{name}: "{read.format}"}} in task.yaml, or --date-format "{name}={read.format}"'
            )
            yield {"kind": "dates", "text": text}


def _number(value: Any) -> float | None:
    """Six significant digits, null for what is not finite."""
    value = float(value)
    return float(f"{value:.6g}") if math.isfinite(value) else None


def _plain(value: Any) -> Any:
    if isinstance(value, bool | np.bool_):
        return bool(value)
    if isinstance(value, int | np.integer):
        return int(value)
    if isinstance(value, float | np.floating):
        return _number(value)
    return begun(str(value), _EXAMPLE_CHARS)
