"""Starting a command under the supervisor and watching its limits: wall time, resident memory, size of its output."""

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import psutil

from gome.tools.execution.job import SUBMISSION, Job, Outcome, Reason

POLL_S = 0.1
LOG_HEAD, LOG_TAIL = 24_000, 40_000
SUPERVISOR = Path(__file__).with_name("supervisor.py")


def prepare(job: Job) -> None:
    """A fresh working directory with the program in it."""
    shutil.rmtree(job.work_dir, ignore_errors=True)
    job.work_dir.mkdir(parents=True)
    shutil.copyfile(job.program, job.work_dir / "main.py")


def stripped_environment(job: Job, home: str, path: str) -> dict[str, str]:
    """All that a solution may see of the environment: nothing of the agent's own."""
    threads = str(job.threads)
    names = (
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "MKL_NUM_THREADS",
        "NUMEXPR_NUM_THREADS",
        "LOKY_MAX_CPU_COUNT",
    )
    return {
        "PATH": path,
        "HOME": home,
        "TMPDIR": "/tmp",
        "LANG": "C.UTF-8",
        "SEED": str(job.seed),
        "PYTHONHASHSEED": str(job.seed % 2**32),
        "PYTHONUNBUFFERED": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "MPLBACKEND": "Agg",
        **dict.fromkeys(names, threads),
    }


def watch(
    command: Sequence[str],
    job: Job,
    *,
    environment: dict[str, str],
    cwd: Path,
    stop: Callable[[], bool],
    level: str,
) -> Outcome:
    """Run `command` under the supervisor until it ends or meets a limit; its whole tree is gone on return."""
    log = job.work_dir.with_name(f"{job.work_dir.name}.log")
    limit = str(int(job.output_mb * 2**20))
    begun, peak = time.monotonic(), 0.0
    with log.open("wb") as output:
        supervisor = subprocess.Popen(
            [sys.executable, "-I", "-S", str(SUPERVISOR), limit, *command],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            env=environment,
            cwd=cwd,
            start_new_session=True,
        )
        try:
            reason: Reason | None = None
            while reason is None:
                try:
                    supervisor.wait(POLL_S)
                    break
                except subprocess.TimeoutExpired:
                    peak = max(peak, tree_memory_mb(supervisor.pid))
                    reason = _limit_met(job, time.monotonic() - begun, peak, log, stop)
        finally:
            assert supervisor.stdin is not None
            supervisor.stdin.close()  # the supervisor ends its tree, then itself
            code = supervisor.wait()
    seconds = time.monotonic() - begun
    text = _head_and_tail(log)
    if reason is None and _size(log) >= job.output_mb * 2**20:
        reason = "output"
    log.unlink(missing_ok=True)
    return Outcome(
        reason=reason or ("ok" if code == 0 else "error"),
        exit_code=code,
        seconds=seconds,
        peak_mb=peak,
        log=text,
        submission=_plain_file(job.work_dir / SUBMISSION),
        level=level,
    )


def _limit_met(
    job: Job, seconds: float, memory_mb: float, log: Path, stop: Callable[[], bool]
) -> Reason | None:
    if stop():
        return "stopped"
    if seconds > job.wall_s:
        return "timeout"
    if memory_mb > job.memory_mb:
        return "memory"
    return "output" if _size(log) >= job.output_mb * 2**20 else None


def tree_memory_mb(pid: int) -> float:
    """Resident memory of all processes below `pid`, pages shared between forked workers counted once."""
    own, shared = 0, 0
    try:
        for process in psutil.Process(pid).children(recursive=True):
            try:
                memory = process.memory_info()
            except psutil.Error:
                continue
            own += memory.rss - memory.shared
            shared = max(shared, memory.shared)
    except psutil.Error:
        pass
    return (own + shared) / 2**20


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0


def _head_and_tail(log: Path) -> str:
    size = _size(log)
    with log.open("rb") as file:
        if size <= LOG_HEAD + LOG_TAIL:
            return file.read().decode("utf-8", "replace")
        head = file.read(LOG_HEAD)
        file.seek(size - LOG_TAIL)
        cut = f"\n... {size - LOG_HEAD - LOG_TAIL} bytes left out ...\n".encode()
        return (head + cut + file.read()).decode("utf-8", "replace")


def _plain_file(path: Path) -> Path | None:
    """The path if a regular file is there; a link could point at what the program must not hand out."""
    return path if path.is_file() and not path.is_symlink() and os.stat(path).st_nlink == 1 else None
