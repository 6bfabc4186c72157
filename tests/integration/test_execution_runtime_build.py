"""The solutions' environment, really built, by two processes at once; and one of the user's own."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from gome.tools.execution.environment.runtime import ensure_runtime
from tests.real_tasks import write_diabetes


@pytest.mark.slow
def test_processes_side_by_side_build_it_once(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from gome.tools.execution.environment.runtime import ensure_runtime
runtime = ensure_runtime(cache=Path({str(tmp_path)!r}), progress=print)
print(len(runtime.packages), runtime.python)
"""
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    told = [process.communicate(timeout=600)[0].splitlines() for process in both]
    assert sorted(lines[0].split()[0] for lines in told) == ["building", "waiting"]
    assert told[0][-1] == told[1][-1]


def gome(*arguments: object) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gome", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


@pytest.mark.slow
def test_a_run_in_an_environment_of_the_users_own(tmp_path: Path) -> None:
    """An environment's folder, under a name that can go away."""
    own, out = tmp_path / "environment", tmp_path / "out"
    own.symlink_to(ensure_runtime().python.parents[1])
    task = write_diabetes(tmp_path / "diabetes")
    began = gome(
        *(
            "run",
            task,
            "--runtime",
            own,
            "--run-dir",
            out,
            "--traces",
            1,
            "--steps",
            1,
            "--folds",
            1,
            "--time-limit-s",
            200,
        )
    )
    assert began.returncode == 0, began.stderr
    run = json.loads((out / "run.json").read_text())
    assert run["config"]["runtime"] == str(own / "bin" / "python")
    assert run["packages"] == ensure_runtime().packages
    assert f"scikit-learn {run['packages']['scikit-learn']}" in (out / "exchanges.jsonl").read_text()
    own.unlink()
    gone = gome("doctor", "--runtime", run["config"]["runtime"])
    assert gone.returncode == 1
    assert "nor a requirements file, an interpreter" in gone.stdout
