"""Recordings named by number in several lists; which of the species sing in each, a row for each pair."""

import pandas as pd

metric = "auc"
problem = "binary"
LABELS, FOLDS, NAMES = (
    f"essential_data/{name}.txt" for name in ("rec_labels_test_hidden", "CVfolds_2", "rec_id2filename")
)
SPECIES = "essential_data/species_list.txt"
SAMPLE = "sample_submission.csv"


def units(public):
    """A row for each recording whose labels are told."""
    return pd.DataFrame({"id": list(told(public))})


def carve(public, out, train_ids, graded_ids):
    """Graded recordings get a question mark and the fold of the test part; the real test part is left out of all."""
    train, graded, species = set(train_ids), set(graded_ids), len(rows(public / SPECIES)) - 1
    here = train | graded
    names = dict(row.split(",", 1) for row in rows(public / NAMES)[1:])
    away = {name for unit, name in names.items() if unit not in here}
    for path in sorted(p for p in public.rglob("*") if p.is_file()):
        name = path.relative_to(public).as_posix()
        if name in (SAMPLE, "description.md") or path.stem in away:
            continue
        head = rows(path)[0] if path.suffix == ".txt" else ""
        if not head.startswith("rec_id"):
            link(path, out / name)
            continue
        kept = [head]
        for row in rows(path)[1:]:
            unit = row.split(",", 1)[0]
            if unit in here:
                hidden = {LABELS: f"{unit},?", FOLDS: f"{unit},1"}.get(name) if unit in graded else None
                kept.append(hidden or row)
        place = out / name
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text("".join(row + "\n" for row in kept), encoding="utf-8")
    labels = told(public)
    answers = pd.DataFrame(
        {"Id": int(unit) * 100 + i, "Probability": int(str(i) in labels[unit]), "unit": unit}
        for unit in sorted(graded_ids, key=int)
        for i in range(species)
    )
    answers[["Id"]].assign(Probability=0).to_csv(out / SAMPLE, index=False)
    return answers


def told(public):
    """The labels of each recording that has them, an empty set where nothing sings."""
    table = (row.split(",") for row in rows(public / LABELS)[1:])
    return {unit: set(labels) for unit, *labels in table if labels != ["?"]}


def rows(path):
    """The lines of a text file."""
    return path.read_text(encoding="utf-8").splitlines()


def link(source, place):
    """A link to a public file."""
    place.parent.mkdir(parents=True, exist_ok=True)
    place.symlink_to(source)
