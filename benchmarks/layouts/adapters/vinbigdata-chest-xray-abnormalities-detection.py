"""Chest pictures with boxes of several classes and readers; findings as `class confidence xmin ymin xmax ymax` repeated.

Gome has average precision of one class alone, so the mean over classes is here: PASCAL VOC's, each true box found once by
an overlap of more than 0.4. What several readers marked alike is one true box; no finding is the box 0 0 1 1 of class 14.
"""

import numpy as np
import pandas as pd

direction = "maximize"
TABLE, SAMPLE, NONE, OVERLAP = "train.csv", "sample_submission.csv", "14", 0.4
BOX = ["x_min", "y_min", "x_max", "y_max"]


def units(public):
    """A row for each picture, spread over the folds by its first class."""
    table = read(public)
    first = table.assign(c=table["class_id"].astype(int)).groupby("image_id", sort=False)["c"].min()
    return pd.DataFrame({"id": first.index, "label": first.astype(str).to_numpy()})


def carve(public, out, train_ids, graded_ids):
    """Graded pictures stand in test, without rows in the table."""
    table = read(public)
    table[table["image_id"].isin(train_ids)].to_csv(out / TABLE, index=False)
    for part, pictures in (("train", train_ids), ("test", graded_ids)):
        (out / part).mkdir()
        for picture in pictures:
            (out / part / f"{picture}.dicom").symlink_to(public / "train" / f"{picture}.dicom")
    found = {}
    for row in table[table["image_id"].isin(graded_ids)].itertuples():
        box = "0 0 1 1" if row.class_id == NONE else " ".join(getattr(row, c) for c in BOX)
        found.setdefault(row.image_id, {})[f"{row.class_id} 1 {box}"] = None
    answers = pd.DataFrame({"image_id": sorted(graded_ids)})
    answers["PredictionString"] = [" ".join(found[picture]) for picture in answers["image_id"]]
    answers[["image_id"]].assign(PredictionString="14 1 0 0 1 1").to_csv(out / SAMPLE, index=False)
    return answers


def read(public):
    """The table of findings as it stands."""
    return pd.read_csv(public / TABLE, dtype=str, keep_default_na=False)


def grade(submission, answers):
    """The mean over classes that are in the answers of average precision, all points of the curve."""
    truth, found = boxes(answers), boxes(submission)
    classes = sorted({c for rows in truth for c in rows})
    return float(
        np.mean([precision([t.get(c, []) for t in truth], [f.get(c, []) for f in found]) for c in classes])
    )


def boxes(table):
    """For each row the boxes of each class, (confidence, xmin, ymin, xmax, ymax)."""
    rows = []
    for text in table["PredictionString"].fillna("").astype(str):
        words, by_class = text.split(), {}
        if len(words) % 6:
            raise ValueError(f"{text[:60]!r} is no list of `class confidence xmin ymin xmax ymax`")
        for at in range(0, len(words), 6):
            by_class.setdefault(str(int(float(words[at]))), []).append(
                [float(w) for w in words[at + 1 : at + 6]]
            )
        rows.append(by_class)
    return rows


def precision(truth, found):
    """Average precision of one class: the area below precision, made to fall, over recall."""
    ranked = sorted(((box, i) for i, row in enumerate(found) for box in row), key=lambda pair: -pair[0][0])
    free, hits = [[box[1:] for box in row] for row in truth], []
    total = sum(map(len, free))
    for box, i in ranked:
        shared = [overlap(box[1:], other) for other in free[i]]
        best = int(np.argmax(shared)) if shared else -1
        hits.append(best >= 0 and shared[best] > OVERLAP)
        if hits[-1]:
            free[i].pop(best)
    if not any(hits):
        return 0.0
    right = np.cumsum(hits)
    exact = np.maximum.accumulate((right / np.arange(1, len(hits) + 1))[::-1])[::-1]
    return float(exact[np.array(hits)].sum() / total)


def overlap(one, other):
    """Intersection over union of two boxes."""
    width = min(one[2], other[2]) - max(one[0], other[0])
    height = min(one[3], other[3]) - max(one[1], other[1])
    if width <= 0 or height <= 0:
        return 0.0
    area = (one[2] - one[0]) * (one[3] - one[1]) + (other[2] - other[0]) * (other[3] - other[1])
    return width * height / (area - width * height)
