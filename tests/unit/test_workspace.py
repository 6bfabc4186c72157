"""What is taken over from a program's working folder."""

import os
from pathlib import Path

import pytest

from gome.tools.execution.workspace import take_model


def spoil(model: Path, how: str) -> None:
    """Put beside the plain files what must not be copied."""
    if how == "link":
        (model / "deep" / "more").symlink_to("/etc/passwd")
    elif how == "folder link":
        (model / "more").symlink_to("/etc", target_is_directory=True)
    elif how == "second name":
        os.link(model / "deep" / "a", model / "more")
    elif how == "pipe":
        os.mkfifo(model / "more")
    elif how == "size":
        (model / "more").write_bytes(b"x" * 5000)


@pytest.mark.parametrize("how", ["", "link", "folder link", "second name", "pipe", "size"])
def test_a_model_is_taken_as_plain_files_or_not_at_all(how: str, tmp_path: Path) -> None:
    work, target = tmp_path / "work", tmp_path / "kept" / "model"
    (work / "model" / "deep").mkdir(parents=True)
    (work / "model" / "deep" / "a").write_bytes(b"weights")
    target.parent.mkdir()
    spoil(work / "model", how)
    assert bool(take_model(work, target, 4000)) == bool(how)
    assert target.exists() != bool(how)
    if not how:
        assert (target / "deep" / "a").read_bytes() == b"weights"


def test_a_link_in_place_of_the_model_is_none(tmp_path: Path) -> None:
    (tmp_path / "model").symlink_to("/etc", target_is_directory=True)
    assert take_model(tmp_path, tmp_path / "kept", 10**9) == "no folder model/ was written"
