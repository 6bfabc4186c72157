"""A run that version 0.1.0 began and that was killed: this version tells of it, reports on it, and finishes it."""

import json
import secrets
import shutil
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from gome.tools.records.history import History

ARCHIVE = Path(__file__).parents[1] / "run_folders" / "0.1.0.tar.xz"
BORN_AT = "/tmp/gome-run-0123456789"
"""Where the run was made; its files, the database of checkpoints among them, name that folder."""


@pytest.fixture
def run_dir() -> Iterator[Path]:
    """The run in a folder of its own, whose name is as long as the first one's: SQLite keeps the lengths of texts."""
    place = Path(f"/tmp/gome-run-{secrets.token_hex(5)}")
    assert len(str(place)) == len(BORN_AT)
    try:
        with tarfile.open(ARCHIVE) as archive:
            archive.extractall(place, filter="data")
        for path in place.rglob("*"):
            if path.is_file() and BORN_AT.encode() in (held := path.read_bytes()):
                path.write_bytes(held.replace(BORN_AT.encode(), str(place).encode()))
        shorten(place / "run" / "run.json")
        yield place / "run"
    finally:
        shutil.rmtree(place, ignore_errors=True)


def shorten(run_file: Path) -> None:
    """Three steps of each trace, not four, and a short end: what is left takes a third of the time."""
    run = json.loads(run_file.read_text())
    run["config"] |= {"steps": 3, "finalists": 1, "selection_seeds": 1}
    run_file.write_text(json.dumps(run))


def gome(*words: str) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "gome", *words], capture_output=True, text=True, timeout=400, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.slow
def test_a_run_of_the_version_before_opens_and_goes_on(run_dir: Path) -> None:
    before = [json.loads(line) for line in (run_dir / "history.jsonl").open()]
    assert "4 steps" in gome("status", str(run_dir))
    gome("report", str(run_dir))
    assert f'id="step-{before[0]["trace"]}-{before[0]["step"]}"' in (run_dir / "report.html").read_text()
    gome("resume", str(run_dir))
    records = {r.id: r for r in History(run_dir / "history.jsonl").records()}
    assert len(records) == 6
    for row in before:
        assert (records[row["id"]].verdict, records[row["id"]].code) == (row["verdict"], row["code"])
        assert records[row["id"]].kind == row["move"]
    exchanges = [json.loads(line)["key"] for line in (run_dir / "exchanges.jsonl").open()]
    assert len(exchanges) == len(set(exchanges))
    assert json.loads((run_dir / "result.json").read_text())["submission_ok"]
