"""What is read out of a crashed program's output, on output of real crashes."""

import subprocess
import sys
from pathlib import Path

import pytest

from gome.tools.execution.crash import cause, relevant_tail


def crash(tmp_path: Path, program: str) -> str:
    main = tmp_path / "main.py"
    main.write_text(program)
    return subprocess.run([sys.executable, main], capture_output=True, text=True).stderr


def test_library_frames_are_folded_and_own_lines_kept(tmp_path: Path) -> None:
    log = crash(tmp_path, "import pandas as pd\ndef load():\n    return pd.read_csv('absent.csv')\nload()\n")
    tail = relevant_tail('GOME {"stage": "read", "seconds": 1}\n' + log)
    assert "GOME" not in tail
    assert "return pd.read_csv('absent.csv')" in tail
    assert "frames in pandas ..." in tail
    assert tail.count("site-packages") == 1
    assert cause(log) == "FileNotFoundError: [Errno 2] No such file or directory: 'absent.csv'"


def test_a_message_of_several_lines_keeps_its_type(tmp_path: Path) -> None:
    assert cause(crash(tmp_path, "raise ValueError('bad types:\\nRemote: object')\n")) == (
        "ValueError: bad types: Remote: object"
    )


def test_a_chain_keeps_the_first_cause(tmp_path: Path) -> None:
    program = "try:\n    {}['price']\nexcept KeyError as e:\n    raise RuntimeError('no features') from e\n"
    log = crash(tmp_path, program)
    assert cause(log) == "RuntimeError: no features"
    assert "KeyError: 'price'" in relevant_tail(log)


@pytest.mark.parametrize(
    ("log", "said"), [("", "no output"), ("\n\n", "no output"), ("reading\nKilled\n", "Killed")]
)
def test_output_without_a_traceback(log: str, said: str) -> None:
    assert cause(log) == said


def test_a_long_output_is_cut_at_its_start(tmp_path: Path) -> None:
    log = crash(tmp_path, "raise ValueError('x' * 10_000)\n")
    assert len(relevant_tail(log)) == 4000
    assert len(cause(log)) == 300
