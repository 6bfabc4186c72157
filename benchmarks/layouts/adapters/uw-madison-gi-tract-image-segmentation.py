"""Slices of scans with a mask for each class as run lengths: 0.4 Dice + 0.6 of a 3D Hausdorff score.

Slices lie in PART/CASE/CASE_DAY/scans/slice_NNNN_WIDTH_HEIGHT_SX_SY.png; a row is named by CASE_DAY_slice_NNNN and class.
"""

import numpy as np
import pandas as pd
from scipy.spatial import cKDTree

direction = "maximize"
id = ["id", "class"]
EMPTY = "1 1 5 2"


def units(public):
    """A row for each slice; a case's slices are one group."""
    ids = read(public / "train.csv")["id"].drop_duplicates().tolist()
    return pd.DataFrame({"id": ids, "group": [unit.split("_")[0] for unit in ids]})


def carve(public, out, train_ids, graded_ids):
    """Slices of graded cases stand in test, their rows in test.csv without a mask."""
    table, pictures = read(public / "train.csv"), slices(public)
    table[table["id"].isin(train_ids)].to_csv(out / "train.csv", index=False)
    for part, ids in (("train", train_ids), ("test", graded_ids)):
        for unit in ids:
            place = out / part / pictures[unit].relative_to(public / "train")
            place.parent.mkdir(parents=True, exist_ok=True)
            place.symlink_to(pictures[unit])
    graded = table[table["id"].isin(graded_ids)].reset_index(drop=True)
    graded[["id", "class"]].to_csv(out / "test.csv", index=False)
    graded[["id", "class"]].assign(predicted=EMPTY).to_csv(out / "sample_submission.csv", index=False)
    sizes = {unit: pictures[unit].name.split("_") for unit in graded_ids}
    return graded[["id", "class"]].assign(
        predicted=graded["segmentation"],
        unit=graded["id"],
        width=[int(sizes[unit][2]) for unit in graded["id"]],
        height=[int(sizes[unit][3]) for unit in graded["id"]],
    )


def slices(public):
    """The picture of each labelled slice by its id."""
    found = sorted((public / "train").glob("*/*/scans/slice_*.png"))
    return {f"{p.parent.parent.name}_slice_{p.name.split('_')[1]}": p for p in found}


def read(path):
    """A table as it stands: an empty mask is empty text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)


def grade(submission, answers):
    """0.4 x mean Dice of rows + 0.6 x mean Hausdorff score of each scan and class, both from 0 to 1."""
    truth, found = (
        [mask(text) for text in table["predicted"].fillna("").astype(str)] for table in (answers, submission)
    )
    dice = [shared(t, f) for t, f in zip(truth, found, strict=True)]
    parts = answers["id"].str.rsplit("_slice_", n=1, expand=True)
    volumes = pd.Series(range(len(answers))).groupby(
        [parts[0].to_numpy(), answers["class"].to_numpy()], sort=True
    )
    scores = []
    for _, rows in volumes:
        depth = parts[1].iloc[rows].astype(int).to_numpy()
        width, height = (int(answers[side].iloc[rows.iloc[0]]) for side in ("width", "height"))
        diagonal = float(np.sqrt(width**2 + height**2 + (depth.max() - depth.min() + 1) ** 2))
        one, other = (points(masks, rows, depth, width) for masks in (truth, found))
        scores.append(1 - min(distance(one, other, diagonal) / diagonal, 1))
    return float(0.4 * np.mean(dice) + 0.6 * np.mean(scores))


def mask(text):
    """The pixels, counted from 1, of pairs of start and length."""
    words = np.array(text.split(), dtype=int)
    if len(words) % 2:
        raise ValueError(f"{text[:60]!r} is no list of pairs of start and length")
    return np.unique(np.concatenate([np.arange(s, s + n) for s, n in words.reshape(-1, 2)] or [words]))


def shared(one, other):
    """Dice coefficient; two empty masks are alike."""
    total = len(one) + len(other)
    return 2 * len(np.intersect1d(one, other, assume_unique=True)) / total if total else 1.0


def points(masks, rows, depth, width):
    """(points, 3) row, column and slice of all pixels of a volume; pixels run from left to right, then down."""
    found = [
        np.stack([(masks[row] - 1) // width, (masks[row] - 1) % width, np.full(len(masks[row]), z)], axis=1)
        for row, z in zip(rows, depth, strict=True)
    ]
    return np.concatenate(found)


def distance(one, other, most):
    """Hausdorff distance of two sets of points; `most` where one alone is empty."""
    if not len(one) or not len(other):
        return 0.0 if len(one) == len(other) else most
    return float(max(cKDTree(one).query(other)[0].max(), cKDTree(other).query(one)[0].max()))
