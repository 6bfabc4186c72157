"""Programs run in microVMs of the E2B service: the walls are the service's, the limits are kept within (guard)."""

import contextlib
import hashlib
import json
import math
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from typing import cast, get_args

from gome.state.config import Isolation
from gome.state.plain import JsonObject
from gome.tools.execution.e2b import guard
from gome.tools.execution.e2b.box import ROOT, Box, SandboxLost
from gome.tools.execution.e2b.pool import Pool
from gome.tools.execution.file_transfer import Hasher, Manifest, packed
from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.limits import Reason
from gome.tools.execution.log_buffer import LogBuffer
from gome.tools.execution.submission_copy import SUBMISSION
from gome.tools.execution.workspace import environment, make_work_dir

MARGIN_S = 120  # for sending, laying out and fetching, beside the program's own time
GRACE_S = 30  # that the guard gets to end a program before the sandbox is ended with it
_POLL_S = 0.1
_KILLED = 128 + 9
_MAX_OUTPUT = 2 * guard.LIVE  # more than the guard passes on
_MAX_RESULT = 65_536
_CODE = (
    "e2b/guard.py",
    "limits.py",
    "log_buffer.py",
    "sandbox/file_usage.py",
    "sandbox/process_tree.py",
    "sandbox/seccomp.py",
    "sandbox/supervisor.py",
    "sandbox/watchdog.py",
    "submission_copy.py",
)
_TRIES = 2


_START = (
    f"cd {ROOT} && tar -x --no-same-owner -f archive.tar && rm archive.tar && "
    f"PYTHONPATH={ROOT}/code exec python3 -B -m {guard.__name__} {ROOT}"
)
_WAIT = (
    f"cd {ROOT} && until [ -e result.json ]; do "
    "kill -0 $(cat guard.pid) 2>/dev/null || [ -e result.json ] || exit 1; sleep 0.2; done"
)


class E2BExecutor:
    """Runs programs in sandboxes of a pool; safe to share between threads.

    A sandbox that is lost in the middle of a run is not the program's doing, mostly: the run is tried once more in a
    fresh one. Lost again, the outcome is an error that says so. A run that is stopped is paused with its sandbox, and
    one whose agent was killed goes on there: a later process that asks for the same job fetches what became of it.
    """

    def __init__(self, pool: Pool) -> None:
        self._pool, self._hasher = pool, Hasher()

    @property
    def level(self) -> Isolation:
        """'e2b'."""
        return "e2b"

    def close(self) -> None:
        """End all sandboxes of the run."""
        self._pool.close()

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """See Executor.run. Also raises GomeError if the service gives no sandbox. There are no GPUs."""
        make_work_dir(job)
        files = self._hasher.manifest(job.input_dir)
        room = self._pool.service.lifetime_s - MARGIN_S
        job = replace(job, gpus=(), wall_s=min(job.wall_s, room))
        key = job_key(job, files)
        for _ in range(_TRIES):
            if stop():
                return _ended("stopped", "")
            box = self._pool.take(key, files, job.wall_s + MARGIN_S)
            attempt = _Attempt(box, job, key, self._pool.service.interpreter)
            outcome = None
            try:
                outcome = attempt.run(files, stop, partial(self._pool.begun, box, key))
            finally:
                if outcome is not None and outcome.reason == "stopped":
                    self._pool.leave(box)
                elif outcome is None or attempt.spoilt or box.at_work:
                    self._pool.drop(box)
                else:
                    self._pool.give_back(box)
            if outcome is not None:
                return outcome
        return _ended("error", f"{attempt.log.text()}\n[gome] the sandbox was lost twice: {attempt.lost}\n")


def job_key(job: Job, files: Manifest) -> str:
    """What tells a job from all others of its run: program, input and seed."""
    parts = [job.program.read_text(), job.seed, sorted(files.items())]
    return hashlib.sha256(json.dumps(parts).encode()).hexdigest()[:32]


class _Attempt:
    """One program run in one sandbox. `spoilt`: the sandbox must not be used again; `lost`: why it is gone."""

    def __init__(self, box: Box, job: Job, key: str, python: str) -> None:
        self.box, self.job, self._key, self._python = box, job, key, python
        self.log, self.spoilt, self.lost = LogBuffer(), True, ""

    def run(self, files: Manifest, stop: Callable[[], bool], begun: Callable[[], None]) -> Outcome | None:
        """Send, run and fetch; None if the sandbox is lost. A job that is in the sandbox already is waited for."""
        try:
            if not self.box.at_work:
                self._send(files)
                begun()
            if reason := self._watch(_WAIT if self.box.at_work else _START, stop):
                return _ended(reason, self.log.text())
            result = _read_result(self.box.download("result.json", _MAX_RESULT), self._key)
            if self.box.at_work:
                self.log.feed(self.box.download("log.txt", _MAX_OUTPUT))
            if result["submission"]:
                limit = int(self.job.output_mb * 2**20)
                (self.job.work_dir / SUBMISSION).write_bytes(self.box.download(SUBMISSION, limit))
        except SandboxLost as error:
            self.lost = str(error)
            return None
        self.spoilt = False
        return self._outcome(result)

    def _send(self, files: Manifest) -> None:
        """Send the program, the job and those input files that are new to the sandbox, in one tar file."""
        job, new = self.job, files.items() - self.box.seen.items()
        spec = {
            "key": self._key,
            "python": self._python,
            "env": environment(job, home="~", python=Path(self._python)),
            "limits": asdict(job.limits),
        }
        entries: list[tuple[str, Path | bytes]] = [("job.json", json.dumps(spec).encode())]
        entries.append(("main.py", job.work_dir / "main.py"))
        entries += [(f"input/{name}", job.input_dir / name) for name, _ in sorted(new)]
        if not self.box.seen:
            here = Path(__file__).parents[1]
            entries += [(f"code/gome/tools/execution/{name}", here / name) for name in _CODE]
        self.box.seen = files
        with packed(entries) as archive:
            self.box.upload("archive.tar", archive)

    def _watch(self, command: str, stop: Callable[[], bool]) -> Reason | None:
        """Wait for the guard to end; else why it can't be waited for. Raises SandboxLost."""
        seconds = self.job.wall_s + GRACE_S
        failures: list[BaseException] = []

        def follow() -> None:
            try:
                code = self.box.execute(command, seconds, lambda text: self.log.feed(text.encode()))
                if code:
                    raise SandboxLost(f"its guard ended with exit code {code}")
            except BaseException as error:
                failures.append(error)

        follower = threading.Thread(target=follow, daemon=True, name="e2b")
        deadline = time.monotonic() + seconds + GRACE_S
        follower.start()
        while follower.is_alive():
            follower.join(_POLL_S)
            if stop():
                return "stopped"
            if self.log.size > _MAX_OUTPUT:
                return "output"
            if time.monotonic() > deadline:
                return "timeout"
        if failures:
            raise failures[0]
        return None

    def _outcome(self, result: JsonObject) -> Outcome:
        job, reason = self.job, cast(Reason, result["reason"])
        limits = {
            "timeout": f"it took longer than {job.wall_s:g} s",
            "memory": f"it took more than {job.memory_mb} MB of memory or {job.tasks} tasks, or the sandbox had no more",
            "output": f"it printed and wrote more than {job.output_mb:g} MB or {job.files} files",
        }
        limit = limits.get(reason, "")
        if limit:
            self.log.feed(f"\n[gome] ended: {limit}\n".encode())
        path = job.work_dir / SUBMISSION
        return Outcome(
            reason=reason,
            exit_code=int(result["exit_code"]),
            seconds=result["seconds"],
            peak_mb=result["peak_mb"],
            log=self.log.text(),
            submission=path if path.is_file() else None,
            level="e2b",
            limit=limit,
        )


def _ended(reason: Reason, text: str) -> Outcome:
    return Outcome(reason, _KILLED, 0.0, 0.0, text, None, "e2b")


def _read_result(data: bytes, key: str) -> JsonObject:
    """What the guard wrote on this job, checked: it comes from where a hostile program ran. Else SandboxLost."""
    with contextlib.suppress(ValueError, TypeError, KeyError, RecursionError):
        result = dict(json.loads(data))
        numbers = [float(result[name]) for name in ("exit_code", "seconds", "peak_mb")]
        sound = all(math.isfinite(number) for number in numbers) and result["submission"] in (True, False)
        if sound and result["key"] == key and result["reason"] in get_args(Reason):
            return result
    raise SandboxLost("its report on the program can't be read")
