"""Small tasks without train and test tables, as the adapters in examples/adapters know them, and programs for them."""

import json
import shutil
import struct
import zlib
from pathlib import Path

import numpy as np
import pandas as pd

EXAMPLES = Path(__file__).parents[1] / "examples" / "adapters"
CLASSES = ("cat", "dog", "eel")


def png(pixels: np.ndarray) -> bytes:
    """A grey picture (height, width) of bytes as PNG."""
    height, width = pixels.shape
    lines = b"".join(b"\0" + row.tobytes() for row in pixels.astype(np.uint8))

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(lines))
        + chunk(b"IEND", b"")
    )


def write_class_folders(folder: Path, labelled: int = 90, real: int = 30) -> Path:
    """Pictures whose brightness tells the class, labelled ones in class folders; and adapter.py."""
    rng = np.random.default_rng(0)
    names = [f"p{i:04d}" for i in rng.permutation(labelled + real)]
    kinds = rng.integers(0, len(CLASSES), labelled + real)
    for i, (name, kind) in enumerate(zip(names, kinds, strict=True)):
        place = folder / ("test" if i >= labelled else f"train/{CLASSES[kind]}") / f"{name}.png"
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(png(np.clip(40 + 60 * kind + rng.normal(0, 25, (8, 8)), 0, 255)))
    sample = pd.DataFrame({"id": sorted(names[labelled:])}).assign(**dict.fromkeys(CLASSES, 1 / 3))
    sample.to_csv(folder / "sample_submission.csv", index=False)
    (folder / "description.md").write_text("# Animals\n\nTell cats, dogs and eels apart.\n")
    shutil.copyfile(EXAMPLES / "class_folders.py", folder / "adapter.py")
    return folder


def write_long_form(folder: Path, labelled: int = 80, real: int = 20) -> Path:
    """Recordings in JSON lines with three levels each, four a site; and adapter.py."""
    rng = np.random.default_rng(1)
    folder.mkdir(parents=True, exist_ok=True)
    rows = []
    for i in range(labelled + real):
        signal = rng.normal(size=6).round(3)
        level = (10 + 3 * signal[:3] + rng.normal(0, 0.3, 3)).round(4)
        rows.append(
            {"id": f"r{i:03d}", "site": f"s{i // 4}", "signal": signal.tolist(), "level": level.tolist()}
        )
    lines = [json.dumps(r) for r in rows[:labelled]]
    lines_test = [json.dumps({k: v for k, v in r.items() if k != "level"}) for r in rows[labelled:]]
    (folder / "train.jsonl").write_text("\n".join(lines) + "\n")
    (folder / "test.jsonl").write_text("\n".join(lines_test) + "\n")
    keys = [f"{r['id']}_{i}" for r in rows[labelled:] for i in range(3)]
    pd.DataFrame({"key": keys, "level": 0.0}).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "description.md").write_text("# Levels\n\nPredict three levels of each recording.\n")
    shutil.copyfile(EXAMPLES / "long_form.py", folder / "adapter.py")
    return folder


PICTURES = """\
import csv, math, struct, zlib
from pathlib import Path

SCALE = 20.0


def brightness(path):
    data = Path(path).read_bytes()
    size = struct.unpack(">I", data[33:37])[0]
    return sum(zlib.decompress(data[41:41 + size])) / 64


public = Path("input")
means = {}
for folder in sorted((public / "train").iterdir()):
    values = [brightness(p) for p in folder.iterdir()]
    means[folder.name] = sum(values) / len(values)
rows = list(csv.reader(open(public / "sample_submission.csv")))
with open("submission.csv", "w", newline="") as out:
    table = csv.writer(out)
    table.writerow(rows[0])
    for name, *_ in rows[1:]:
        at = brightness(public / "test" / f"{name}.png")
        chances = [math.exp(-abs(at - means.get(c, 1e9)) / SCALE) for c in rows[0][1:]]
        table.writerow([name, *(c / sum(chances) for c in chances)])
"""
"""Tells classes by brightness; a smaller SCALE is surer."""

LEVELS = """\
import csv, json

FACTOR = 1.0
train, test = ([json.loads(l) for l in open(f"input/{n}.jsonl")] for n in ("train", "test"))
levels = [v for r in train for v in r["level"]]
mean = sum(levels) / len(levels)
known = {f"{r['id']}_{i}": mean + FACTOR * r["signal"][i] for r in test for i in range(3)}
with open("submission.csv", "w", newline="") as out:
    table = csv.writer(out)
    table.writerow(["key", "level"])
    for key, _ in list(csv.reader(open("input/sample_submission.csv")))[1:]:
        table.writerow([key, known[key]])
"""
"""Predicts levels from the signal; FACTOR 3 is the true one."""
