"""Small folders that no convention understands, as the recorded surveys in tests/recordings know them.

Each writer returns the truth of its labelled units: the answers of a unit's rows, in the order of the sample.
"""

import hashlib
import wave
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd

from tests.adapter_tasks import png

LABELLED, TEST = 12, 6
Truth = dict[str, list[str] | list[float]]


def describe(folder: Path, text: str, metric: str) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "description.md").write_text(
        f"# A task\n\n{text}\n\n## Evaluation\n\nSubmissions are scored by {metric}.\n"
    )


def picture(path: Path, pixels: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(png(np.clip(pixels, 0, 255)))


def hidden_messages(folder: Path, rng: np.random.Generator) -> Truth:
    """Cover/NAME.jpg is clean, the same NAME in three other folders is not; Test is numbered."""
    describe(
        folder,
        "Give Label, the likelihood of a hidden message, for each picture in Test. Cover holds clean pictures.",
        "weighted AUC (parts of the ROC curve below a true positive rate of 0.4 count double)",
    )
    truth: Truth = {}
    for i in range(1, LABELLED // 2 + 1):
        photograph = rng.integers(60, 190, (8, 8))
        for j, kind in enumerate(("Cover", "JMiPOD", "JUNIWARD", "UERD")):
            picture(folder / kind / f"{i:05d}.jpg", photograph + j * rng.integers(0, 9, (8, 8)))
            truth[f"{kind}/{i:05d}.jpg"] = [float(j > 0)]
    for i in range(1, TEST + 1):
        picture(folder / "Test" / f"{i:04d}.jpg", rng.integers(60, 190, (8, 8)))
    names = [f"{i:04d}.jpg" for i in range(1, TEST + 1)]
    pd.DataFrame({"Id": names, "Label": 0}).to_csv(folder / "sample_submission.csv", index=False)
    return truth


def clean_pages(folder: Path, rng: np.random.Generator) -> Truth:
    """train/N.png is stained, train_cleaned/N.png the same page clean; a row for each pixel of test/N.png."""
    describe(folder, "Recover the clean page, a row for each pixel.", "root mean squared error")
    rows, truth = [], {}
    for i in range(1, LABELLED + TEST + 1):
        clean = np.where(rng.random((4, 5)) < 0.3, 20, 250)
        stained = clean - rng.integers(0, 90, clean.shape)
        if i <= LABELLED:
            picture(folder / "train" / f"{i}.png", stained)
            picture(folder / "train_cleaned" / f"{i}.png", clean)
            truth[str(i)] = list(clean.ravel() / 255)
        else:
            picture(folder / "test" / f"{i}.png", stained)
            rows += [f"{i}_{r}_{c}" for r in range(1, 5) for c in range(1, 6)]
    pd.DataFrame({"id": rows, "value": 1}).to_csv(folder / "sampleSubmission.csv", index=False)
    return truth


def species(folder: Path, rng: np.random.Generator) -> Truth:
    """Lists in essential_data by rec_id, `?` for the labels of test recordings, a row for each species."""
    describe(folder, "Say which of 5 species sing in each recording.", "area under the ROC curve")
    essential, more = folder / "essential_data", folder / "supplemental_data"
    (essential / "src_wavs").mkdir(parents=True)
    more.mkdir()
    lists: dict[Path, list[str]] = {
        essential / "rec_labels_test_hidden.txt": ["rec_id,[labels]"],
        essential / "CVfolds_2.txt": ["rec_id,fold"],
        essential / "rec_id2filename.txt": ["rec_id,filename"],
        more / "histogram_of_segments.txt": ["rec_id,[histogram of segment features]"],
    }
    asked, truth = [], {}
    for i in range(LABELLED + TEST + 6):
        hidden, sing = i % 6 == 5, rng.random(5) < 0.4
        name = f"PC{rng.integers(1, 9)}_{i:03d}"
        sound = np.convolve(rng.normal(size=40), np.ones(3))
        with wave.open(str(essential / "src_wavs" / f"{name}.wav"), "wb") as file:
            file.setparams((1, 2, 4000, 0, "NONE", ""))
            file.writeframes((4000 * sound).astype("<i2").tobytes())
        told = "?" if hidden else ",".join(str(s) for s in np.flatnonzero(sing))
        for (path, lines), cell in zip(
            lists.items(),
            (told, str(int(hidden)), name, ",".join(map(str, rng.integers(0, 99, 5)))),
            strict=True,
        ):
            lines.append(f"{i},{cell}" if cell or "labels" not in path.name else f"{i}")
        if hidden:
            asked += [i * 100 + s for s in range(5)]
        else:
            truth[str(i)] = list(sing.astype(float))
    lists[essential / "species_list.txt"] = [
        "class_id,code,species",
        *(f"{s},B{s},Bird {s}" for s in range(5)),
    ]
    for path, lines in lists.items():
        path.write_text("\n".join(lines) + "\n")
    pd.DataFrame({"Id": asked, "Probability": 0}).to_csv(folder / "sample_submission.csv", index=False)
    return truth


def next_week(folder: Path, rng: np.random.Generator) -> Truth:
    """Transactions of three weeks; up to twelve articles for each customer in the seven days after them."""
    describe(folder, "Recommend up to twelve article_ids for the seven days after the data.", "MAP@12")
    customers = [hashlib.sha256(f"{i}".encode()).hexdigest() for i in range(LABELLED + TEST)]
    articles = [f"01087750{i:02d}" for i in range(30)]
    rows = [
        (str(day.date()), customer, articles[(3 * c + rng.integers(0, 6)) % 30], f"{rng.random():.6f}", "2")
        for day in pd.date_range("2020-09-01", periods=21)
        for c, customer in enumerate(customers)
        if rng.random() < 0.3
    ]
    names = ["t_dat", "customer_id", "article_id", "price", "sales_channel_id"]
    table = pd.DataFrame(rows, columns=names)
    table.to_csv(folder / "transactions_train.csv", index=False)
    last = table[table["t_dat"] > "2020-09-14"].drop_duplicates(["customer_id", "article_id"])
    pd.DataFrame({"article_id": articles, "prod_name": "cap"}).to_csv(folder / "articles.csv", index=False)
    known = pd.DataFrame({"customer_id": customers})
    known.assign(age=rng.integers(18, 80, len(known))).to_csv(folder / "customers.csv", index=False)
    known.assign(prediction=" ".join(articles[:12])).to_csv(folder / "sample_submission.csv", index=False)
    return {str(c): [" ".join(bought)] for c, bought in last.groupby("customer_id")["article_id"]}


def lung_visits(folder: Path, rng: np.random.Generator) -> Truth:
    """A patient's visits in train.csv, the first one alone in test.csv; a row of the sample for each week."""
    describe(folder, "For each patient and week give FVC and Confidence.", "modified Laplace log likelihood")
    patients = [f"ID{n:06d}" for n in rng.permutation(10**6)[: LABELLED + TEST]]
    rows = []
    for patient in patients:
        level = rng.integers(1500, 4000)
        for week in sorted(rng.permutation(20)[:5]):
            rows.append((patient, week, level - 7 * week + rng.integers(-50, 50), rng.integers(50, 80)))
    table = pd.DataFrame(rows, columns=["Patient", "Weeks", "FVC", "Age"])
    test = table[table["Patient"].isin(patients[LABELLED:])]
    table.drop(test.index).to_csv(folder / "train.csv", index=False)
    test.drop_duplicates("Patient").to_csv(folder / "test.csv", index=False)
    for i, patient in enumerate(patients):
        place = folder / ("train" if i < LABELLED else "test") / patient / "1.dcm"
        place.parent.mkdir(parents=True)
        place.write_bytes(rng.bytes(64))
    asked = [f"{p}_{w}" for p in patients[LABELLED:] for w in range(20)]
    sample = pd.DataFrame({"Patient_Week": asked}).assign(FVC=2000, Confidence=100)
    sample.to_csv(folder / "sample_submission.csv", index=False)
    later = table[table["Patient"].duplicated() & table["Patient"].isin(patients[:LABELLED])]
    return {str(p): list(visits.astype(float)) for p, visits in later.groupby("Patient")["FVC"]}


def comments(folder: Path, rng: np.random.Generator) -> Truth:
    """Comments without ids; the sample repeats the rows of test.csv beside the one column that is to be told."""
    describe(
        folder, "Tell how likely a comment is rude, in the order of test.csv.", "area under the ROC curve"
    )
    words = np.array(["stone", "river", "thanks", "fool", "garden", "idiot", "kind", "lantern"])
    rude = (np.arange(2 * LABELLED + TEST) % 3 == 0).astype(int)
    table = pd.DataFrame({"Rude": rude})
    table["When"] = [f"20{rng.integers(10, 20)}" if rng.random() < 0.7 else "" for _ in rude]
    table["Text"] = [f'"{" ".join(words[rng.permutation(8)[:5]])} {i}"' for i in rng.permutation(len(rude))]
    test = table[2 * LABELLED :].reset_index(drop=True)
    table[: 2 * LABELLED].to_csv(folder / "train.csv", index=False)
    test.drop(columns="Rude").to_csv(folder / "test.csv", index=False)
    test.assign(Rude=0).to_csv(folder / "sample_null.csv", index=False)
    return {f"row {i}": [float(one)] for i, one in enumerate(rude[: 2 * LABELLED])}


def findings(folder: Path, rng: np.random.Generator) -> Truth:
    """train/NAME.png with a row for each box of three readers in boxes.csv; all boxes of a picture in one cell."""
    describe(
        folder,
        "Mark findings: `kind left top right bottom` repeated, `none` where there is nothing. What two readers "
        "or all three mark alike is a finding.",
        "the mean over pictures of the share of boxes, handed in or true, that are in both, to the pixel",
    )
    names, rows, truth = [f"{n:06x}" for n in rng.permutation(16**6)[: LABELLED + TEST]], [], {}
    for i, name in enumerate(names):
        pixels = rng.integers(0, 60, (12, 12))
        found = []
        for _ in range(i % 3):
            kind, left, top = rng.integers(0, 2), rng.integers(0, 6), rng.integers(0, 6)
            box = (left, top, left + rng.integers(2, 6), top + rng.integers(2, 6))
            pixels[box[1] : box[3], box[0] : box[2]] += 90 + 60 * kind
            found.append(" ".join(map(str, (kind, *box))))
        picture(folder / ("train" if i < LABELLED else "test") / f"{name}.png", pixels)
        for reader, seen in (("R1", found), ("R2", found[::-1]), ("R3", found[:1])):
            rows += [(name, reader, *one.split()) for one in seen] or [(name, reader, "", "", "", "", "")]
        truth[name] = [" ".join(dict.fromkeys(found)) or "none"]
    columns = ["picture", "reader", "kind", "left", "top", "right", "bottom"]
    table = pd.DataFrame(rows, columns=columns)
    table[table["picture"].isin(names[:LABELLED])].to_csv(folder / "boxes.csv", index=False)
    asked = pd.DataFrame({"picture": sorted(names[LABELLED:])})
    asked.assign(findings="none").to_csv(folder / "sample_submission.csv", index=False)
    return {name: truth[name] for name in names[:LABELLED]}


Writer = Callable[[Path, np.random.Generator], Truth]
LAYOUTS: dict[str, Writer] = {
    layout.__name__: layout
    for layout in (hidden_messages, clean_pages, species, next_week, lung_visits, comments, findings)
}
