"""The middle level: the kernel's Landlock shuts files, TCP and signals to a program; no namespaces are needed."""

import json
import sys
from pathlib import Path

from gome.tools.execution.job import Job
from gome.tools.execution.sandbox import landlock_guard
from gome.tools.execution.sandbox.bubblewrap import OPTIONAL, SYSTEM, environment_folders, gpu_devices
from gome.tools.execution.sandbox.control_group import ControlGroups
from gome.tools.execution.sandbox.executor import LocalExecutor

_DEVICES_READ = ("/dev/random", "/dev/urandom", "/sys/fs/cgroup")  # joblib counts the cores in the last
_DEVICES_WRITE = ("/dev/null", "/dev/zero", "/dev/full", "/dev/shm")  # shm: locks of multiprocessing


class LandlockExecutor(LocalExecutor):
    """Runs programs that reach the system's files, one Python environment, the input and their work folder, no others.

    Only the work folder and /dev/shm are writable. TCP is shut, also to this machine; so are signals to other processes,
    their environment and memory. What does not hold: UDP is open, /dev/shm is shared with other processes, and
    their command lines are seen in /proc.
    """

    LEVEL = "landlock"

    def __init__(self, python: Path, groups: ControlGroups | None = None) -> None:
        super().__init__(python, groups)
        self._read = [*SYSTEM, *OPTIONAL, *environment_folders(self.python), "/proc", *_DEVICES_READ]

    def command(self, job: Job) -> list[str]:
        """See LocalExecutor.command."""
        work_dir, input_dir = job.work_dir.resolve(), job.input_dir.resolve()
        cards = gpu_devices() if job.gpus else []
        rules = {
            "read": [*self._read, str(input_dir), *map(str, job.shown), *(["/sys"] if job.gpus else [])],
            "write": [str(work_dir), *_DEVICES_WRITE, *cards],
        }
        script = str(Path(landlock_guard.__file__).resolve())
        return [sys.executable, "-I", "-S", script, json.dumps(rules)]
