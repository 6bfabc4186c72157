"""Slides with a mask as run lengths, one for each slide; outlines beside the pictures in JSON."""

import pandas as pd

metric = "dice"
SIDE, SAMPLE = "HuBMAP-20-dataset_information.csv", "sample_submission.csv"


def units(public):
    """A row for each slide with a mask."""
    return pd.DataFrame({"id": read(public / "train.csv")["id"].tolist()})


def carve(public, out, train_ids, graded_ids):
    """Graded slides stand in test; the outlines of the mask itself, ID.json, are empty there as for real ones."""
    table, side = read(public / "train.csv"), read(public / SIDE)
    here = {*train_ids, *graded_ids}
    table[table["id"].isin(train_ids)].to_csv(out / "train.csv", index=False)
    side[side["image_file"].str.removesuffix(".tiff").isin(here)].to_csv(out / SIDE, index=False)
    for part, slides in (("train", train_ids), ("test", graded_ids)):
        (out / part).mkdir()
        for slide in slides:
            for ending in (".tiff", ".json", "-anatomical-structure.json"):
                source, place = public / "train" / f"{slide}{ending}", out / part / f"{slide}{ending}"
                if part == "test" and ending == ".json":
                    place.write_text("[]")
                elif source.is_file():
                    place.symlink_to(source)
    known = table.set_index("id")["encoding"]
    answers = pd.DataFrame({"id": list(graded_ids), "predicted": [known[slide] for slide in graded_ids]})
    for place in (out / SAMPLE, out / "test" / SAMPLE):
        answers[["id"]].assign(predicted="").to_csv(place, index=False)
    return answers


def read(path):
    """A table as it stands."""
    return pd.read_csv(path, dtype=str, keep_default_na=False)
