"""The middle level: the kernel's Landlock shuts files, TCP and signals to a program; no namespaces are needed."""

import json
import sys
from collections.abc import Callable
from pathlib import Path

from gome.state.config import Isolation
from gome.tools.execution.job import Job, Outcome
from gome.tools.execution.sandbox import landlock_guard
from gome.tools.execution.sandbox.bubblewrap import OPTIONAL, SYSTEM, environment_folders, gpu_devices
from gome.tools.execution.sandbox.watchdog import run_watched
from gome.tools.execution.workspace import environment, make_work_dir

_DEVICES_READ = ("/dev/random", "/dev/urandom", "/sys/fs/cgroup")  # joblib counts the cores in the last
_DEVICES_WRITE = ("/dev/null", "/dev/zero", "/dev/full", "/dev/shm")  # shm: locks of multiprocessing


class LandlockExecutor:
    """Runs programs that reach the system's files, one Python environment, the input and their work folder, no others.

    Only the work folder and /dev/shm are writable. TCP is shut, also to this machine; so are signals to other processes,
    their environment and memory. What does not hold: UDP is open, /dev/shm is shared with other processes, and
    their command lines are seen in /proc.
    """

    def __init__(self, python: Path) -> None:
        self._python = python.absolute()
        self._read = [*SYSTEM, *OPTIONAL, *environment_folders(self._python), "/proc", *_DEVICES_READ]

    @property
    def level(self) -> Isolation:
        """'landlock'."""
        return "landlock"

    def run(self, job: Job, *, stop: Callable[[], bool]) -> Outcome:
        """See Executor.run."""
        make_work_dir(job)
        work_dir, input_dir = job.work_dir.resolve(), job.input_dir.resolve()
        (work_dir / "input").symlink_to(input_dir, target_is_directory=True)
        cards = gpu_devices() if job.gpus else []
        rules = {
            "read": [*self._read, str(input_dir), *(["/sys"] if job.gpus else [])],
            "write": [str(work_dir), *_DEVICES_WRITE, *cards],
        }
        script = str(Path(landlock_guard.__file__).resolve())
        command = [sys.executable, "-I", "-S", script, json.dumps(rules), str(self._python), "main.py"]
        env = environment(job, home=str(work_dir), python=self._python)
        return run_watched(command, job, env=env, level=self.level, stop=stop)
