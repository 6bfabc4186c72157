"""The table of the embedding examples: diabetes progression after a year, as scikit-learn ships it, made untidy."""

from pathlib import Path

import pandas as pd
from sklearn.datasets import load_diabetes

TARGET, METRIC = "progression", "rmse"


def write_raw(path: Path) -> Path:
    """442 patients, ten measurements; ten rows are doubled and five lack the target, as raw data do."""
    table = load_diabetes(as_frame=True).frame.rename(columns={"target": TARGET})
    table = pd.concat([table, table[:10]], ignore_index=True)
    table.loc[20:24, TARGET] = None
    path.parent.mkdir(parents=True, exist_ok=True)
    table.to_csv(path, index=False)
    return path


def tidy(raw: Path, path: Path) -> Path:
    """Drop doubled rows and rows without a target."""
    pd.read_csv(raw).drop_duplicates().dropna(subset=TARGET).to_csv(path, index=False)
    return path
