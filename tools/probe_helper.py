"""What a probe imports as `probe`: hands predictions to the harness, which grades them when the probe has ended.

It runs beside the probe, with no package of ours. The harness reads what is written here as it reads any submission.
"""

from pathlib import Path
from typing import Any

SAMPLE = "@SAMPLE@"
VARIANT = "@VARIANT@"
"""Filled in when the file is laid out: the sample submission, and the column that names a variant."""
_judged: list[Any] = []


def judge(name: str, predictions: Any) -> None:
    """Have the harness grade predictions for the rows of the test part, by the task's metric and beside the incumbent.

    `predictions` is a table in the form of the sample submission, or an array with the sample's columns behind the
    id, rows
    in the sample's order. What came of it stands below the probe's output.
    """
    import pandas as pd

    path = Path("input") / SAMPLE
    read = pd.read_parquet if ".parquet" in path.name else pd.read_csv
    table = predictions
    if not isinstance(table, pd.DataFrame):
        sample = read(path) if read is pd.read_parquet else read(path, dtype=str, keep_default_na=False)
        table = pd.DataFrame(predictions)
        table.columns = list(sample.columns)[1 : 1 + table.shape[1]]
        table.insert(0, sample.columns[0], sample.iloc[:, 0].to_numpy())
    _judged.append(table.assign(**{VARIANT: str(name)[:80]}))
    pd.concat(_judged, ignore_index=True).to_csv("submission.csv", index=False)
