"""Graders that came with a task folder and mean ill: they run in a sandbox, and cost a grade at most."""

import os
import socket
from pathlib import Path

import pandas as pd
import pytest

from gome.state.errors import GomeError
from gome.tools.evaluation import metrics
from gome.tools.evaluation.grader_process import GraderFailed, GraderProcess
from gome.tools.evaluation.metric import GradingError
from tests.graded import make_task
from tests.levels import LACKS

WALLED = not LACKS["bubblewrap"] or not LACKS["userns"]
TABLE = pd.DataFrame({"id": [1, 2], "y": [0.5, 1.5]})


def graded(folder: Path, body: str) -> float:
    """The value of a grader whose body is this."""
    folder.mkdir(exist_ok=True)
    (folder / "grade.py").write_text(
        f"import os, socket, sys, time\n\ndef grade(submission, answers):\n    {body}\n"
    )
    task = make_task("grade.py:grade", "regression", root=str(folder), direction="maximize")
    return metrics.get("grade.py:grade", root=folder)(TABLE, TABLE, task)


def test_a_grader_reads_its_task_folder_and_writes_nothing_there(tmp_path: Path) -> None:
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "weight.txt").write_text("3")
    assert (
        graded(tmp_path / "task", "return float(open('input/weight.txt').read()) * answers['y'].sum()") == 6
    )
    if WALLED:
        with pytest.raises(GradingError, match=r"OSError: .*Read-only"):
            graded(tmp_path / "other", "return open('input/mine', 'w').write('x')")


@pytest.mark.skipif(not WALLED, reason="no sandbox here has walls for all of it")
def test_a_grader_sees_neither_the_users_files_nor_the_network_nor_a_key(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "key").write_text("secret")
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        for n, body in enumerate(
            (
                f"return len(open({str(tmp_path / 'key')!r}).read())",
                f"return socket.create_connection(('127.0.0.1', {port}), 2).fileno()",
                "return len(os.environ['OPENAI_API_KEY'])",
                f"return len(open('/proc/{os.getpid()}/environ').read())",
            )
        ):
            with pytest.raises(
                GradingError, match=r"^grade\.py:grade: (FileNotFound|ConnectionRefused|Key)Error"
            ):
                graded(tmp_path / f"task{n}", body)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("os._exit(3)", "it ended"),
        ("sys.exit('enough')", "it ended|SystemExit|enough"),
        ("raise ValueError('two\\nlines')", "ValueError: two$"),
        (
            "answers['y'][answers['y'] > 1] = 0; return 1",
            r"^grade.py:grade: line 4 of grade.py: chained assignment .* write",
        ),
        (
            "answers['y'].fillna(0, inplace=True); return 1",
            "line 4 of grade.py: chained assignment changes nothing",
        ),
        ("return 'much'", "could not convert"),
        ("os.write(0, b'{\"value\": ' + b'9' * 5000 + b'}\\n'); return 1", "can't be read"),
        ("os.write(0, b'[' * 9000 + b'\\n'); return 1", "can't be read"),
        ("os.write(0, b'x' * 3_000_000); return 1", "said too much|can't be read"),
        ("x = b'x' * 6_000_000_000; return 1", "MB of memory|MemoryError|it ended"),
        ("print('x' * 40_000_000, flush=True); time.sleep(20); return 1", "printed"),
    ],
)
def test_a_grader_that_misbehaves_costs_one_line(tmp_path: Path, body: str, said: str) -> None:
    with pytest.raises(GradingError, match=said) as caught:
        graded(tmp_path / "task", body)
    assert "\n" not in str(caught.value)


def test_after_one_that_takes_too_long_the_next_call_is_answered(tmp_path: Path) -> None:
    (tmp_path / "grade.py").write_text(
        "import time\n\ndef grade(submission, answers):\n"
        "    time.sleep(30 * (len(answers) > 2))\n    return len(answers)\n"
    )
    process = GraderProcess("input/grade.py", "grade", tmp_path, call_s=5)
    assert list(process.values(TABLE, TABLE)) == [2]
    longer = pd.concat([TABLE, TABLE])
    with pytest.raises(GraderFailed, match="longer than 5 s"):
        list(process.values(longer, longer))
    assert list(process.values(TABLE, TABLE)) == [2]


def test_a_file_outside_of_the_task_folder_is_refused(tmp_path: Path) -> None:
    (tmp_path / "outside.py").write_text(
        f"open({str(tmp_path / 'ran')!r}, 'w')\n\ndef f(s, a):\n    return 1\n"
    )
    (tmp_path / "task").mkdir()
    (tmp_path / "task" / "link.py").symlink_to(tmp_path / "outside.py")
    for name in ("../outside.py:f", str(tmp_path / "outside.py") + ":f", "link.py:f", "link:f"):
        with pytest.raises(GomeError, match="outside of the task's folder"):
            metrics.get(name, root=tmp_path / "task")
    assert not (tmp_path / "ran").exists()
