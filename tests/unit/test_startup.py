"""Looking at a run, and asking for help, loads no library that only running needs."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
from sample_run import write_run

HEAVY = {
    "sklearn",
    "torch",
    "ray",
    "langgraph",
    "langchain",
    "langchain_core",
    "langsmith",
    "pandas",
    "pyarrow",
}
CALL = """\
import json, sys
from gome.cli.main import main
try:
    code = main(sys.argv[1:])
except SystemExit as end:
    code = end.code
print(json.dumps({"code": code, "loaded": sorted({name.partition(".")[0] for name in sys.modules})}))
"""


@pytest.fixture(scope="module")
def run_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_run(tmp_path_factory.mktemp("runs") / "churn", finished=False)


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["--version"], 0),
        (["--help"], 0),
        (["run", "--help"], 0),
        (["inspect", "--help"], 0),
        (["grade", "--help"], 0),
        (["resume", "--help"], 0),
        (["status", "RUN"], 0),
        (["logs", "RUN"], 0),
        (["explain", "RUN"], 0),
        (["config"], 0),
        (["stop", "RUN"], 2),  # nobody runs it
        (["advise", "RUN", "fewer columns"], 0),
        (["run", "task", "--traces", "none"], 2),
    ],
)
def test_what_is_loaded(run_dir: Path, command: list[str], code: int) -> None:
    words = [str(run_dir) if word == "RUN" else word for word in command]
    done = subprocess.run([sys.executable, "-c", CALL, *words], capture_output=True, text=True, timeout=60)
    said = json.loads(done.stdout.splitlines()[-1])
    assert said["code"] == code, done.stderr
    assert not HEAVY & set(said["loaded"])


def test_every_command_is_there(run_dir: Path) -> None:
    """Each command of the list has its options and its function: its own help can be asked for."""
    listed = subprocess.run(
        [sys.executable, "-m", "gome", "--help"], capture_output=True, text=True, check=True
    )
    names = [
        line.split()[0] for line in listed.stdout.splitlines() if line.startswith("    ") and line[4] != " "
    ]
    assert {
        "run",
        "resume",
        "status",
        "report",
        "inspect",
        "advise",
        "logs",
        "grade",
        "stop",
        "doctor",
    } <= set(names)
    for name in names:
        shown = subprocess.run([sys.executable, "-m", "gome", name, "--help"], capture_output=True, text=True)
        assert shown.returncode == 0, shown.stderr
        assert f"gome {name}" in shown.stdout
