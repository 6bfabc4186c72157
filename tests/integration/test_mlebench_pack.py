"""The agent pack of MLE-bench, in a replica of the benchmark's container: what is handed over, and when."""

import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from tests import mlebench
from tests.mlebench import Checker

pytestmark = pytest.mark.slow
SHORT = ("--model", "offline", "--traces", "1", "--steps", "2", "--finalists", "1", "--selection-seeds", "1")


def may_shut_in() -> bool:
    """Whether this machine lets us make another root folder."""
    if os.geteuid() != 0 or not (shutil.which("unshare") and shutil.which("setpriv")):
        return False
    return subprocess.run(["unshare", "--mount", "true"], capture_output=True).returncode == 0


@pytest.fixture
def home(cancer: Path) -> Iterator[Path]:
    """The benchmark's /home with a competition in its public layout: no task.yaml, a description that says the metric."""
    (cancer / "task.yaml").unlink()
    words = "# Wisconsin\n\n## Evaluation\n\nSubmissions are judged by the area under the ROC curve.\n"
    (cancer / "description.md").write_text(words)
    with tempfile.TemporaryDirectory() as folder:  # pytest's own folders are shut to other users
        Path(folder).chmod(0o755)
        mlebench.lay_out(Path(folder) / "home", cancer)
        yield Path(folder) / "home"


def constant(table: pd.DataFrame) -> bool:
    return bool(table["malignant"].nunique() == 1)


@pytest.mark.skipif(not may_shut_in(), reason="needs root, unshare and setpriv")
def test_as_a_user_without_privileges(home: Path) -> None:
    """The benchmark's own server; it refuses constants, so that nothing stands before a program."""
    with mlebench.serving(Checker(refuses=constant)) as checker:
        done = mlebench.start_shut_in(home, checker, *SHORT)
        assert done.returncode == 0, done.stdout + done.stderr
        asked = len(checker.asked)
        handed = pd.read_csv(home / "submission" / "submission.csv")
        assert constant(checker.asked[0])
        assert constant(checker.asked[1])
        assert handed.equals(checker.asked[-1])
        assert not constant(handed)
        run = home / "agent" / "run"
        assert (home / "code" / "main.py").read_text() == (run / "solution" / "main.py").read_text()
        kept = json.loads((home / "logs" / "run" / "run.json").read_text())
        assert kept["isolation"] in ("landlock", "plain")
        assert kept["task"]["metric"] == "auc"
        assert "Post a file to the checker" in kept["task"]["description"]
        assert (home / "logs" / "run" / "result.json").is_file()
        assert (home / "logs" / "run" / "report.html").is_file()
        said = (home / "logs" / "gome.log").read_text()
        assert f"programs are shut in by: {kept['isolation']}" in said
        assert "the sample submission: refused, so it does not stand: Submission invalid!" in said
        assert said.index("a constant prediction: refused") < said.index(
            "a program's: it stands: Submission is valid."
        )
        assert run.stat().st_uid == mlebench.NOBODY
        again = mlebench.start_shut_in(home, checker, *SHORT)
        assert f"gome resume {Path('/home/agent/run')}" in again.stdout
        assert again.returncode == 0
        assert len(checker.asked) == asked + 1, "the finished run's submission is looked at once more"


def test_what_the_checker_refuses_does_not_stand(home: Path) -> None:
    """The server that is told the competition by a header, which no model is told; obfuscated words."""
    (home / "data" / "description_obfuscated.md").write_text(
        "# A task\n\n## Evaluation\n\nSubmissions are judged by the area under the ROC curve.\n"
    )
    with mlebench.serving(Checker(refuses=lambda table: not constant(table), by_header=True)) as checker:
        done = mlebench.start(home, checker, *SHORT, OBFUSCATE="true")
    assert done.returncode == 0, done.stdout + done.stderr
    assert not constant(checker.asked[-1])
    assert constant(pd.read_csv(home / "submission" / "submission.csv"))
    assert not list((home / "code").iterdir())
    assert "a program's: refused, so it does not stand: Submission invalid!" in done.stdout
    run = home / "agent" / "run"
    assert "no luck" in (run / "advice.jsonl").read_text()
    kept = json.loads((run / "run.json").read_text())
    assert kept["task"]["name"] == "task"
    assert "in a trial" in kept["task"]["description"]
    shown = (run / "exchanges.jsonl").read_text()
    assert "wisconsin" not in f"{shown}{kept}".lower()
    assert not list((home / "agent" / "task").glob("description*"))


def test_a_refused_task_leaves_the_sample(home: Path) -> None:
    """Nothing says the metric, and no checker answers: the sample stands, unchecked, and it is said."""
    (home / "data" / "description.md").write_text("# Wisconsin\n")
    done = mlebench.start(home, Checker(refuses=constant, url="http://127.0.0.1:9/validate"), *SHORT)
    assert done.returncode == 2
    assert "give --metric" in done.stdout
    assert "the sample submission: it stands, unchecked: no answer from http://127.0.0.1:9" in done.stdout
    given, sample = (home / "submission" / "submission.csv"), home / "data" / "sample_submission.csv"
    assert given.read_text() == sample.read_text()
