"""Comments without ids: the sample repeats the rows of the test table, in its order, beside the one column to tell."""

import pandas as pd

metric = "auc"
problem = "binary"
id = []
target = "Insult"
SAMPLE = "sample_submission_null.csv"


def units(public):
    """A row for each comment, by its number in the table."""
    labels = read(public / "train.csv")["Insult"]
    return pd.DataFrame({"id": [f"row {i}" for i in range(len(labels))], "label": labels})


def carve(public, out, train_ids, graded_ids):
    """Graded comments stand in the test table, without their label, in the order of the training table."""
    table = read(public / "train.csv")
    table["unit"] = [f"row {i}" for i in range(len(table))]
    table[table["unit"].isin(train_ids)].drop(columns="unit").to_csv(out / "train.csv", index=False)
    graded = table[table["unit"].isin(graded_ids)].reset_index(drop=True)
    asked = list(read(public / "test.csv").columns)
    graded[asked].to_csv(out / "test.csv", index=False)
    columns = list(read(public / SAMPLE).columns)
    graded.assign(Insult="0")[columns].to_csv(out / SAMPLE, index=False)
    return graded[[*columns, "unit"]]


def read(path):
    """A table as it stands: a blank date is empty text."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)
