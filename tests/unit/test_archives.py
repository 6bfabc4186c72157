"""Archives of all kinds alike: what is put in comes out, and what is damaged is told and stops nothing."""

import zlib
from pathlib import Path

import py7zr
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.tools.data import archives
from gome.tools.data.seven_zip import member_sizes
from tests.task_files import seven_zipped, tarred, zipped

FILES = {"a/b.txt": b"hello", "table.csv": b"id,y\n1,2\n" * 400}
PACKED = {"x.zip": zipped, "x.tar.gz": tarred, "x.7z": seven_zipped}


def read(path: Path) -> dict[str, bytes]:
    return {name: file.read() for name, file in archives.members(path, archives.member_names(path))}


@pytest.mark.parametrize("name", PACKED)
def test_each_kind_is_read_as_others_wrote_it_and_written_for_others(tmp_path: Path, name: str) -> None:
    PACKED[name](tmp_path / name, FILES)
    assert read(tmp_path / name) == FILES
    assert archives.declared_size(tmp_path / name, 10**9) == sum(map(len, FILES.values()))
    copy = tmp_path / f"copy-{name}"
    with archives.ArchiveWriter(copy) as writer:
        for member, content in FILES.items():
            writer.add(member, content)
    assert read(copy) == FILES


@settings(max_examples=60)
@given(at=st.integers(0, 10_000), byte=st.integers(1, 255), cut=st.integers(0, 10_000))
def test_a_damaged_7z_is_told_or_read_as_far_as_it_declares(
    tmp_path_factory: pytest.TempPathFactory, at: int, byte: int, cut: int
) -> None:
    path = tmp_path_factory.mktemp("damaged") / "x.7z"
    seven_zipped(path, FILES)
    packed = bytearray(path.read_bytes())
    packed[at % len(packed)] ^= byte
    path.write_bytes(packed[: len(packed) - cut % 40])
    try:
        sizes, found = member_sizes(path), read(path)
    except archives.BROKEN:
        return
    assert all(len(content) <= sizes[name] for name, content in found.items())


def test_locked_ones_and_names_that_lead_out_of_the_archive(tmp_path: Path) -> None:
    with py7zr.SevenZipFile(tmp_path / "locked.7z", "w", password="secret") as archive:
        archive.writestr(b"hello", "a.txt")
    with py7zr.SevenZipFile(tmp_path / "out.7z", "w") as archive:
        archive.set_encoded_header_mode(False)
        archive.writestr(b"hello", "aa/out.txt")
    (tmp_path / "out.7z").write_bytes(renamed((tmp_path / "out.7z").read_bytes(), "aa/out.txt", "../out.txt"))
    for name in ("locked.7z", "out.7z"):
        with pytest.raises(archives.BROKEN):
            read(tmp_path / name)


def renamed(packed: bytes, old: str, new: str) -> bytes:
    """A 7z archive with another name in its plain header, whose checksums are right (7zFormat.txt of 7-Zip)."""
    header = packed[32 + int.from_bytes(packed[12:20], "little") :].replace(
        old.encode("utf-16-le"), new.encode("utf-16-le")
    )
    start = packed[12:28] + zlib.crc32(header).to_bytes(4, "little")
    return packed[:8] + zlib.crc32(start).to_bytes(4, "little") + start + packed[32 : -len(header)] + header
