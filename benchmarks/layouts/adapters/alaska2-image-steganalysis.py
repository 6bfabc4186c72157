"""Pictures with or without a hidden message: the folder says which, and four variants of a photograph share a name."""

import hashlib

import pandas as pd

metric = "weighted_auc@0.4=2,1=1"
CLEAN, MESSAGE = "Cover", ("JMiPOD", "JUNIWARD", "UERD")


def units(public):
    """A row for each labelled picture, FOLDER/NAME; the variants of a photograph stay together."""
    ids = [f"{d}/{p.name}" for d in (CLEAN, *MESSAGE) for p in sorted((public / d).glob("*.jpg"))]
    return pd.DataFrame(
        {
            "id": ids,
            "label": [int(not i.startswith(f"{CLEAN}/")) for i in ids],
            "group": [i.partition("/")[2] for i in ids],
        }
    )


def carve(public, out, train_ids, graded_ids):
    """Labelled pictures stay in their folders; graded ones get numbers in Test, in an order that no name tells."""
    for name in sorted(p.name for p in public.iterdir() if p.is_file() and p.suffix not in (".csv", ".md")):
        link(public / name, out / name)
    for unit in train_ids:
        link(public / unit, out / unit)
    mixed = sorted(graded_ids, key=lambda unit: hashlib.sha256(unit.encode()).hexdigest())
    names = [f"{number:04d}.jpg" for number in range(1, len(mixed) + 1)]
    for unit, name in zip(mixed, names, strict=True):
        link(public / unit, out / "Test" / name)
    ids = pd.DataFrame({"Id": names})
    ids.assign(Label="0").to_csv(out / "sample_submission.csv", index=False)
    return ids.assign(Label=[int(not u.startswith(f"{CLEAN}/")) for u in mixed], unit=mixed)


def link(source, place):
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(source)
