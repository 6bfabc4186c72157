"""Whatever ends a run early, the constant prediction stands, and the exit code and the words say so."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pandas as pd
import pytest

from tests.openai_server import Answer, Endpoint
from tests.scripted import player

pytestmark = pytest.mark.slow


def gome(*words: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENAI_")} | {
        "OPENAI_API_KEY": "x"
    }
    command = [sys.executable, "-m", "gome", *words]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120, env=environment)


def is_constant(task: Path, run_dir: Path) -> bool:
    """Whether the submission is whole, in the sample's form, and the same for every row."""
    given = pd.read_csv(run_dir / "solution" / "submission.csv")
    sample = pd.read_csv(task / "sample_submission.csv")
    assert list(given.columns) == list(sample.columns)
    assert given["id"].tolist() == sample["id"].tolist()
    return bool(given["malignant"].nunique() == 1)


def test_a_model_that_is_dead_soon(cancer: Path, tmp_path: Path) -> None:
    with Endpoint(lambda messages: Answer(drop=True)) as server:
        model = ("--model", "openai:x", "--base-url", server.url)
        done = gome("run", str(cancer), "--run-dir", "out", *model, "--time-limit-s", "6", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "no program was accepted" in done.stdout
    assert "the model did not answer (" in done.stdout.split("no program was accepted")[1]
    assert "is a constant prediction" in done.stdout
    assert is_constant(cancer, tmp_path / "out")
    result = json.loads((tmp_path / "out" / "result.json").read_text())
    assert (result["best"], result["submission_ok"], result["handed_over"]) == (None, True, "naive")


def test_a_refusal_by_the_endpoint(cancer: Path, tmp_path: Path) -> None:
    with Endpoint(lambda messages: Answer("Incorrect API key provided", status=401)) as server:
        done = gome(
            "run",
            str(cancer),
            *("--run-dir", "out", "--model", "openai:x"),
            "--base-url",
            server.url,
            cwd=tmp_path,
        )
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert "Incorrect API key provided" in line
    assert f"gome resume {tmp_path / 'out'}" in line
    assert f"{tmp_path / 'out' / 'solution' / 'submission.csv'} is a constant prediction" in line
    assert is_constant(cancer, tmp_path / "out")


def test_a_model_that_was_never_there(cancer: Path, tmp_path: Path) -> None:
    with Endpoint(player(lambda facts: "").script) as server:
        gone = server.url
    done = gome(
        "run", str(cancer), "--run-dir", "out", "--model", "openai:x", "--base-url", gone, cwd=tmp_path
    )
    assert done.returncode == 2
    line = done.stderr.splitlines()[-1]
    assert "nothing answers at" in line
    assert f"gome resume {tmp_path / 'out'}" in line
    assert f"{tmp_path / 'out' / 'solution' / 'submission.csv'} is a constant prediction" in line
    assert is_constant(cancer, tmp_path / "out")


def test_a_budget_that_is_too_short(cancer: Path, tmp_path: Path) -> None:
    done = gome("run", str(cancer), "--run-dir", "out", "--time-limit-s", "0.2", cwd=tmp_path)
    assert done.returncode == 1, done.stderr
    assert "the 0.2 s are used up" in done.stdout
    assert "is a constant prediction" in done.stdout
    assert is_constant(cancer, tmp_path / "out")


def test_no_accepted_program_is_told_with_the_last_steps_reason(cancer: Path, tmp_path: Path) -> None:
    """In result.json, and in the summary that a person reads."""
    broken = "```python\nimport sys\n\nprint('hello')\nsys.exit('no luck')\n```\n"
    with Endpoint(player(lambda facts: broken).script) as server:
        done = gome(
            "run",
            str(cancer),
            *("--run-dir", "out", "--model", "openai:x", "--base-url", server.url),
            *("--traces", "1", "--steps", "1", "--debug-rounds", "0"),
            cwd=tmp_path,
        )
    assert done.returncode == 1, done.stderr
    said = next(
        line
        for line in json.loads((tmp_path / "out" / "result.json").read_text())["problems"]
        if line.startswith("no program was accepted")
    )
    assert "; the last step failed: the program failed on the smoke split" in said
    assert "no luck" in said
    assert said in " ".join(done.stdout.split())
