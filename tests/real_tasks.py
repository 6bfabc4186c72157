"""Task folders out of the real data that scikit-learn ships."""

from pathlib import Path

import pandas as pd
from sklearn.datasets import load_breast_cancer, load_diabetes, load_digits
from sklearn.model_selection import train_test_split


def write_breast_cancer(folder: Path) -> Path:
    """Malignant or benign from cell measurements; `malignant` is 0/1, graded by roc_auc."""
    table = load_breast_cancer(as_frame=True).frame.rename(columns={"target": "malignant"})
    return write_task(folder, table, "malignant", "roc_auc")


def write_diabetes(folder: Path, test_size: float = 0.15) -> Path:
    """Disease progression after a year, graded by rmse. With 0.3 of the rows as test, 10 folds are graded, not 5."""
    table = load_diabetes(as_frame=True).frame.rename(columns={"target": "progression"})
    return write_task(folder, table, "progression", "rmse", test_size)


def write_digits(folder: Path) -> Path:
    """Handwritten digits of 8 x 8 pixels with values 0 to 16, graded by accuracy."""
    table = load_digits(as_frame=True).frame.rename(columns={"target": "digit"}).astype(int)
    return write_task(folder, table, "digit", "accuracy")


def write_task(folder: Path, table: pd.DataFrame, target: str, metric: str, test_size: float = 0.3) -> Path:
    """A task folder of one table, `test_size` of its rows as test, with a sample submission of zeros."""
    folder.mkdir(parents=True)
    table = table.reset_index(drop=True)
    table.insert(0, "id", table.index)
    train, test = train_test_split(table, test_size=test_size, random_state=0)
    train.to_csv(folder / "train.csv", index=False)
    test.drop(columns=target).to_csv(folder / "test.csv", index=False)
    test[["id"]].assign(**{target: 0}).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "description.md").write_text(f"Predict {target}.\n")
    (folder / "task.yaml").write_text(f"name: {folder.name}\nmetric: {metric}\ntarget: {target}\nid: id\n")
    return folder
