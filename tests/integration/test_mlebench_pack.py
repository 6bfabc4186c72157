"""The agent pack of MLE-bench, in a replica of the benchmark's container: what is handed over, and when."""

import importlib
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest
import yaml

from gome.state.config import RunConfig
from tests import mlebench
from tests.mlebench import Checker
from tests.openai_server import Answer, Endpoint
from tests.quick import PROGRAM, quick_model

pytestmark = pytest.mark.slow
SHORT = ("--traces", "1", "--folds", "2", "--finalists", "1", "--selection-seeds", "1")


def may_shut_in() -> bool:
    """Whether this machine lets us make another root folder."""
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users may read, as pytest's are not."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def competition(task: Path, metric: str) -> Path:
    """A task folder in the public layout of a competition: no task.yaml, a description that says the metric."""
    (task / "task.yaml").unlink()
    words = f"## Evaluation\n\nSubmissions are judged by the {metric}.\n"
    (task / "description.md").write_text(f"# {mlebench.COMPETITION}\n\n{words}")
    (task / "description_obfuscated.md").write_text(f"# A task\n\n{words}")
    return task


def constant(table: pd.DataFrame) -> bool:
    return bool(table.iloc[:, 1].nunique() == 1)


@pytest.mark.skipif(not may_shut_in(), reason="needs root, unshare and setpriv")
def test_as_a_user_without_privileges(folder: Path, diabetes: Path) -> None:
    """Against the benchmark's own server, which here refuses constants, so that nothing stands before a program."""
    home = mlebench.lay_out(folder / "home", competition(diabetes, "root mean squared error"))
    with (
        Endpoint(quick_model().script) as model,
        mlebench.serving(Checker(refuses=constant)) as checker,
    ):
        words = (*SHORT, "--steps", "1", "--model", "openai:x", "--base-url", model.url)
        done = mlebench.start_shut_in(home, checker, *words, OPENAI_API_KEY="x")
        assert done.returncode == 0, done.stdout + done.stderr
        asked = len(checker.asked)
        again = mlebench.start_shut_in(home, checker, *words, OPENAI_API_KEY="x")
    assert [constant(table) for table in checker.asked[:3]] == [True, True, False]
    assert pd.read_csv(home / "submission" / "submission.csv").equals(checker.asked[-1])
    run = home / "agent" / "run"
    assert (home / "code" / "main.py").read_text() == (run / "solution" / "main.py").read_text()
    kept = json.loads((home / "logs" / "run" / "run.json").read_text())
    assert kept["isolation"] in ("landlock", "plain")
    assert kept["task"]["metric"] == "rmse"
    assert "Post a file to the checker" in kept["task"]["description"]
    assert {"report.html", "result.json", "history.jsonl"} <= {
        p.name for p in (home / "logs" / "run").iterdir()
    }
    said = (home / "logs" / "gome.log").read_text()
    assert f"programs are shut in by: {kept['isolation']}" in said
    assert "the sample submission: refused, so it does not stand: Submission invalid!" in said
    assert said.index("a constant prediction: refused") < said.index(
        "a program's: it stands: Submission is valid."
    )
    assert run.stat().st_uid == mlebench.NOBODY
    assert "mlebench: gome resume /home/agent/run" in again.stdout
    assert again.returncode == 0
    assert len(checker.asked) == asked + 1, "what stands is looked at once more, and nothing is trained"


def test_what_the_checker_refuses_does_not_stand(folder: Path, diabetes: Path) -> None:
    """Against the server that is told the competition by a header; no model is told it, and the words are obfuscated."""
    home = mlebench.lay_out(folder / "home", competition(diabetes, "root mean squared error"))
    programs: list[pd.DataFrame] = []

    def refuses(table: pd.DataFrame) -> bool:
        if not constant(table):
            programs.append(table)
        return bool(programs) and not table.equals(programs[0])

    with (
        Endpoint(quick_model().script) as model,
        mlebench.serving(Checker(refuses, by_header=True)) as checker,
    ):
        words = ("--model", "openai:x", "--base-url", model.url, "--steps", "2")
        done = mlebench.start(home, checker, *SHORT, *words, OBFUSCATE="true", OPENAI_API_KEY="x")
    assert done.returncode == 0, done.stdout + done.stderr
    assert [constant(table) for table in checker.asked[:3]] == [True, True, False]
    assert not programs[-1].equals(programs[0])
    assert pd.read_csv(home / "submission" / "submission.csv").equals(programs[0])
    assert PROGRAM in (home / "code" / "main.py").read_text()
    assert "a program's: refused, so it does not stand: Submission invalid!" in done.stdout
    run = home / "agent" / "run"
    assert PROGRAM not in (run / "solution" / "main.py").read_text()
    shown = " ".join(str(message.content) for _, messages in model.requests for message in messages)
    assert "Post a file to the checker of the trial" in shown
    assert mlebench.COMPETITION not in shown + (run / "run.json").read_text()
    assert not list((home / "agent" / "task").glob("description*"))


def test_a_refused_task_leaves_the_sample(folder: Path, cancer: Path) -> None:
    """Nothing says the metric, and no checker answers: the sample stands, unchecked, and it is said."""
    home = mlebench.lay_out(folder / "home", competition(cancer, "quality of the work"))
    done = mlebench.start(home, Checker(refuses=constant, url="http://127.0.0.1:9/validate"), *SHORT)
    assert done.returncode == 2
    assert "give --metric" in done.stdout
    assert "the sample submission: it stands, unchecked: no answer from http://127.0.0.1:9" in done.stdout
    given, sample = home / "submission" / "submission.csv", cancer / "sample_submission.csv"
    assert given.read_text() == sample.read_text()


def test_the_time_limit_holds_and_leaves_what_stands(folder: Path, diabetes: Path) -> None:
    """A model that hangs past the end: the run is stopped, and the constant stands."""
    home = mlebench.lay_out(folder / "home", competition(diabetes, "root mean squared error"))
    with (
        Endpoint(lambda messages: Answer("too late", hang_s=60)) as model,
        mlebench.serving(Checker(refuses=lambda table: False)) as checker,
    ):
        words = ("--model", "openai:x", "--base-url", model.url, "--time-limit-s", "3600")
        done = mlebench.start(home, checker, *SHORT, *words, OPENAI_API_KEY="x", TIME_LIMIT_SECS="5")
    assert "mlebench: the time is up" in done.stdout
    assert constant(pd.read_csv(home / "submission" / "submission.csv"))
    assert checker.asked[-1].equals(pd.read_csv(home / "submission" / "submission.csv"))


@pytest.mark.parametrize(
    ("status", "text", "valid"),
    [
        (200, '{"result": "Submission is valid."}', True),
        (200, '{"result": "Submission invalid! Columns differ"}', False),
        (200, '{"is_valid": false, "result": "Submission is valid."}', False),
        (200, '{"is_valid": true, "result": "fine"}', True),
        (200, '{"result": "The file is not valid: no column id"}', False),
        (200, '{"result": "received"}', None),
        (500, '{"error": "An unexpected error occurred.", "details": "not prepared"}', None),
        (502, "<html>", None),
        (200, "[1]", None),
    ],
)
def test_replies_of_checkers(
    status: int, text: str, valid: bool | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.syspath_prepend(str(mlebench.PACK))
    assert importlib.import_module("checker").read(status, text).valid is valid


def test_the_agents_fit_the_benchmarks_registry() -> None:
    """As the benchmark reads config.yaml: files that are there, arguments for gome run, 12 and 24 hours."""
    config = yaml.safe_load((mlebench.PACK / "config.yaml").read_text())
    agents = {name: agent for name, agent in config.items() if name.split("/")[0] == "gome"}
    for agent in agents.values():
        assert {agent["start"], agent["dockerfile"]} == {"gome/start.sh", "gome/Dockerfile"}
        assert all((mlebench.PACK.parent / agent[key]).is_file() for key in ("start", "dockerfile"))
        assert agent["kwargs_type"] == "argparse"
        assert {key.replace("-", "_") for key in agent["kwargs"]} <= set(RunConfig.model_fields)
    hours = {name: int(agent["env_vars"]["TIME_LIMIT_SECS"]) / 3600 for name, agent in agents.items()}
    assert {hours["gome"], hours["gome/24h"]} == {12, 24}
