"""Stained pages and the same pages clean: a row for each pixel, told as image_row_column from 1, grey from 0 to 1."""

import numpy as np
import pandas as pd
from PIL import Image

metric = "rmse"


def units(public):
    """A row for each page that is there clean as well."""
    clean = {p.name for p in (public / "train_cleaned").glob("*.png")}
    pages = sorted(p.stem for p in (public / "train").glob("*.png") if p.name in clean)
    return pd.DataFrame({"id": pages})


def carve(public, out, train_ids, graded_ids):
    """Pages of `train_ids` stay in both folders, those of `graded_ids` stand stained in test."""
    for page in train_ids:
        for folder in ("train", "train_cleaned"):
            link(public / folder / f"{page}.png", out / folder / f"{page}.png")
    tables = []
    for page in graded_ids:
        link(public / "train" / f"{page}.png", out / "test" / f"{page}.png")
        grey = (
            np.asarray(Image.open(public / "train_cleaned" / f"{page}.png").convert("L"), dtype=float) / 255
        )
        rows, columns = grey.shape
        ids = [f"{page}_{r}_{c}" for r in range(1, rows + 1) for c in range(1, columns + 1)]
        tables.append(pd.DataFrame({"id": ids, "value": grey.ravel(), "unit": page}))
    answers = pd.concat(tables, ignore_index=True)
    answers[["id"]].assign(value="1").to_csv(out / "sampleSubmission.csv", index=False)
    return answers


def link(source, place):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(source)
