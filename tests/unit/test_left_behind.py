"""What an adapter leaves in its working folder is a stranger's: no file of the user's is moved, linked or read."""

import gzip
import os
import zipfile
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import pytest

from gome.tools.adapters.adapter import read_answers, read_reply, read_units
from gome.tools.adapters.carved import Carved, Unfit
from gome.tools.data.input_files import InputLinks

SECRET = "id,y\nsecret,1\n"


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """The folder of a process that has ended, beside the public folder and a folder of the user's."""
    for name in ("work/carved", "public", "home"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / "public" / "a.txt").write_text("a")
    (tmp_path / "home" / "key").write_text(SECRET)
    return tmp_path / "work"


def taken(work: Path, seen: str) -> Carved:
    """What the harness takes over from the folder `carved`."""
    carved = Carved(work.with_name("fold"), pd.DataFrame())
    carved.take(
        work,
        seen,
        InputLinks(work.with_name("public"), work.with_name("copies")),
        most_table=1_000_000,
        most_archive=5_000_000,
    )
    return carved


def _instead(target: str) -> Callable[[Path], None]:
    def leave(work: Path) -> None:
        (work / "carved").rmdir()
        (work / "carved").symlink_to(target)

    return leave


def _bomb(name: str) -> Callable[[Path], None]:
    def leave(work: Path) -> None:
        content = b"0" * 3_000_000
        if name.endswith(".zip"):
            with zipfile.ZipFile(work / "carved" / name, "w", zipfile.ZIP_DEFLATED) as archive:
                archive.writestr("a.txt", content)
                archive.writestr("b.txt", content)
        else:
            (work / "carved" / name).write_bytes(gzip.compress(content))

    return leave


LEFT: dict[str, Callable[[Path], object]] = {
    "a link in place of its folder": _instead("../home"),
    "nothing in place of its folder": lambda work: (work / "carved").rmdir(),
    "a link to a private file": lambda work: (work / "carved" / "x").symlink_to("../../home/key"),
    "a link up from where it says that the public folder is": lambda work: (work / "carved" / "x").symlink_to(
        "../home/key"
    ),
    "a link whose target is no name": lambda work: (work / "carved" / "x").symlink_to("/" + "x" * 300),
    "a second name of a private file": lambda work: os.link(work.parent / "home" / "key", work / "carved" / "x"),
    "a pipe": lambda work: os.mkfifo(work / "carved" / "x"),
    "a name that is no UTF-8": lambda work: Path(os.fsdecode(bytes(work / "carved") + b"/\xff")).touch(),
    "a packed table without an end": _bomb("a.csv.gz"),
    "an archive without an end": _bomb("a.zip"),
    "a table without an end": lambda work: os.truncate(
        os.open(work / "carved" / "a.csv", os.O_CREAT | os.O_WRONLY), 3_000_000
    ),
    "a damaged archive": lambda work: (work / "carved" / "a.zip").write_bytes(b"PK\3\4"),
}  # fmt: skip


@pytest.mark.parametrize("seen", [".", "", "/", "..", "/solution/input"])
@pytest.mark.parametrize("left", LEFT)
def test_only_plain_files_and_links_to_public_ones_are_taken(left: str, seen: str, work: Path) -> None:
    LEFT[left](work)
    with pytest.raises(Unfit) as raised:
        taken(work, seen)
    assert "\n" not in str(raised.value)
    assert str(raised.value).isprintable()
    assert (work.parent / "home" / "key").read_text() == SECRET
    assert not [p for p in work.parent.glob("fold/**/*") if p.is_file() and p.read_text() == SECRET]


def test_own_files_and_links_to_public_ones_are_taken(work: Path) -> None:
    (work / "carved" / "b").mkdir()
    (work / "carved" / "b" / "own.csv").write_text("x\n1\n")
    (work / "carved" / "link.txt").symlink_to("/solution/input/a.txt")
    (work / "carved" / "all").symlink_to("/solution/input")
    assert taken(work, "/solution/input").names == ["all/a.txt", "b/own.csv", "link.txt"]
    assert (work.parent / "fold" / "all" / "a.txt").samefile(work.parent / "public" / "a.txt")


@pytest.mark.parametrize("read", [read_units, read_answers, lambda work: read_reply(work, "it")])
def test_answers_are_read_from_plain_files_only(read: Callable[[Path], object], work: Path) -> None:
    names = ("units.csv", "answers.csv", "reply.json")
    for leave in (
        lambda path: path.symlink_to("../home/key"),
        lambda path: os.link(work.parent / "home" / "key", path),
        os.mkfifo,
        lambda path: path.write_bytes(b"\xff\xfe,\n"),
        lambda path: path.write_bytes(b"[" * 9000),
        lambda path: os.truncate(os.open(path, os.O_CREAT | os.O_WRONLY), 1 << 42),
    ):
        for name in names:
            (work / name).unlink(missing_ok=True)
            leave(work / name)
        with pytest.raises(Unfit) as raised:
            read(work)
        assert "\n" not in str(raised.value)
        assert str(work) not in str(raised.value)
    work.rename(work.with_name("other"))
    work.symlink_to("other")
    with pytest.raises(Unfit):
        read(work)
