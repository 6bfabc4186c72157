"""A whole run with the offline reasoner on real data, through the command line."""

import json
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from gome.tools.records.history import History

pytestmark = pytest.mark.slow
GOME = [sys.executable, "-m", "gome"]
SMALL = ("--traces", "2", "--steps", "2", "--sync-every", "1")
SMALL += ("--folds", "1", "--finalists", "2", "--selection-seeds", "1")


def gome(*arguments: str, cwd: Path, timeout: float = 400) -> subprocess.CompletedProcess[str]:
    return subprocess.run([*GOME, *arguments], cwd=cwd, capture_output=True, text=True, timeout=timeout)


def assert_no_labels_were_mounted(out: Path) -> None:
    tables = list((out / "inputs").rglob("test.csv"))
    assert tables
    for path in tables:
        assert "progression" not in path.read_text().splitlines()[0]
    assert not list((out / "inputs").rglob("*answers*"))


def test_a_run_improves_and_hands_over_a_checked_submission(diabetes: Path, tmp_path: Path) -> None:
    done = gome("run", str(diabetes), *SMALL, "--run-dir", "out", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    out = tmp_path / "out"
    result = json.loads((out / "result.json").read_text())
    assert result["submission_ok"]
    assert "not a language model" in result["reasoner"]
    sample = pd.read_csv(diabetes / "sample_submission.csv")
    submission = pd.read_csv(out / "solution" / "submission.csv")
    assert list(submission.columns) == list(sample.columns)
    assert set(submission["id"]) == set(sample["id"])
    records = History(out / "history.jsonl").records()
    assert sorted((r.trace, r.step) for r in records) == [(t, s) for t in range(2) for s in range(2)]
    assert all(r.evaluation and r.evaluation["score"] for r in records if r.verdict == "accepted")
    assert result["best"]["selection"]["value"] < 0.85 * result["naive"]["selection"]["value"]
    assert "submission.csv" in done.stdout
    assert (out / "report.html").stat().st_size > 10_000
    assert_no_labels_were_mounted(out)
    again = gome("resume", "out", cwd=tmp_path)
    assert again.returncode == 0
    assert History(out / "history.jsonl").records() == records
    assert_the_same_run_once_more(diabetes, out, tmp_path / "twin")


def assert_the_same_run_once_more(task: Path, first: Path, out: Path) -> None:
    """With synchronous epochs it makes the same steps."""
    done = gome("run", str(task), *SMALL, "--run-dir", str(out), cwd=out.parent)
    assert done.returncode == 0, done.stderr
    one, other = (
        [(r.id, r.code, r.verdict) for r in History(run / "history.jsonl").records()] for run in (first, out)
    )
    assert one == other
