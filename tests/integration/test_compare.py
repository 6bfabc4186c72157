"""Runs compared: paired where they graded the same rows, and told why not where they did not."""

import json
from pathlib import Path

import pytest

from gome.cli.main import main
from tests.quick import PROGRAM
from tests.solutions import graded

pytestmark = pytest.mark.slow


def files_of(run: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for path in run.rglob("*")}


def test_the_same_rows_are_paired_and_others_are_not(
    diabetes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    better = PROGRAM.replace("[:1]", "[:2]")
    one = graded(diabetes, tmp_path / "one", PROGRAM, folds=2)
    two = graded(diabetes, tmp_path / "two", better, folds=2)
    other = graded(diabetes, tmp_path / "other", better, seed=1, folds=2)
    before = files_of(tmp_path)
    capsys.readouterr()
    assert main(["compare", str(one), str(two), str(other), "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert files_of(tmp_path) == before
    against = found["against_the_first"]
    scores = [run["best"] for run in found["runs"]]
    assert [pair["part"] for pair in against[0]["paired"]] == ["search", "selection"]
    for pair in against[0]["paired"]:
        assert pair["before"] == pytest.approx(scores[0][pair["part"]]["value"])
        assert pair["after"] == pytest.approx(scores[1][pair["part"]]["value"])
        comparison = pair["comparison"]
        assert comparison["gain"] == pytest.approx(pair["before"] - pair["after"])  # rmse: smaller is better
        assert comparison["low"] < comparison["gain"] < comparison["high"]
    assert against[1]["paired"] == []
    assert against[1]["unpaired"]["search"] == "other rows were graded: seed 0 and 1"
    assert main(["compare", str(one), str(one)]) == 0
    assert "no better and no worse" in capsys.readouterr().out
    assert main(["compare", str(one)]) == 2
