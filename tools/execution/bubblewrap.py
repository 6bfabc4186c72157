"""Level 'bubblewrap': namespaces of its own, a read-only system, nothing of the user's files, no network."""

import subprocess
from collections.abc import Callable
from pathlib import Path

from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.process import prepare, stripped_environment, watch

HOME = "/work"
_SYSTEM = (
    "/usr",
    "/bin",
    "/sbin",
    "/lib",
    "/lib32",
    "/lib64",
    "/etc/ld.so.cache",
    "/etc/alternatives",
    "/etc/localtime",
)


class BubblewrapExecutor:
    """Runs programs under bwrap: they see the system read-only, their runtime, input/ read-only and their own folder."""

    level = "bubblewrap"

    def __init__(self, python: Path) -> None:
        self.python = python
        self._binds = _runtime_folders(python)

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """Run the program with its working directory at /work."""
        prepare(job)
        (job.work_dir / "input").mkdir()
        environment = stripped_environment(job, HOME, f"{self.python.parent}:/usr/bin:/bin")
        command = [*self._sandbox(job), str(self.python), "main.py"]
        return watch(command, job, environment=environment, cwd=job.work_dir, stop=stop, level=self.level)

    def _sandbox(self, job: Job) -> list[str]:
        # The temporary file system comes before the binds: some of them may lie below /tmp.
        arguments = ["bwrap", "--unshare-all", "--die-with-parent", "--new-session", "--hostname", "solution"]
        arguments += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp"]
        for path in _SYSTEM:
            arguments += ["--ro-bind-try", path, path]
        for folder in self._binds:
            arguments += ["--ro-bind", folder, folder]
        arguments += ["--bind", str(job.work_dir), HOME, "--ro-bind", str(job.input_dir), f"{HOME}/input"]
        return [*arguments, "--chdir", HOME]


def _runtime_folders(python: Path) -> list[str]:
    """The environment of the interpreter and the installation it was made from, unless the system holds it already."""
    code = "import sys; print(sys.prefix); print(sys.base_prefix)"
    found = subprocess.run(
        [str(python), "-I", "-c", code], capture_output=True, text=True, check=True
    ).stdout.split("\n")
    return [folder for folder in dict.fromkeys(found) if folder and not folder.startswith("/usr")]
