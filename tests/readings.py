"""A task in a text file of a form that nobody knows: readings, the level of some to be predicted."""

from pathlib import Path

import numpy as np
import pandas as pd

LABELLED, REAL = 100, 10

PROGRAM = """\
import json, os

FACTOR = 1.0
rows = [line.split(" | ") for line in open("input/readings.txt").read().splitlines()]
known = [(float(x), float(y)) for _, x, y in rows if y != "?"]
if os.environ.get("GOME_SMOKE"):
    known = known[:8]
aside = known[::4]
error = sum(abs(FACTOR * x - y) for x, y in aside) / len(aside)
print("GOME " + json.dumps({"valid_score": CLAIM}))
print("GOME " + json.dumps({"note": f"smoke {os.environ.get('GOME_SMOKE')}"}))
with open("submission.csv", "w") as out:
    print("reading,level", file=out)
    for name, x, y in rows:
        if y == "?":
            print(f"{name},{FACTOR * float(x)}", file=out)
"""
"""Multiplies by FACTOR, 3 is the true one; what it says of itself is CLAIM."""

ADAPTER = '''\
"""Readings in readings.txt, "NAME | X | LEVEL" a line; where the level is to be predicted it is "?"."""

import pandas as pd

metric = "mae"


def units(public):
    rows = [r for r in read(public) if r[2] != "?"]
    return pd.DataFrame({"id": [r[0] for r in rows], "label": [float(r[2]) for r in rows]})


def carve(public, out, train_ids, graded_ids):
    rows = {r[0]: r for r in read(public)}
    lines = [rows[u] for u in train_ids] + [[rows[u][0], rows[u][1], "?"] for u in graded_ids]
    (out / "readings.txt").write_text("".join(" | ".join(r) + "\\n" for r in lines))
    ids = pd.DataFrame({"reading": list(graded_ids)})
    ids.assign(level=0.5).to_csv(out / "sample_submission.csv", index=False)
    return ids.assign(level=[float(rows[u][2]) for u in graded_ids])


def read(public):
    return [line.split(" | ") for line in (public / "readings.txt").read_text().splitlines()]
'''


def write_readings(folder: Path) -> Path:
    """Write the task."""
    rng = np.random.default_rng(0)
    folder.mkdir()
    xs = rng.normal(10, 2, LABELLED + REAL).round(3)
    ys = [f"{3 * x + e:.3f}" for x, e in zip(xs, rng.normal(0, 0.1, len(xs)), strict=True)]
    lines = [
        f"r{i} | {x} | {y if i < LABELLED else '?'}" for i, (x, y) in enumerate(zip(xs, ys, strict=True))
    ]
    (folder / "readings.txt").write_text("\n".join(lines) + "\n")
    names = [f"r{i}" for i in range(LABELLED, LABELLED + REAL)]
    pd.DataFrame({"reading": names, "level": 0.5}).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "description.md").write_text("# Levels\n\nFill in the level of each reading.\n")
    return folder
