"""Breaths of a ventilator, a row a time step: pressure, judged by mean absolute error where u_out is 0."""

import pandas as pd

direction = "minimize"


def units(public):
    """A row for each breath."""
    breaths = pd.read_csv(public / "train.csv", dtype=str)["breath_id"].drop_duplicates()
    return pd.DataFrame({"id": breaths.tolist()})


def carve(public, out, train_ids, graded_ids):
    """Graded breaths stand in test.csv, numbered from 1 as its rows are, without their pressure."""
    table = pd.read_csv(public / "train.csv", dtype=str)
    asked = pd.read_csv(public / "test.csv", dtype=str, nrows=1).columns
    table[table["breath_id"].isin(train_ids)].to_csv(out / "train.csv", index=False)
    graded = table[table["breath_id"].isin(graded_ids)].reset_index(drop=True)
    graded["id"] = [str(i) for i in range(1, len(graded) + 1)]
    graded[list(asked)].to_csv(out / "test.csv", index=False)
    graded[["id"]].assign(pressure=0).to_csv(out / "sample_submission.csv", index=False)
    return graded[["id", "pressure", "u_out", "breath_id"]].rename(columns={"breath_id": "unit"})


def grade(submission, answers):
    """Mean absolute error of the rows that count."""
    counted = answers["u_out"].astype(float) == 0
    return float((submission["pressure"] - answers["pressure"]).abs()[counted].mean())
