"""The profile: kinds told from values, true numbers, plain JSON, small however wide the table is."""

import json
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome.tools.data.images import FileNames
from gome.tools.data.profile import MAX_COLUMNS, profile
from gome.tools.data.tables import write_table
from gome.tools.data.task_files import task_files
from gome.tools.data.task_folder import load_task

N = 300
RNG = np.random.default_rng(0)


def write_png(path: Path, height: int, width: int) -> None:
    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = zlib.compress(b"".join(b"\0" + bytes(3 * width) for _ in range(height)))
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b""))


def columns() -> dict[str, Any]:
    return {
        "size": RNG.normal(5, 2, N),
        "rooms": RNG.integers(1, 9, N),
        "street": RNG.choice(["Oak", "Elm", "Ash"], N),
        "garden": RNG.random(N) < 0.3,
        "paved": RNG.choice(["yes", "no"], N),
        "sold": pd.date_range("2020-01-01", periods=N).strftime("%Y-%m-%d"),
        "remarks": [
            " ".join(RNG.choice(["warm", "bright", "near", "lake", "old"], 9)) + f" {i}" for i in range(N)
        ],
        "picture": [f"p{i}.png" for i in range(N)],
        "code": [f"c-{i:04}" for i in range(N)],
        "country": "CH",
        "nothing": None,
    }


def described(folder: Path, train: dict[str, Any], test: dict[str, Any]) -> dict[str, Any]:
    folder.mkdir(exist_ok=True)
    y = np.arange(N) % 2
    write_table(pd.DataFrame({"id": range(N), **train, "y": y}), folder / "train.csv")
    write_table(pd.DataFrame({"id": range(N, 2 * N), **test}), folder / "test.csv")
    write_table(pd.DataFrame({"id": range(N, 2 * N), "y": 0}), folder / "sample_submission.csv")
    result = profile(load_task(folder, metric="roc_auc"))
    json.dumps(result, allow_nan=False)
    return result


def by_name(result: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {entry["name"]: entry for entry in result["columns"]}


def test_kinds_and_numbers(tmp_path: Path) -> None:
    (tmp_path / "photos").mkdir()
    write_png(tmp_path / "photos" / "p0.png", 32, 48)
    train = columns()
    train["size"][:30] = np.nan
    result = described(tmp_path, train, columns())
    found = by_name(result)
    assert {name: entry["kind"] for name, entry in found.items()} == {
        "id": "id",
        "size": "number",
        "rooms": "integer",
        "street": "category",
        "garden": "boolean",
        "paved": "boolean",
        "sold": "date",
        "remarks": "text",
        "picture": "image",
        "code": "id",
        "country": "constant",
        "nothing": "constant",
    }
    assert found["picture"]["image_size"] == [32, 48, 3]
    size = pd.Series(train["size"])
    assert found["size"]["missing"] == pytest.approx(0.1)
    assert found["size"]["mean"] == pytest.approx(size.mean(), rel=1e-4)
    assert found["size"]["max"] == pytest.approx(size.max(), rel=1e-4)
    assert found["street"]["unique"] == 3
    names, counts = np.unique(train["street"], return_counts=True)
    assert found["street"]["top"][0] == [names[counts.argmax()], counts.max()]
    assert result["rows"] == result["test_rows"] == N
    assert result["target"]["y"]["counts"] == {"0": 150, "1": 150}
    assert result["files"] == {"csv": 3, "png": 1}


def test_drift_and_structure(tmp_path: Path) -> None:
    train = {
        "same": RNG.normal(size=N),
        "moved": RNG.normal(size=N),
        "day": np.arange(N),
        "who": np.arange(N) // 5,
    }
    test = {
        "same": RNG.normal(size=N),
        "moved": RNG.normal(2, 1, N),
        "day": np.arange(N, 2 * N),
        "who": np.arange(-N, 0) // 5,
    }
    result = described(tmp_path, train, test)
    found = by_name(result)
    assert found["same"]["drift"] < 0.15
    assert found["moved"]["drift"] > 0.5
    notes = " ".join(result["notes"])
    assert "moved (" in notes
    assert "`time` day" in notes
    assert "`group` who" in notes


def test_wide_tables_are_summarised(tmp_path: Path) -> None:
    pixels = {f"pixel{i}": RNG.integers(0, 255, N) for i in range(400)}
    named = {f"{chr(97 + i % 26)}{'xyz'[i % 3]}_{i // 3}th": RNG.normal(size=N) for i in range(150)}
    result = described(tmp_path, {**pixels, **named}, {**pixels, **named})
    entries = by_name(result)
    run = entries["pixel0..pixel399"]
    assert (run["count"], run["template"], run["kind"]) == (400, "pixel{}", "integer")
    assert 0 <= run["min"] <= run["max"] < 255
    assert len(result["columns"]) == MAX_COLUMNS
    assert sum(entry.get("count", 1) for entry in result["columns"]) == 1 + 400 + 150
    assert len(json.dumps(result)) < 60_000


def test_duplicates_and_other_tables(tmp_path: Path) -> None:
    x = RNG.normal(size=N)
    x[100:104] = x[0]
    write_table(pd.DataFrame({"day": [1, 2], "rain": [0.0, 3.5]}), tmp_path / "weather.csv")
    result = described(tmp_path, {"x": x}, {"x": x})
    assert result["duplicates"] == 3  # 100 and 102 repeat row 0, label included; 103 repeats 101
    assert result["tables"] == [{"name": "weather.csv", "rows": 2, "columns": ["day", "rain"]}]


def test_lists_in_cells_are_text(tmp_path: Path) -> None:
    path = tmp_path / "train.parquet"
    y = np.arange(60) % 2
    write_table(
        pd.DataFrame({"id": range(60), "tags": [["a", "b"][: i % 3] for i in range(60)], "y": y}), path
    )
    write_table(pd.DataFrame({"id": range(9), "tags": [["a"]] * 9}), tmp_path / "test.parquet")
    write_table(pd.DataFrame({"id": range(9), "y": 0}), tmp_path / "sample.parquet")
    found = by_name(profile(load_task(tmp_path, metric="auc")))
    assert found["tags"]["kind"] == "category"
    assert found["tags"]["unique"] == 3


def test_files_are_found_by_what_a_table_calls_them(tmp_path: Path) -> None:
    for name in (
        "a.png",
        "t/b.PNG",
        "t/u/c.jpg",
        "t/u/v/deep.jpg",
        "t/x/e.png",
        "y/x/e.png",
        "f.txt",
        "t/a.png",
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    files = FileNames(tmp_path, task_files(tmp_path))
    meant = {
        "a": "a.png",
        "a.png": "a.png",
        "b": "t/b.PNG",
        "u/c": "t/u/c.jpg",
        "x/e": "t/x/e.png",
        "f.txt": "f.txt",
    }
    asked = [*meant, "deep", "f", "[b]", "", "n" * 5000, "../a"]
    found = {name: path.relative_to(tmp_path).as_posix() for name in asked if (path := files.find(name))}
    assert found == meant
    assert files.are_pictures(pd.Series(["a", "b", None]))
    assert not files.are_pictures(pd.Series(["a", "f.txt"]))
