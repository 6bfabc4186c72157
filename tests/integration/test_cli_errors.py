"""Bad input at the command line: one line on standard error, exit code 2, nothing begun, no traceback."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from gome.cli.main import main
from gome.driver import prepare
from gome.state.config import RunConfig
from tests.real_tasks import write_breast_cancer


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_breast_cancer(tmp_path_factory.mktemp("tasks") / "cancer")


def refused(*arguments: str, cwd: Path, says: str) -> None:
    """By a process of its own, as a library that is loaded may say something too."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("OPENAI_")}
    command = [sys.executable, "-m", "gome", *arguments]
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60, env=environment)
    check_line(done.returncode, done.stderr, says)


def check_line(code: int, errors: str, says: str) -> None:
    assert code == 2, errors
    assert says in errors
    assert "Traceback" not in errors
    assert errors.startswith("gome: ")
    assert errors.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "says"),
    [
        (["--metric", "rocc_auc"], "nearest: auc"),
        (["--target", "malignantt"], "nearest: malignant"),
        (["--traces", "0"], "--traces"),
        (["--traces", "two"], "--traces"),
        (["--model", "gpt-5"], "openai:NAME"),
        (["--model", "openai:gpt-5"], "OPENAI_API_KEY"),
        (["--model", "gooogle:gemini"], "Supported model providers"),
        (["--role-model", "judge=offline"], "surveyor=MODEL"),
        (["--base-url", "http://user:key@localhost/v1"], "the whole URL into OPENAI_BASE_URL"),
        (["--base-url", "http://localhost/v1?api_key=abc"], "OPENAI_API_KEY"),
        (["--time-limit-s", "-1"], "--time-limit-s"),
        (["--min-isolation", "prayer"], "--min-isolation"),
        (["--review", "all"], "--review"),
    ],
)
def test_bad_options(
    good: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    options: list[str],
    says: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("OPENAI_")]:
        monkeypatch.delenv(name)
    try:
        code = main(["run", str(good), *options])
    except SystemExit as end:
        code = int(end.code or 0)
    check_line(code, capsys.readouterr().err, says)
    assert not (tmp_path / "runs").exists()


def test_advice_needs_a_run(good: Path, tmp_path: Path) -> None:
    refused("advise", str(good), "fewer columns", cwd=tmp_path, says="no run folder")


def test_bad_tasks(good: Path, tmp_path: Path) -> None:
    refused("run", "nowhere", cwd=tmp_path, says="no such file or folder")
    spoiled = Path(shutil.copytree(good, tmp_path / "spoiled"))
    (spoiled / "test.csv").write_text("")
    refused("run", str(spoiled), cwd=tmp_path, says="empty")
    (spoiled / "train.csv").write_bytes(b"id,malignant\n1,\xff\n")
    refused("run", str(spoiled), cwd=tmp_path, says="UTF-8")
    (spoiled / "train.csv").unlink()
    refused("run", str(spoiled), cwd=tmp_path, says="train")
    assert not (tmp_path / "runs").exists()


@pytest.mark.parametrize("command", ["resume", "status", "report"])
def test_what_is_no_run(tmp_path: Path, command: str) -> None:
    refused(command, "nowhere", cwd=tmp_path, says="no run folder")


def test_a_run_folder_is_not_overwritten(good: Path, tmp_path: Path) -> None:
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "thesis.txt").write_text("years of work")
    refused("run", str(good), "--run-dir", "out", cwd=tmp_path, says="not empty")
    assert (tmp_path / "out" / "thesis.txt").read_text() == "years of work"


def test_a_run_folder_that_was_moved_is_not_resumed_from_there(good: Path, tmp_path: Path) -> None:
    before, now = tmp_path / "before", tmp_path / "now"
    prepare(str(good), RunConfig(run_dir=str(before)))
    before.rename(now)
    refused("resume", "now", cwd=tmp_path, says=f"ln -s {now} {before}")
    assert not before.exists()


def test_a_disk_without_room_is_told_and_nothing_half_made_is_left(good: Path, tmp_path: Path) -> None:
    command = f"ulimit -f 1; exec {sys.executable} -m gome run {good} --run-dir out"  # files of 1 kB at most
    done = subprocess.run(["bash", "-c", command], cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 2
    assert "make room, then run it again" in done.stderr
    assert done.stderr.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_a_reader_that_has_ended_is_no_fault(good: Path) -> None:
    command = f"{sys.executable} -m gome inspect {good} | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", command], capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (141, "")
