"""Previews: every kind of file told from a sample, read in a sandbox, where what is hostile costs its own preview."""

import gzip
import io
import json
import struct
import wave
import zipfile
import zlib
from fnmatch import fnmatchcase
from pathlib import Path
from random import Random

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.state.profile import Preview
from gome.tools.data.task_files import task_files
from gome.tools.execution.environment.runtime import ensure_runtime
from gome.tools.execution.sandbox.probe import probe
from gome.tools.previews.kinds import FileKind, file_kinds
from gome.tools.previews.preview import CHARACTERS, Reply, previews, told_of
from tests.adapter_tasks import png
from tests.task_files import seven_zipped

PARTS = st.sampled_from(["a", "b", "train", "images", "x1", "x2", "x3", "y[1]", "z"])
NAMES = st.lists(PARTS, min_size=1, max_size=10).map("/".join)
FILES = st.builds(
    lambda place, end: f"{place}{end}", NAMES, st.sampled_from([".png", ".csv.gz", "", ".JSON"])
)


def looked_at(folder: Path, **limits: int) -> dict[str, Preview]:
    found = previews(folder, task_files(folder), probe(ensure_runtime().python), **limits)
    json.dumps(found, allow_nan=False)
    return {preview["files"]: preview for preview in found}


def write_wave(path: Path, seconds: float) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(2)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(int(8000 * seconds) * 4))


def nifti(shape: tuple[int, ...]) -> bytes:
    head = bytearray(352)
    struct.pack_into("<i", head, 0, 348)
    struct.pack_into("<8h", head, 40, len(shape), *shape, *[1] * (7 - len(shape)))
    struct.pack_into("<h", head, 70, 512)
    struct.pack_into("<8f", head, 76, 1, 0.5, 0.5, 2, 0, 0, 0, 0)
    return bytes(head) + bytes(2 * int(np.prod(shape)))


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Preview]:
    """One file or a few of each kind, and hostile ones, all looked at in one go."""
    folder = tmp_path_factory.mktemp("kinds")
    for name in ("pictures/cat", "pictures/dog", "sounds", "bombs"):
        (folder / name).mkdir(parents=True)
    for i in range(12):
        grey = png(np.full((5 + i, 7), 10 * i))
        (folder / f"pictures/{'cat' if i < 9 else 'dog'}/{i:02}.png").write_bytes(grey)
        write_wave(folder / f"sounds/{i:02}.wav", 0.5 + i / 10)
    (folder / "notes.txt").write_text("Each row\nis a bird.\n")
    boxes = [{"id": i, "box": [1.5, 2.0], "who": {"name": "x", "old": None}} for i in range(40)]
    (folder / "boxes.json").write_text(json.dumps({"info": True, "boxes": boxes}))
    long = [{"id": i, "text": "word " * 200} for i in range(9000)]
    (folder / "long.json").write_text(json.dumps({"rows": long}))
    (folder / "lines.jsonl").write_text('{"id": 1, "tags": ["a"]}\n{"id": 2, "tags": []}\n')
    np.save(folder / "cube.npy", np.arange(-3, 21, dtype=np.float32).reshape(2, 3, 4))
    np.savez(folder / "two.npz", left=np.arange(6), names=np.array(["a", None], dtype=object))
    (folder / "scan.nii.gz").write_bytes(gzip.compress(nifti((4, 5, 6))))
    (folder / "wide.csv").write_text(",".join(f"c{i}" for i in range(200_000)))
    (folder / "brain.dcm").write_bytes(bytes(128) + b"DICM")
    (folder / "store.h5").write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(40))
    pd.DataFrame({"t": [1, 2], "v": [0.5, 1.0]}).to_parquet(folder / "table.parquet")
    with zipfile.ZipFile(folder / "more.zip", "w") as archive:
        archive.writestr("in/1.png", png(np.zeros((3, 9))))
        archive.writestr("in/2.png", png(np.zeros((3, 9))))
        archive.writestr("own.zip", b"PK\x03\x04 and no more")
    seven_zipped(folder / "more.7z", {"in/1.png": png(np.zeros((3, 9))), "notes": b"hello"})
    write_bombs(folder / "bombs")
    return looked_at(folder)


def write_bombs(folder: Path) -> None:
    with zipfile.ZipFile(folder / "zeros.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("zeros.bin", bytes(40 << 20))
    (folder / "deep.json").write_text("[" * 200_000)
    grey = bytearray(png(np.zeros((2, 2))))
    grey[16:24] = struct.pack(">II", 90_000, 90_000)
    grey[29:33] = struct.pack(">I", zlib.crc32(grey[12:29]))
    (folder / "huge.png").write_bytes(grey)
    head = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        head, {"descr": "<f8", "fortran_order": False, "shape": (10**9, 900)}
    )
    (folder / "claims.npy").write_bytes(head.getvalue() + bytes(64))
    with gzip.open(folder / "line.csv.gz", "wb", 1) as file:
        file.write(b"x,y\n1," + b"a" * (20 << 20))


@pytest.mark.parametrize(
    ("files", "count", "kind", "facts"),
    [
        (
            "pictures/cat/*.png", 9, "picture",
            {"format": "PNG", "width": "7", "height": "5 to 12", "mode": "L", "highest value": "0 to 70"},
        ),
        ("sounds/*.wav", 12, "sound", {"Hz": "8,000", "seconds": "0.5 to 1.5", "channels": "2"}),
        ("notes.txt", 1, "text", {"words": "5", "lines": "2"}),
        ("lines.jsonl", 1, "JSON, a record a line", {"records": "2"}),
        ("cube.npy", 1, "array", {"shape": "2 x 3 x 4", "dtype": "float32", "lowest value": "-3", "highest value": "20"}),
        ("two.npz", 1, "arrays by name", {"left shape": "6", "left highest value": "5", "names dtype": "object"}),
        ("scan.nii.gz", 1, "NIfTI volume", {"shape": "4 x 5 x 6", "dtype": "uint16", "voxel": "0.5 x 0.5 x 2"}),
        ("store.h5", 1, "no text", {"looks like": "HDF5"}),
        ("table.parquet", 1, "Parquet table", {"rows": "2", "columns": "t (int64), v (double)"}),
        ("wide.csv", 1, "table", {"lines": "1"}),
        ("more.7z", 1, "archive", {"members": "2", "kinds": "1 .png, 1 no suffix"}),
        ("more.zip", 1, "archive", {"members": "3", "kinds": "2 .png, 1 .zip"}),
        ("bombs/zeros.zip", 1, "archive", {"members": "1", "MB unpacked": "41.94"}),
        ("bombs/claims.npy", 1, "array", {"shape": "1000000000 x 900", "highest value": "0"}),
        ("bombs/line.csv.gz", 1, "table", {"columns": "x, y"}),
        ("bombs/huge.png", 1, "picture", {"width": "90,000", "height": "90,000"}),
    ],
)  # fmt: skip
def test_a_kind_is_told(
    kinds: dict[str, Preview], files: str, count: int, kind: str, facts: dict[str, str]
) -> None:
    preview = kinds[files]
    assert (preview["count"], preview["kind"]) == (count, kind)
    assert preview["facts"].items() >= facts.items()
    assert "problem" not in preview


def test_examples_show_texts_forms_and_members(kinds: dict[str, Preview]) -> None:
    assert kinds["notes.txt"]["example"] == "Each row\\nis a bird.\\n"
    form = '[{"id": integer, "box": [number] x 2, "who": {"name": text, "old": null}}] x 40'
    assert kinds["boxes.json"]["example"] == f'{{"info": true/false, "boxes": {form}}}'
    assert kinds["long.json"]["example"].startswith('{"rows": [{"id": integer, "text": text}] x ')
    assert kinds["long.json"]["facts"] == {"looked at": "the beginning only"}
    for name in ("more.zip", "more.7z"):
        assert "in/1.png: picture, format PNG, width 9, height 3" in kinds[name]["example"]


def test_what_cannot_be_read_costs_its_own_preview(kinds: dict[str, Preview]) -> None:
    assert kinds["brain.dcm"]["problem"] == "not looked into: pydicom is not in this environment"
    assert kinds["bombs/deep.json"]["problem"] == "cannot be read: RecursionError"


def test_a_file_that_ends_its_reader_costs_no_other(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("before")
    (tmp_path / "z.txt").write_text("behind")
    (tmp_path / "bomb.json").write_text(f"[{'{},' * 1_390_000}0]")  # 25 times as large in memory
    found = looked_at(tmp_path, memory_mb=90)
    assert found["bomb.json"]["problem"] == "reading bomb.json was ended: it took more than 90 MB of memory"
    assert [found[name]["example"] for name in ("a.txt", "z.txt")] == ["before", "behind"]


@given(st.lists(FILES, unique=True, max_size=60))
def test_each_file_is_of_one_kind(names: list[str]) -> None:
    found = file_kinds(names)
    assert sorted(name for kind in found for name in kind.names) == sorted(names)
    for kind in found:
        sample = kind.sample(8)
        assert set(sample) <= set(kind.names)
        assert len(sample) == len(set(sample)) == min(8, len(kind.names))
        if len(kind.names) > 1:
            pattern = kind.pattern.replace("[", "[[]")
            assert all(fnmatchcase(name.lower(), pattern) for name in kind.names)


@given(st.lists(st.integers(-(10**6), 10**6), min_size=1, max_size=8), st.randoms())
def test_figures_of_several_files_are_a_range(figures: list[int], rng: Random) -> None:
    def facts(values: list[int]) -> str:
        told = [Reply(kind="k", facts={"n": value}, example="", problem="") for value in values]
        return told_of(FileKind("*.x", [str(i) for i in range(9)]), told)["facts"]["n"]

    ends = [int(end.replace(",", "")) for end in facts(figures).split(" to ")]
    assert (ends[0], ends[-1]) == (min(figures), max(figures))
    mixed = list(figures)
    rng.shuffle(mixed)
    assert facts(mixed) == facts(figures)


def test_previews_have_a_budget(tmp_path: Path) -> None:
    for i in range(40):
        (tmp_path / f"f{i}.x{i}").write_text(f"{i} {'words ' * 200}")
    found = looked_at(tmp_path)
    assert sum(preview["count"] for preview in found.values()) == 40
    assert len(json.dumps(list(found.values()))) < CHARACTERS + 40 * 100
    assert found["16 further kinds of files"] == {"files": "16 further kinds of files", "count": 16}
