"""An adapter for recordings in JSON lines with several values to predict for each: one row a value in the submission.

train.jsonl and test.jsonl hold {"id": ..., "site": ..., "signal": [...], "level": [a, b, c]}, in test without "level".
sample_submission.csv has the columns key ("ID_0", "ID_1", ...) and level. The metric is none that Gome knows, so the
adapter brings it: errors count ten times where the level rises.
"""

import json

import numpy as np
import pandas as pd

direction = "minimize"


def units(public):
    """A unit is a recording; recordings of one site stay on one side."""
    rows = read(public / "train.jsonl")
    return pd.DataFrame({"id": [r["id"] for r in rows], "group": [r["site"] for r in rows]})


def carve(public, out, train_ids, graded_ids):
    """Graded recordings go into test.jsonl without their levels; the answers say which recording each row is of."""
    rows = {r["id"]: r for r in read(public / "train.jsonl")}
    write(out / "train.jsonl", [rows[unit] for unit in train_ids])
    write(out / "test.jsonl", [{k: v for k, v in rows[unit].items() if k != "level"} for unit in graded_ids])
    answers = pd.DataFrame(
        {
            "key": f"{unit}_{i}",
            "level": level,
            "unit": unit,
            "rises": i > 0 and level > rows[unit]["level"][i - 1],
        }
        for unit in graded_ids
        for i, level in enumerate(rows[unit]["level"])
    )
    answers[["key"]].assign(level=0.0).to_csv(out / "sample_submission.csv", index=False)
    return answers


def grade(submission, answers):
    """Mean absolute error, ten times where the level rises. `answers` has what carve returned, rows aligned."""
    weights = np.where(answers["rises"].astype(str) == "True", 10.0, 1.0)
    return np.average((submission["level"] - answers["level"]).abs(), weights=weights)


def read(path):
    """A list of the objects in a file of JSON lines."""
    return [json.loads(line) for line in path.read_text().splitlines()]


def write(path, rows):
    """A file of JSON lines."""
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
