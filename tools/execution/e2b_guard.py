"""Watches one program from within an E2B sandbox and writes down how it ended.

Uploaded into the sandbox, with `handover`, `log` and `supervisor`, and started there as `python -m
gome.tools.execution.e2b_guard ROOT`: the standard library only. It finds ROOT/job.json (see e2b.py), ROOT/main.py and
ROOT/input, and leaves ROOT/result.json = {"reason", "exit_code", "seconds", "peak_mb", "submission"} and, where the
program wrote a plain file, a copy of its submission. Started by root it hands the program to the account "user" for
good (no sudo), so that the program can change neither the input nor this script.
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

from gome.tools.execution import supervisor
from gome.tools.execution.handover import SUBMISSION, copy_submission
from gome.tools.execution.log import LogBuffer

ACCOUNT = "user"
LIVE = 2**20  # bytes of output that are passed on as they come; of the rest, what a LogBuffer keeps
_MB = 2**20
_POLL_S = 0.1
_DISK_POLL_S = 1.0
_END_S = 10.0
_KILLED = 128 + 9
_PAGE = os.sysconf("SC_PAGE_SIZE")


class _Output:
    """Passes on what the program prints, within bounds."""

    def __init__(self) -> None:
        self.size, self._late = 0, LogBuffer()

    def take(self, data: bytes) -> None:
        """Pass on or keep what came next."""
        room = max(0, LIVE - self.size)
        self.size += len(data)
        _write(data[:room])
        if len(data) > room:
            self._late.feed(data[room:])

    def finish(self) -> None:
        """Pass on what was kept."""
        _write(self._late.text().encode())


def _write(data: bytes) -> None:
    while data:
        data = data[os.write(1, data) :]


class _Watch:
    """One running program: its output, its peak memory, and the limit that it passed, if any."""

    def __init__(self, command: list[str], work: Path, env: dict[str, str], limits: dict[str, float]) -> None:
        self.limits, self.work, self.output, self.peak_mb = limits, work, _Output(), 0.0
        self._started = self._disk_at = time.monotonic()
        size = int(max(limits["output_mb"], limits["memory_mb"]) * _MB)
        script = [sys.executable, "-I", "-S", supervisor.__file__, str(os.getpid()), str(size)]
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
        if reason == "ok" and self._written_mb() > self.limits["output_mb"]:
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
        memory = _tree_memory_mb(self.process.pid, self.limits["memory_mb"])
        self.peak_mb = max(self.peak_mb, memory)
        if memory > self.limits["memory_mb"]:
            return "memory"
        if time.monotonic() - self._started > self.limits["wall_s"]:
            return "timeout"
        if self.output.size / _MB > self.limits["output_mb"]:
            return "output"
        if time.monotonic() < self._disk_at:
            return None
        self._disk_at = time.monotonic() + _DISK_POLL_S
        return "output" if self._written_mb() > self.limits["output_mb"] else None

    def _written_mb(self) -> float:
        said = subprocess.run(["du", "-sk", "--", self.work], capture_output=True, text=True).stdout
        first = said.split()[:1]
        return (int(first[0]) / 1024 if first else 0.0) + self.output.size / _MB

    def _read(self, wait_s: float) -> None:
        if not self._selector.get_map():
            time.sleep(wait_s)
        elif self._selector.select(wait_s):
            data = self._pipe.read(_MB)
            if data:
                self.output.take(data)
            elif data == b"":
                self._selector.unregister(self._pipe)

    def _end(self) -> None:
        """The supervisor ends the tree below it. What is in the pipe is read once: more would be a flood."""
        left = _descendants(self.process.pid)
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


def _tree_memory_mb(root: int, limit_mb: float) -> float:
    """Resident memory below process `root`; what forked workers share counts once, where it matters."""
    tree = _descendants(root)
    resident = sum(map(_resident_mb, tree))
    return resident if resident <= limit_mb else sum(map(_own_mb, tree))


def _descendants(root: int) -> list[int]:
    children: dict[int, list[int]] = {}
    for name in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError, IndexError, ValueError):
            parent = int(Path(f"/proc/{name}/stat").read_bytes().rpartition(b")")[2].split()[1])
            children.setdefault(parent, []).append(int(name))
    found, left = [], [root]
    while left:
        below = children.get(left.pop(), [])
        found += below
        left += below
    return found


def _resident_mb(pid: int) -> float:
    with contextlib.suppress(OSError, IndexError, ValueError):
        return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * _PAGE / _MB
    return 0.0


def _own_mb(pid: int) -> float:
    with contextlib.suppress(OSError, IndexError, ValueError):
        rows = [line.split() for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]]
        return sum(int(row[1]) for row in rows if row[0] in ("Pss_Anon:", "Pss_Shmem:")) / 1024
    return _resident_mb(pid)


def _account() -> str | None:
    """The account that the program is handed to; None where this process is not root or there is no such account."""
    with contextlib.suppress(KeyError):
        if os.geteuid() == 0:
            return pwd.getpwnam(ACCOUNT).pw_name
    return None


def _lay_out(root: Path, account: str | None) -> Path:
    """The working folder, made afresh: the program, a scratch folder, and a link to the input."""
    work = root / "work"
    shutil.rmtree(work, ignore_errors=True)
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
    result = _Watch(command, work, env, job["limits"]).run()
    limit = int(job["limits"]["output_mb"] * _MB)
    result["submission"] = copy_submission(work, root / SUBMISSION, limit)
    draft = root / "result.json.draft"
    draft.write_text(json.dumps(result))
    draft.replace(root / "result.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
