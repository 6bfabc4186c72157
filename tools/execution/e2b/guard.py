"""Watches one program from within an E2B sandbox and writes down how it ended.

Uploaded into the sandbox, with six other modules, and started there as `python -m gome.tools.execution.e2b.guard ROOT`:
the standard library only. It finds ROOT/job.json (see e2b.py), ROOT/main.py and ROOT/input, and leaves ROOT/log.txt,
ROOT/result.json = {"key", "reason", "exit_code", "seconds", "peak_mb", "submission"} and, where the program wrote a
plain file, a copy of its submission. Started by root it hands the program to the account "user" for good (no sudo), so
that the program can change neither the input nor this script. It goes on when nobody listens any more.
"""

import contextlib
import json
import os
import pwd
import resource
import selectors
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

from gome.tools.execution.log_buffer import LogBuffer
from gome.tools.execution.sandbox import supervisor
from gome.tools.execution.sandbox.file_usage import Files, files_of
from gome.tools.execution.sandbox.process_tree import MB, count_tasks, descendants, tree_memory_mb
from gome.tools.execution.sandbox.seccomp import filter_program
from gome.tools.execution.submission_copy import SUBMISSION, copy_submission

ACCOUNT = "user"
LIVE = 2**20  # bytes of output that are passed on as they come; of the rest, what a LogBuffer keeps
_POLL_S = 0.1
_FILES_POLL_S = 0.5
_END_S = 10.0
_KILLED = 128 + 9


class _Output:
    """Passes on what the program prints, within bounds."""

    def __init__(self) -> None:
        self.size, self._late, self.whole = 0, LogBuffer(), LogBuffer()

    def take(self, data: bytes) -> None:
        """Pass on or keep what came next."""
        room = max(0, LIVE - self.size)
        self.size += len(data)
        self.whole.feed(data)
        _write(data[:room])
        if len(data) > room:
            self._late.feed(data[room:])

    def finish(self) -> None:
        """Pass on what was kept."""
        _write(self._late.text().encode())


def _write(data: bytes) -> None:
    with contextlib.suppress(OSError):  # nobody listens any more: the program goes on
        while data:
            data = data[os.write(1, data) :]


class _Watch:
    """One running program: its output, its peak memory, and the limit that it passed, if any."""

    def __init__(self, command: list[str], work: Path, env: dict[str, str], limits: dict[str, float]) -> None:
        self.limits, self.work, self.output, self.peak_mb = limits, work, _Output(), 0.0
        self._files, self._started = Files(), time.monotonic()
        self._look_at = self._started
        size = int(max(limits["output_mb"], limits["memory_mb"]) * MB)
        denied = filter_program(metadata=True).hex()
        script = [sys.executable, "-I", "-S", supervisor.__file__, str(os.getpid()), str(size), denied]
        self.process = subprocess.Popen(
            [*script, *command],
            cwd=work,
            env=env,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        assert self.process.stdout is not None
        self._pipe = self.process.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._pipe, selectors.EVENT_READ)

    def run(self) -> dict[str, Any]:
        """Watch to the end; the result, without the submission."""
        reason = None
        while reason is None and self.process.poll() is None:
            self._read(_POLL_S)
            reason = self._overrun()
        self._end()
        code = self.process.returncode
        if reason is None:
            reason = "memory" if code == _KILLED else "error" if code else "ok"
        self._files = files_of(self.work, [], int(self.limits["files"]))
        if reason == "ok" and self._has_written_too_much():
            reason = "output"
        seconds = time.monotonic() - self._started
        # A program can end before it is looked at once: the kernel's figure, of its largest process, is the least.
        largest_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
        return {
            "reason": reason,
            "exit_code": code,
            "seconds": seconds,
            "peak_mb": max(self.peak_mb, largest_mb),
        }

    def _overrun(self) -> str | None:
        """The kind of limit that is passed now, if any. Keeps the peak memory."""
        limits, pids = self.limits, descendants(self.process.pid)
        if time.monotonic() >= self._look_at:
            self._look_at = time.monotonic() + _FILES_POLL_S
            self._files = files_of(self.work, pids, int(limits["files"]))
        memory = tree_memory_mb(pids, limits["memory_mb"], (self._files.memory + self._files.buffers) / MB)
        self.peak_mb = max(self.peak_mb, memory)
        if memory > limits["memory_mb"] or count_tasks(pids) > limits["tasks"]:
            return "memory"
        if time.monotonic() - self._started > limits["wall_s"]:
            return "timeout"
        return "output" if self._has_written_too_much() else None

    def _has_written_too_much(self) -> bool:
        files, limits = self._files, self.limits
        written_mb = (files.disk + self.output.size) / MB
        return written_mb > limits["output_mb"] or files.count > limits["files"] or bool(files.unseen)

    def _read(self, wait_s: float) -> None:
        if not self._selector.get_map():
            time.sleep(wait_s)
        elif self._selector.select(wait_s):
            data = self._pipe.read(MB)
            if data:
                self.output.take(data)
            elif data == b"":
                self._selector.unregister(self._pipe)

    def _end(self) -> None:
        """The supervisor ends the tree below it. What is in the pipe is read once: more would be a flood."""
        left = descendants(self.process.pid)
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(_END_S)
        if self.process.poll() is None:
            for pid in [self.process.pid, *left]:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
            self.process.wait()
        self._read(0)
        self.output.finish()


def _account() -> str | None:
    """The account that the program is handed to; None where this process is not root or there is no such account."""
    with contextlib.suppress(KeyError):
        if os.geteuid() == 0:
            return pwd.getpwnam(ACCOUNT).pw_name
    return None


def _lay_out(root: Path, account: str | None) -> Path:
    """The working folder, made afresh: the program, a scratch folder, and a link to the input."""
    work = root / "work"
    subprocess.run(["rm", "-rf", "--", work])  # at any depth, and a link as such
    (root / "input").mkdir(exist_ok=True)
    (work / ".tmp").mkdir(parents=True)
    shutil.copyfile(root / "main.py", work / "main.py")
    (work / "input").symlink_to(root / "input")
    if account:
        for path in (work, work / ".tmp"):
            shutil.chown(path, account)
    return work


def main(root: Path) -> None:
    """Run the job that lies in `root`."""
    (root / "result.json").unlink(missing_ok=True)
    (root / "guard.pid").write_text(str(os.getpid()))
    job = json.loads((root / "job.json").read_text())
    account = _account()
    work = _lay_out(root, account)

    def expanded(text: str) -> str:
        return str(work) + text[1:] if text.startswith("~") else text

    env = {name: expanded(value) for name, value in job["env"].items()}
    command = [expanded(job["python"]), "main.py"]
    if account:
        drop = ["setpriv", f"--reuid={account}", f"--regid={account}", "--clear-groups", "--no-new-privs"]
        command = [*drop, *command]
    watch = _Watch(command, work, env, job["limits"])
    result = {"key": job["key"], **watch.run()}
    (root / "log.txt").write_text(watch.output.whole.text())
    limit = int(job["limits"]["output_mb"] * MB)
    result["submission"] = copy_submission(work, root / SUBMISSION, limit)
    draft = root / "result.json.draft"
    draft.write_text(json.dumps(result))
    draft.replace(root / "result.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
