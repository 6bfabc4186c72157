"""Runs programs in forks of a warm interpreter: a second of imports is saved on each of some ten thousand short runs.

For this benchmark alone. The programs are the offline reasoner's own, so they run without walls; the time limit holds.
"""

import hashlib
import json
import os
import queue
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from gome.state.config import Isolation
from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.limits import Reason
from gome.tools.execution.sandbox.process_tree import MB
from gome.tools.execution.submission_copy import SUBMISSION
from gome.tools.execution.workspace import environment, make_work_dir, take_submission

SERVER = Path(__file__).with_name("warm_server.py")


class WarmExecutor:
    """An Executor over `workers` warm processes of the solutions' environment, one program at a time in each.

    A program that ended well on the same rows with the same seed is not run again: what it wrote is handed over again.
    """

    def __init__(self, python: Path, workers: int) -> None:
        self._python = python.absolute()
        self._idle: queue.Queue[subprocess.Popen[str] | None] = queue.Queue()
        self._written: dict[str, tuple[Outcome, bytes]] = {}
        for _ in range(workers):
            self._idle.put(None)

    @property
    def level(self) -> Isolation:
        """'plain': no walls."""
        return "plain"

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """See Executor.run; `stop` is asked once, before the start."""
        if stop():
            return Outcome("stopped", 137, 0.0, 0.0, "", None, self.level)
        make_work_dir(job)
        work_dir = job.work_dir.resolve()
        (work_dir / "input").symlink_to(job.input_dir.resolve(), target_is_directory=True)
        key = _digest(job)
        if known := self._written.get(key):
            outcome, submission_bytes = known
            (work_dir / SUBMISSION).write_bytes(submission_bytes)
            return replace(outcome, submission=take_submission(job.work_dir, int(job.output_mb * MB)))
        env = environment(job, home=str(work_dir), python=self._python)
        server = self._idle.get() or self._started(env)
        begun = time.monotonic()
        reply = self._asked(server, {"work_dir": str(work_dir), "env": env, "wall_s": job.wall_s})
        self._idle.put(server if server.poll() is None else None)
        log = (work_dir / "program.log").read_text(errors="replace")
        reason: Reason = "timeout" if reply["timeout"] else "ok" if reply["exit_code"] == 0 else "error"
        seconds = time.monotonic() - begun
        submission = take_submission(job.work_dir, int(job.output_mb * MB))
        outcome = Outcome(reason, reply["exit_code"], seconds, reply["peak_mb"], log, submission, self.level)
        if reason == "ok" and submission:
            self._written[key] = outcome, submission.read_bytes()
        return outcome

    def _started(self, env: dict[str, str]) -> "subprocess.Popen[str]":
        return subprocess.Popen(
            [str(self._python), str(SERVER)],
            env={**env, "OMP_NUM_THREADS": "1"},
            cwd="/",
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def _asked(self, server: "subprocess.Popen[str]", request: dict[str, Any]) -> dict[str, Any]:
        assert server.stdin is not None
        assert server.stdout is not None
        server.stdin.write(json.dumps(request) + os.linesep)
        server.stdin.flush()
        return dict(json.loads(server.stdout.readline()))


def _digest(job: Job) -> str:
    """Program, seed and all input files."""
    files = [job.program, *sorted(p for p in job.input_dir.rglob("*") if p.is_file())]
    content = hashlib.sha256(str(job.seed).encode())
    for path in files:
        content.update(path.read_bytes())
    return content.hexdigest()
