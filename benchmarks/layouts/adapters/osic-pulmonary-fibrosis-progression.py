"""Patients with scans and a table of visits; FVC of later weeks, and how sure it is, from the first visit.

The sample has a row for each patient and week; of labelled patients only weeks with a visit have a truth. A spread of 70
or less counts as 70, so that of a perfect submission is 70.
"""

import pandas as pd

metric = "laplace@70,1000"
target = "FVC"
SAMPLE = "sample_submission.csv"


def units(public):
    """A row for each patient that has visits after the first one."""
    visits = pd.read_csv(public / "train.csv", dtype=str)["Patient"].value_counts(sort=False)
    return pd.DataFrame({"id": [patient for patient, count in visits.items() if count > 1]})


def carve(public, out, train_ids, graded_ids):
    """Visits and scans of graded patients stand in test as those of real test patients do: the first visit, all scans."""
    table = pd.read_csv(public / "train.csv", dtype=str)
    table[table["Patient"].isin(train_ids)].to_csv(out / "train.csv", index=False)
    graded = table[table["Patient"].isin(graded_ids)]
    weeks = graded["Weeks"].astype(int)
    first = graded.loc[weeks.groupby(graded["Patient"], sort=False).idxmin()]
    first.to_csv(out / "test.csv", index=False)
    for part, patients in (("train", train_ids), ("test", graded_ids)):
        (out / part).mkdir()
        for patient in patients:
            if (public / "train" / patient).is_dir():
                (out / part / patient).symlink_to(public / "train" / patient)
    later = graded.drop(first.index)
    answers = pd.DataFrame(
        {
            "Patient_Week": later["Patient"] + "_" + later["Weeks"],
            "FVC": later["FVC"],
            "Confidence": 70,
            "unit": later["Patient"],
        }
    )
    answers[["Patient_Week"]].assign(FVC=2000, Confidence=100).to_csv(out / SAMPLE, index=False)
    return answers
