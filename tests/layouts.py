"""Small tasks whose tables have to be found or made, one for each convention, with the truth kept apart."""

import json
import zipfile
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tests.adapter_tasks import png
from tests.task_files import seven_zipped

Truth = dict[str, object]
"""What `write` knows of labelled units: the label of each id, as the sample would ask for it."""
TRAIN, TEST = 60, 20


def describe(folder: Path, metric: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "description.md").write_text(
        f"# A task\n\n## Evaluation\n\nSubmissions are scored by {metric}.\n"
    )


def sample(folder: Path, ids: list[str], id_: str = "id", **values: object) -> None:
    table = pd.DataFrame({id_: ids}).assign(**values)
    table.to_csv(folder / "sample_submission.csv", index=False)


def picture(path: Path, level: float) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(np.full((4, 4), 40 + 10 * level) + np.arange(16).reshape(4, 4)))


def other_names(folder: Path, rng: np.random.Generator) -> Truth:
    """labels.csv is the train table; costs.csv beside it has the test rows' ids among others."""
    describe(folder, "the root mean squared error (RMSE)")
    ids = [f"k{i:03d}" for i in range(TRAIN + TEST)]
    x = rng.normal(size=len(ids)).round(3)
    table = pd.DataFrame({"key": ids, "price": 2 * x, "x": x, "when": "late"})
    table[:TRAIN].to_csv(folder / "labels.csv", index=False)
    table[TRAIN:].drop(columns="price").to_csv(folder / "test.csv", index=False)
    table[["key"]].assign(cost=rng.integers(0, 9, len(ids))).to_csv(folder / "costs.csv", index=False)
    sample(folder, ids[TRAIN:], "key", price=0.5)
    return dict(zip(ids[:TRAIN], table["price"], strict=False))


def json_lists(folder: Path, rng: np.random.Generator) -> Truth:
    """train.json is a list of objects, test.json is one in a 7z archive, without what was known later."""
    describe(folder, "the area under the ROC curve")
    rows = [
        {
            "id": f"r{i}",
            "text": "good" if i % 3 else "bad",
            "tags": ["a", "b"],
            "later": i,
            "won": bool(i % 3),
        }
        for i in range(TRAIN + TEST)
    ]
    (folder / "train.json").write_text(json.dumps(rows[:TRAIN]))
    seen = [{k: r[k] for k in ("id", "text", "tags")} for r in rows[TRAIN:]]
    seven_zipped(folder / "test.7z", {"test.json": json.dumps(seen).encode()})
    sample(folder, [str(r["id"]) for r in rows[TRAIN:]], won=0)
    return {str(r["id"]): str(r["won"]) for r in rows[:TRAIN]}


def packed_tables(folder: Path, rng: np.random.Generator) -> Truth:
    """Each table is alone in a 7z archive; the sample has a column for each class."""
    describe(folder, "multi-class logarithmic loss")
    ids = [f"p{i:03d}" for i in range(TRAIN + TEST)]
    table = pd.DataFrame({"id": ids, "x": rng.normal(size=len(ids)).round(3)})
    table["kind"] = rng.choice(["oak", "elm", "fir"], len(ids))
    asked = pd.DataFrame({"id": ids[TRAIN:], "elm": 0.3, "fir": 0.3, "oak": 0.4})
    tables = {"train": table[:TRAIN], "test": table[TRAIN:].drop(columns="kind"), "sample_submission": asked}
    for name, rows in tables.items():
        seven_zipped(folder / f"{name}.csv.7z", {f"{name}.csv": rows.to_csv(index=False).encode()})
    return dict(zip(ids[:TRAIN], table["kind"], strict=False))


def coco(folder: Path, rng: np.random.Generator) -> Truth:
    """Both parts number their pictures from 0, and the metadata tell where they are."""
    describe(folder, "the macro F1 score")
    kinds = rng.integers(0, 3, TRAIN + TEST)
    images, notes = [], []
    for i, kind in enumerate(kinds):
        part, number = ("test", i - TRAIN) if i >= TRAIN else ("train", i)
        name = f"images/{number % 4:03d}/{number}.png"
        picture(folder / part / name, kind)
        images.append({"id": number, "file_name": name, "license": 1})
        notes.append({"id": i, "image_id": number, "category_id": int(kind)})
    known = {"images": images[:TRAIN], "annotations": notes[:TRAIN]}
    known["categories"] = [{"id": k, "name": f"kind {k}"} for k in range(3)]
    (folder / "train" / "metadata.json").write_text(json.dumps(known))
    (folder / "test" / "metadata.json").write_text(json.dumps({"images": images[TRAIN:]}))
    sample(folder, [str(i) for i in range(TEST)], "Id", Predicted=0)
    return {str(i): str(kind) for i, kind in enumerate(kinds[:TRAIN])}


def file_names(folder: Path, rng: np.random.Generator) -> Truth:
    """train/no.12.png, and a zipped copy of the folder; in test a number is all there is."""
    describe(folder, "the log loss")
    kinds = ["yes" if k else "no" for k in rng.integers(0, 2, TRAIN)]
    truth: Truth = {}
    for i, kind in enumerate(kinds):
        picture(folder / "train" / f"{kind}.{i}.png", len(kind))
        truth[str(i)] = kind
    with zipfile.ZipFile(folder / "train.zip", "w") as archive:
        for path in sorted((folder / "train").iterdir()):
            archive.write(path, path.name)
    for i in range(TEST):
        picture(folder / "test" / f"{i + 1}.png", i % 2)
    sample(folder, [str(i + 1) for i in range(TEST)], label=0.5)
    return truth


def folder_names(folder: Path, rng: np.random.Generator) -> Truth:
    """audio/CLASS/NAME.png in an archive, a column for each class in the sample."""
    describe(folder, "the multi-class log loss")
    truth: Truth = {}
    with zipfile.ZipFile(folder / "train.zip", "w") as archive:
        for i, kind in enumerate(rng.choice(["cat", "dog", "eel"], TRAIN)):
            archive.writestr(f"train/{kind}/p{i:03d}.png", png(np.full((4, 4), 10 + i)))
            truth[f"p{i:03d}.png"] = str(kind)
    for i in range(TEST):
        picture(folder / "test" / f"q{i:03d}.png", i)
    sample(folder, [f"q{i:03d}.png" for i in range(TEST)], "file", cat=0.3, dog=0.3, eel=0.4)
    return truth


def label_lists(folder: Path, rng: np.random.Generator) -> Truth:
    """A column that lists labels, a column for each in the sample, and a noisy table beside it."""
    describe(folder, "the label-weighted label-ranking average precision (lwlrap)")
    names = ["bark", "meow", "rain"]
    lists = [",".join(rng.permutation(names)[: 1 + i % 2]) for i in range(TRAIN + TEST)]
    table = pd.DataFrame({"clip": [f"c{i}.wav" for i in range(len(lists))], "labels": lists})
    table[:TRAIN].to_csv(folder / "train_curated.csv", index=False)
    table[TRAIN:].assign(clip=lambda t: "n" + t["clip"]).to_csv(folder / "train_noisy.csv", index=False)
    sample(folder, list(table["clip"][TRAIN:]), "clip", **dict.fromkeys(names, 0))
    return {c: [int(n in x.split(",")) for n in names] for c, x in table[:TRAIN].to_numpy()}


def joined_ids(folder: Path, rng: np.random.Generator) -> Truth:
    """The sample's id is sentence_token, which no table has as a column."""
    describe(folder, "accuracy")
    rows = [(s, t, f"w{rng.integers(3)}") for s in range((TRAIN + TEST) // 4) for t in range(4)]
    table = pd.DataFrame(rows, columns=["sentence", "token", "before"])
    table["after"] = table["before"].str.upper()
    first = table["sentence"] < TRAIN // 4
    table[first].to_csv(folder / "en_train.csv", index=False)
    table[~first].drop(columns="after").to_csv(folder / "en_test_2.csv", index=False)
    ids = table["sentence"].astype(str) + "_" + table["token"].astype(str)
    sample(folder, list(ids[~first]), after="W0")
    return dict(zip(ids[first], table["after"][first], strict=True))


def several_rows(folder: Path, rng: np.random.Generator) -> Truth:
    """Two pictures of each side of a patient, and one prediction for a side."""
    describe(folder, "the area under the ROC curve")
    rows = [
        (p, s, f"{p}{s}{v}", v, int(rng.random() < 0.4)) for p in range(100, 140) for s in "LR" for v in "ab"
    ]
    table = pd.DataFrame(rows, columns=["patient", "side", "picture", "view", "ill"])
    table["ill"] = table.groupby(["patient", "side"])["ill"].transform("first")
    table["side_id"] = table["patient"].astype(str) + "_" + table["side"]
    first = table["patient"] < 130
    for name, part in (("train", first), ("test", ~first)):
        for _, row in table[part].iterrows():
            picture(folder / f"{name}_images" / str(row["patient"]) / f"{row['picture']}.png", row["ill"])
    table[first].drop(columns="side_id").to_csv(folder / "train.csv", index=False)
    table[~first].drop(columns="ill").to_csv(folder / "test.csv", index=False)
    sample(folder, list(table["side_id"][~first].unique()), "side_id", ill=0.5)
    return {str(k): str(v) for k, v in table[first].groupby("side_id")["ill"].first().items()}


def positions(folder: Path, rng: np.random.Generator) -> Truth:
    """JSON lines with lists of targets, and a row of the sample for each position, also for those never measured."""
    describe(folder, "the mean columnwise root mean squared error (MCRMSE)")
    rows = []
    for i in range(40):
        up, down = rng.normal(size=(2, 3)).round(3).tolist()
        rows.append({"id": f"m{i}", "sequence": "GACUG", "up": up, "down": down})
    seen = [{k: r[k] for k in ("id", "sequence")} for r in rows[30:]]
    for name, part in (("train", rows[:30]), ("test", seen)):
        (folder / f"{name}.json").write_text("".join(json.dumps(r) + "\n" for r in part))
    sample(folder, [f"{r['id']}_{j}" for r in seen for j in range(5)], "id_pos", up=0.0, down=0.0)
    return {f"{r['id']}_{j}": [r["up"][j], r["down"][j]] for r in rows[:30] for j in range(3)}


def wide_columns(folder: Path, rng: np.random.Generator) -> Truth:
    """A column for each of three labels in train, a row for each in the sample: ID_COLUMN."""
    describe(folder, "the log loss")
    table = pd.DataFrame(rng.integers(0, 2, (40, 3)), columns=["c1", "c2", "c3"])
    table.insert(0, "study", [f"1.2.{i}" for i in range(40)])
    table[:30].to_csv(folder / "train.csv", index=False)
    keys = [(f"{s}_{c}", s, c) for s in table["study"][30:] for c in ("c1", "c2", "c3")]
    test = pd.DataFrame(keys, columns=["row_id", "study", "column"])
    test.to_csv(folder / "test.csv", index=False)
    sample(folder, list(test["row_id"]), "row_id", fractured=0.5)
    return {f"{r['study']}_{c}": str(r[c]) for _, r in table[:30].iterrows() for c in ("c1", "c2", "c3")}


LAYOUTS: dict[str, Callable[[Path, np.random.Generator], Truth]] = {
    f.__name__: f
    for f in (
        other_names,
        json_lists,
        packed_tables,
        coco,
        file_names,
        folder_names,
        label_lists,
        joined_ids,
        several_rows,
        positions,
        wide_columns,
    )
}
