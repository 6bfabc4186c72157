"""Watches one program from within an E2B sandbox and writes down how it ended.

Uploaded into the sandbox, with what it imports, and started there as `python -m gome.tools.execution.e2b.guard ROOT`:
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
import shutil
import subprocess
import sys
from pathlib import Path

from gome.tools.execution.limits import Limits
from gome.tools.execution.log_buffer import LogBuffer
from gome.tools.execution.sandbox.process_tree import MB
from gome.tools.execution.sandbox.watchdog import Watch
from gome.tools.execution.submission_copy import SUBMISSION, copy_submission

ACCOUNT = "user"
LIVE = 2**20  # bytes of output that are passed on as they come; of the rest, what a LogBuffer keeps


class _Output:
    """Passes on what the program prints, within bounds."""

    def __init__(self) -> None:
        self.size, self._late, self.whole = 0, LogBuffer(), LogBuffer()

    def feed(self, data: bytes) -> None:
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


def _watched(watch: Watch) -> dict[str, str | float]:
    """Watch to the end; the result, without the submission."""
    reason = watch.run()
    # A program can end before it is looked at once: the kernel's figure, of its largest process, is the least.
    largest_mb = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    return {
        "reason": "memory" if reason == "killed" else reason,  # nobody else is there to kill it
        "exit_code": watch.exit_code,
        "seconds": watch.seconds,
        "peak_mb": max(watch.peak_mb, largest_mb),
    }


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
    output = _Output()
    result = {"key": job["key"], **_watched(Watch(command, work, env, Limits(**job["limits"]), output))}
    output.finish()
    (root / "log.txt").write_text(output.whole.text())
    limit = int(job["limits"]["output_mb"] * MB)
    result["submission"] = copy_submission(work, root / SUBMISSION, limit)
    draft = root / "result.json.draft"
    draft.write_text(json.dumps(result))
    draft.replace(root / "result.json")


if __name__ == "__main__":
    main(Path(sys.argv[1]))
