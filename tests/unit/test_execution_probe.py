"""Which executor is chosen, with and without a bwrap that works."""

import os
import shutil
from pathlib import Path

import pytest

from gome.state.errors import GomeError
from gome.tools.execution.sandbox.probe import choose_executor, probe
from tests.levels import LACKS, PYTHON

BELOW = "plain" if LACKS["landlock"] else "landlock"


def only_bwrap(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str | None) -> None:
    """A PATH on which `bwrap` is this script, or nothing."""
    monkeypatch.setenv("PATH", str(folder))
    if script is not None:
        (folder / "bwrap").write_text(f"#!/bin/sh\n{script}\n")
        (folder / "bwrap").chmod(0o755)


def test_without_bwrap_it_is_the_next_level_or_an_error(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_bwrap(tmp_path, monkeypatch, None)
    assert probe(PYTHON).level == BELOW
    assert choose_executor("plain", PYTHON).level == BELOW
    with pytest.raises(GomeError, match=r"bwrap is not installed.*apt install bubblewrap") as error:
        choose_executor("bubblewrap", PYTHON)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("script", "why"),
    [
        ("echo 'bwrap: No permissions to create new namespace' >&2; exit 1", "No permissions to create new"),
        ("exit 0", "ended with ok"),
    ],
)
def test_a_bwrap_that_does_not_work_is_found_out(
    script: str, why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_bwrap(tmp_path, monkeypatch, script)
    assert probe(PYTHON).level == BELOW
    with pytest.raises(GomeError, match=why):
        choose_executor("bubblewrap", PYTHON)


@pytest.mark.skipif(bool(LACKS["userns"]), reason=f"user namespaces do not work here: {LACKS['userns']}")
def test_without_bwrap_namespaces_are_next(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.symlink(str(shutil.which("unshare")), tmp_path / "unshare")
    only_bwrap(tmp_path, monkeypatch, None)
    assert choose_executor("userns", PYTHON).level == "userns"
    with pytest.raises(GomeError, match=r"only 'userns' works here: bwrap is not installed"):
        choose_executor("bubblewrap", PYTHON)


def test_namespaces_that_are_forbidden_are_found_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_bwrap(tmp_path, monkeypatch, None)
    (tmp_path / "unshare").write_text(
        "#!/bin/sh\necho 'unshare: unshare failed: Operation not permitted' >&2; exit 1\n"
    )
    (tmp_path / "unshare").chmod(0o755)
    with pytest.raises(
        GomeError, match=r"; userns: unshare failed: Operation not permitted\. Install"
    ) as error:
        choose_executor("userns", PYTHON)
    assert "\n" not in str(error.value)
