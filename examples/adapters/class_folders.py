"""An adapter for pictures in class folders, with no train table: train/CLASS/NAME.png, test/NAME.png.

sample_submission.csv has an id for each test picture and a column of probability for each class.
"""

import pandas as pd

metric = "log_loss"


def units(public):
    """A row for each labelled picture: its path below train/ without the class would do, as long as names are unique."""
    pictures = sorted(public.glob("train/*/*.png"))
    return pd.DataFrame({"id": [p.stem for p in pictures], "label": [p.parent.name for p in pictures]})


def carve(public, out, train_ids, graded_ids):
    """Pictures of `train_ids` stay in their class folders, those of `graded_ids` stand in test/ like the real ones."""
    pictures = {p.stem: p for p in public.glob("train/*/*.png")}
    for unit in train_ids:
        link(pictures[unit], out / "train" / pictures[unit].parent.name / pictures[unit].name)
    for unit in graded_ids:
        link(pictures[unit], out / "test" / pictures[unit].name)
    sample = pd.read_csv(public / "sample_submission.csv", dtype={"id": str})
    classes = [c for c in sample.columns if c != "id"]
    ids = pd.DataFrame({"id": list(graded_ids)})
    ids.assign(**{c: 1 / len(classes) for c in classes}).to_csv(out / "sample_submission.csv", index=False)
    return ids.assign(**{c: [int(pictures[unit].parent.name == c) for unit in graded_ids] for c in classes})


def link(source, place):
    """A link to a public file costs no disk, and the harness makes a plain file of it."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(source)
