"""Programs under real limits at each level of isolation; hostile ones are in test_adversary.py."""

import ast
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import psutil
import pytest

from gome.state.errors import GomeError
from gome.tools.execution.job import Executor, Job, Outcome
from gome.tools.execution.log_buffer import BETWEEN, HEAD, TAIL
from gome.tools.execution.program_log import parse_log
from tests.levels import EXECUTORS, GROUPS, LACKS, NO_GROUPS, PYTHON


@pytest.fixture(params=EXECUTORS)
def executor(request: pytest.FixtureRequest) -> Executor:
    if LACKS[request.param]:
        pytest.skip(f"{request.param} does not run here: {LACKS[request.param]}")
    return EXECUTORS[request.param](PYTHON)


def run(executor: Executor, folder: Path, program: str, **limits: float) -> Outcome:
    inputs = folder / "input"
    inputs.mkdir(parents=True, exist_ok=True)
    (inputs / "train.csv").write_text("a,b\n1,2\n")
    source = folder / "program.py"
    source.write_text(textwrap.dedent(program))
    settings = {"seed": 7, "wall_s": 20.0, "memory_mb": 400, "output_mb": 5.0, "threads": 1, **limits}
    job = Job(program=source, input_dir=inputs, work_dir=folder / "work", **settings)  # type: ignore[arg-type]
    return executor.run(job, stop=lambda: False)


def arguments(process: psutil.Process) -> list[str]:
    """What a process was started with, behind its name; [] once it has ended."""
    with contextlib.suppress(psutil.Error):
        return process.cmdline()[1:]
    return []


def test_a_program_reads_its_input_and_hands_over_a_submission(executor: Executor, tmp_path: Path) -> None:
    code = """
        import os
        text = open("input/train.csv").read()
        open("submission.csv", "w").write(text + os.environ["SEED"] + os.environ["OMP_NUM_THREADS"])
    """
    outcome = run(executor, tmp_path, code)
    assert (outcome.reason, outcome.exit_code, outcome.level) == ("ok", 0, executor.level)
    assert outcome.submission is not None
    assert outcome.submission.read_text() == "a,b\n1,2\n71"


def test_what_libraries_do_with_files_processes_and_sockets_works(executor: Executor, tmp_path: Path) -> None:
    """The filter of system calls denies nothing that programs are written with."""
    code = """
        import asyncio, multiprocessing, os, shutil, socket, sqlite3, tempfile
        from multiprocessing import shared_memory
        import numpy, pyarrow.parquet, sklearn.linear_model

        async def answer():
            there = await asyncio.create_subprocess_exec("true")
            return await there.wait()

        if __name__ == "__main__":
            shutil.copytree("input", "copy")
            shutil.copy2("main.py", "other.py")
            os.chmod("main.py", 0o600)
            os.utime("main.py")
            with multiprocessing.get_context("spawn").Pool(2) as pool:
                assert pool.map(abs, [-1, -2]) == [1, 2]
            held = shared_memory.SharedMemory(create=True, size=4096)
            held.close()
            held.unlink()
            assert asyncio.run(answer()) == 0
            sqlite3.connect("a.db").execute("create table a (b)")
            pyarrow.parquet.write_table(pyarrow.table({"a": [1]}), "a.parquet")
            numpy.save(tempfile.TemporaryFile(), numpy.ones(9))
            sklearn.linear_model.LogisticRegression().fit([[0], [1]], [0, 1])
            open("submission.csv", "w").write("done")
    """
    outcome = run(executor, tmp_path, code, wall_s=120, memory_mb=1500)
    assert outcome.submission is not None, outcome.log
    assert outcome.submission.read_text() == "done"


def test_a_traceback_is_in_the_log(executor: Executor, tmp_path: Path) -> None:
    outcome = run(executor, tmp_path, "print('begun')\nraise KeyError('price')\n")
    assert (outcome.reason, outcome.exit_code) == ("error", 1)
    assert "begun" in outcome.log
    assert "KeyError: 'price'" in outcome.log
    assert outcome.submission is None


def test_a_flood_of_output_is_stopped_and_the_log_stays_small(executor: Executor, tmp_path: Path) -> None:
    outcome = run(executor, tmp_path, "while True: print('x' * 1000)\n")
    assert outcome.reason == "output"
    assert len(outcome.log) < HEAD + BETWEEN + TAIL + 100
    assert not (tmp_path / "work.log").exists()


def test_a_huge_file_is_stopped(executor: Executor, tmp_path: Path) -> None:
    code = """
        with open("big", "wb") as file:
            while True:
                file.write(bytes(2**20))
    """
    assert run(executor, tmp_path, code).reason == "output"
    assert (tmp_path / "work" / "big").stat().st_size <= 400 * 2**20


def test_memory_that_workers_share_counts_once(executor: Executor, tmp_path: Path) -> None:
    code = """
        import os, time
        shared = bytearray(200 * 2**20)
        for _ in range(3):
            if os.fork() == 0:
                time.sleep(1)
                os._exit(0)
        time.sleep(1.2)
    """
    outcome = run(executor, tmp_path, code)
    assert outcome.reason == "ok"
    assert 200 < outcome.peak_mb < 400


def test_program_log_lines_survive_a_long_log(executor: Executor, tmp_path: Path) -> None:
    code = """
        for n in range(30_000):
            print("[LightGBM] [Warning] No further splits")
            if n == 15_000:
                print('GOME {"valid_score": 0.5}')
    """
    assert parse_log(run(executor, tmp_path, code).log) == {"valid_score": 0.5}


def test_a_work_folder_is_made_afresh_whatever_was_left_in_it(executor: Executor, tmp_path: Path) -> None:
    locked = "import os\nos.makedirs('a/b')\nopen('submission.csv', 'w').close()\nos.chmod('a', 0)\n"
    assert run(executor, tmp_path, locked).submission is not None
    outcome = run(executor, tmp_path, "import os\nprint(sorted(os.listdir('.')))\n")
    assert outcome.log == "['.tmp', 'input', 'main.py']\n"
    assert outcome.submission is None


def test_a_missing_program_or_input_is_told(executor: Executor, tmp_path: Path) -> None:
    job = Job(tmp_path / "p.py", tmp_path / "input", tmp_path / "work", 0, 60, 400, 5)
    with pytest.raises(GomeError, match="no such program"):
        executor.run(job, stop=lambda: False)
    job.program.touch()
    with pytest.raises(GomeError, match="no such input folder"):
        executor.run(job, stop=lambda: False)


def test_the_agents_environment_is_not_seen(
    executor: Executor, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    names = ("OPENAI_API_KEY", "AWS_SECRET_ACCESS_KEY", "HTTPS_PROXY", "PYTHONPATH", "GOME_ANYTHING")
    for name in names:
        monkeypatch.setenv(name, "sk-secret-of-the-agent")
    outcome = run(executor, tmp_path, "import os\nprint(sorted(os.environ))\nprint(os.environ)\n")
    assert "sk-secret" not in outcome.log
    seen = set(ast.literal_eval(outcome.log.splitlines()[0]))
    assert {"SEED", "HOME", "PYTHONHASHSEED", "MPLBACKEND"} <= seen
    assert not seen & set(names)


def test_stop_is_heeded(executor: Executor, tmp_path: Path) -> None:
    begun = time.monotonic()
    (tmp_path / "input").mkdir()
    (tmp_path / "p.py").write_text("import time\ntime.sleep(60)\n")
    job = Job(tmp_path / "p.py", tmp_path / "input", tmp_path / "work", 0, 60, 400, 5)
    assert executor.run(job, stop=lambda: time.monotonic() - begun > 0.5).reason == "stopped"


def groups_of(processes: list[psutil.Process]) -> list[Path]:
    """The control groups of programs that these processes are in."""
    pids = {str(p.pid) for p in processes}
    found = {GROUPS.memory, GROUPS.pids} if GROUPS else set()
    return [
        group
        for parent in found
        for group in parent.glob("gome-*")
        if pids & set((group / "cgroup.procs").read_text().split())
    ]


@pytest.mark.skipif(GROUPS is None, reason=f"who counts is the watchdog: {NO_GROUPS}")
def test_pages_of_files_that_were_read_are_no_memory_of_a_program(executor: Executor, tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    with (tmp_path / "input" / "large").open("wb") as file:
        for _ in range(300):
            file.write(bytes(2**20))
        file.flush()
        os.fsync(file.fileno())
        os.posix_fadvise(
            file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED
        )  # who reads it first is charged for its pages
    code = """
        for _ in range(2):
            with open("input/large", "rb") as file:
                while file.read(2**20): pass
    """
    outcome = run(executor, tmp_path, code, memory_mb=150)
    assert outcome.reason == "ok", outcome
    assert outcome.peak_mb < 100


def test_killing_the_agent_kills_the_program(executor: Executor, tmp_path: Path) -> None:
    (tmp_path / "input").mkdir()
    (tmp_path / "p.py").write_text(
        "import os, time\n"
        "if os.fork() == 0:\n"
        "    os.setsid()\n"
        "    if os.fork():\n"
        "        os._exit(0)\n"
        "    open('running', 'w').close()\n"
        "else:\n"
        "    os.wait()\n"
        "time.sleep(60)\n"
    )
    agent = f"""
from pathlib import Path
from gome.tools.execution.sandbox.{executor.level} import {type(executor).__name__}
from gome.tools.execution.job import Job
from gome.tools.execution.sandbox.control_group import find_groups
root = Path({str(tmp_path)!r})
job = Job(root / "p.py", root / "input", root / "work", 0, 60, 400, 5)
{type(executor).__name__}(Path({str(PYTHON)!r}), find_groups()[0]).run(job, stop=lambda: False)
"""
    process = subprocess.Popen([sys.executable, "-c", agent])
    while not (tmp_path / "work" / "running").exists():
        assert process.poll() is None
        time.sleep(0.05)
    children = psutil.Process(process.pid).children(recursive=True)
    assert [arguments(p) for p in children].count(["main.py"]) == 2  # the program and its daemon
    groups = groups_of(children)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, left = psutil.wait_procs(children, timeout=5)
    assert left == []
    assert bool(groups) == (GROUPS is not None)
    if GROUPS is not None:  # as the next agent does when it starts
        with GROUPS.make(64, 8) as alive:
            GROUPS.remove_stale()
            assert all(Path(entrance).exists() for entrance in alive.entrances)
        assert not [group for group in groups if group.exists()]
