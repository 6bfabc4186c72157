"""Input folders on another machine: the same there, and each file's content sent once."""

import tarfile
import tempfile
import threading
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from gome.tools.execution.ray.input_folders import Packer, lay_in

CONTENT = st.sampled_from([b"", b"a\n1\n", b"b" * 1000, b"\x00\xff"])
NAME = st.sampled_from(["train.csv", "test.csv", "images/1.png", "images/deep/2.png"])
FOLDERS = st.lists(st.dictionaries(NAME, CONTENT), min_size=1, max_size=4)


def write(folder: Path, files: dict[str, bytes]) -> Path:
    folder.mkdir()
    for name, content in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(content)
    return folder


def read(folder: Path) -> dict[str, bytes]:
    paths = [path for path in folder.rglob("*") if path.is_file()]
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in paths}


@settings(max_examples=25, deadline=None)
@given(FOLDERS)
def test_folders_arrive_as_they_are_and_contents_travel_once(folders: list[dict[str, bytes]]) -> None:
    kept: list[bytes] = []
    fetched: list[int] = []

    def keep(chunk: bytes) -> int:
        kept.append(chunk)
        return len(kept) - 1

    def fetch(ref: int) -> bytes:
        fetched.append(ref)
        return kept[ref]

    with tempfile.TemporaryDirectory() as scratch:
        root, packer = Path(scratch), Packer(keep)
        for index, files in enumerate(folders):
            inputs = packer.pack(write(root / str(index), files))
            placed = lay_in(root / "there", inputs, fetch)
            assert read(placed) == files
            assert lay_in(root / "there", inputs, fetch) == placed
        assert len(fetched) == len(set(fetched)) == len(kept)
        distinct = {content for files in folders for content in files.values()}
        assert len(list((root / "there" / "files").glob("*"))) == len(distinct)


def test_of_several_that_need_a_folder_one_lays_it_out(tmp_path: Path) -> None:
    folder = write(tmp_path / "input", {"train.csv": b"x" * 10_000})
    packed, fetched, found = Packer(lambda chunk: chunk).pack(folder), list[int](), list[Path]()

    def fetch(chunk: bytes) -> bytes:
        fetched.append(len(chunk))
        return chunk

    threads = [
        threading.Thread(target=lambda: found.append(lay_in(tmp_path / "there", packed, fetch)))
        for _ in range(6)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(20)
    assert len(found) == 6
    assert len(set(found)) == len(fetched) == 1


def test_placing_goes_on_where_it_was_cut_off(tmp_path: Path) -> None:
    packed = Packer(lambda chunk: chunk).pack(write(tmp_path / "input", {"a": b"1", "b/c": b"2"}))

    def broken(chunk: bytes) -> bytes:
        raise ConnectionError

    for fetch in (broken, lambda chunk: chunk[:100]):
        try:
            lay_in(tmp_path / "there", packed, fetch)
        except (ConnectionError, tarfile.TarError):
            pass
        else:
            raise AssertionError("half a file was taken for a whole one")
    assert read(lay_in(tmp_path / "there", packed, lambda chunk: chunk)) == {"a": b"1", "b/c": b"2"}
