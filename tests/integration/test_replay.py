"""A run played again from its recorded exchanges: no model, same programs."""

import json
from pathlib import Path

import pytest

from gome import driver
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from tests.real_tasks import write_breast_cancer


def play(task: Path, run_dir: Path, model: str) -> Path:
    config = RunConfig(run_dir=str(run_dir), model=model, traces=1, steps=2, finalists=1, selection_seeds=1)
    return driver.drive(driver.prepare(str(task), config), lambda event: None)


def test_a_run_played_again_makes_the_same_steps(tmp_path: Path) -> None:
    task = write_breast_cancer(tmp_path / "cancer")
    first = play(task, tmp_path / "first", "offline")
    again = play(task, tmp_path / "again", f"replay:{first}")
    steps = [[json.loads(line) for line in (run / "history.jsonl").open()] for run in (first, again)]
    assert [r["code"] for r in steps[0]] == [r["code"] for r in steps[1]]
    assert [r["evaluation"]["score"] for r in steps[0]] == [r["evaluation"]["score"] for r in steps[1]]
    assert len((first / "exchanges.jsonl").read_text()) == len((again / "exchanges.jsonl").read_text())


def test_what_is_no_recording_is_refused(tmp_path: Path) -> None:
    task = write_breast_cancer(tmp_path / "cancer")
    with pytest.raises(GomeError, match="holds no recorded exchanges"):
        play(task, tmp_path / "run", f"replay:{task}")
