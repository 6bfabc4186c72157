"""The solutions' environment, really built, by two processes at once."""

import subprocess
import sys
from pathlib import Path

import pytest


@pytest.mark.slow
def test_processes_side_by_side_build_it_once(tmp_path: Path) -> None:
    code = f"""
from pathlib import Path
from gome.tools.execution.runtime import ensure_runtime
runtime = ensure_runtime(Path({str(tmp_path)!r}), print)
print(len(runtime.packages), runtime.python)
"""
    both = [
        subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    told = [process.communicate(timeout=600)[0].splitlines() for process in both]
    assert sorted(lines[0].split()[0] for lines in told) == ["building", "waiting"]
    assert told[0][-1] == told[1][-1]
