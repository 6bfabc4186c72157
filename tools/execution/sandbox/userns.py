"""The level below bubblewrap, for machines without its program: the same walls, built with unshare(1) and the kernel."""

import json
import os
import sys
from collections.abc import Iterator
from pathlib import Path

from gome.tools.execution.job import Job
from gome.tools.execution.sandbox import userns_guard
from gome.tools.execution.sandbox.bubblewrap import HOME, OPTIONAL, SYSTEM, environment_folders, gpu_devices
from gome.tools.execution.sandbox.control_group import ControlGroups
from gome.tools.execution.sandbox.executor import LocalExecutor
from gome.tools.execution.sandbox.process_tree import MB

_NAMESPACES = ("--map-root-user", "--mount", "--net", "--pid", "--ipc", "--uts", "--fork", "--kill-child")
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_STREAMS = (("/dev/fd", "/proc/self/fd"), ("/dev/stdin", "/proc/self/fd/0"),
            ("/dev/stdout", "/proc/self/fd/1"), ("/dev/stderr", "/proc/self/fd/2"))  # fmt: skip


class UsernsExecutor(LocalExecutor):
    """Runs programs in namespaces of their own: user, mounts, network, processes, IPC and host name.

    The program sees what it does under bubblewrap (see there), as root of its namespace, but without its rights.
    It needs unprivileged user namespaces, unshare(1) of util-linux and Linux 5.12.
    """

    LEVEL, SEEN_AT = "userns", HOME

    def __init__(self, python: Path, groups: ControlGroups | None = None, unshare: str = "unshare") -> None:
        super().__init__(python, groups)
        self._unshare = unshare
        self._links = [*_STREAMS, *((path, os.readlink(path)) for path in SYSTEM if os.path.islink(path))]
        shown = [*(path for path in SYSTEM if not os.path.islink(path)), *OPTIONAL]
        self._shown = [*filter(os.path.exists, shown), *environment_folders(self.python)]

    def command(self, job: Job) -> list[str]:
        """See LocalExecutor.command."""
        half, files = job.memory_mb * MB // 2, 100_000
        work = str(job.work_dir.resolve())
        walls = {
            "at": work,
            "links": self._links,
            "memory": [(path, half, files) for path in ("/dev/shm", "/tmp")],
            "proc": "/proc",
            "bind": list(self._binds(job)),
            "home": HOME,
        }
        guard = [sys.executable, "-I", "-S", str(Path(userns_guard.__file__).resolve()), json.dumps(walls)]
        return [self._unshare, *_NAMESPACES, *guard]

    def _binds(self, job: Job) -> Iterator[tuple[str, str, str]]:
        """(path here, path there, use) of all that is seen of this machine, folders before what is below them."""
        for path in sorted([*self._shown, *(["/sys"] if job.gpus else [])]):
            yield path, path, "read"
        for path in (*_DEVICES, *(gpu_devices() if job.gpus else [])):
            yield path, path, "device"
        yield str(job.work_dir.resolve()), HOME, "write"
        yield str(job.input_dir.resolve()), f"{HOME}/input", "read"
        for folder in job.shown:
            yield str(folder), str(folder), "read"
