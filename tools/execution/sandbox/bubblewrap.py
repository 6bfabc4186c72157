"""The strong level: a bubblewrap sandbox with its own processes and files, and without a network."""

import json
import os
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from gome.tools.execution.job import Job
from gome.tools.execution.sandbox.control_group import ControlGroups
from gome.tools.execution.sandbox.executor import LocalExecutor
from gome.tools.execution.sandbox.process_tree import MB

HOME = "/solution"
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64")
OPTIONAL = (
    "/nix/store",
    "/etc/ld.so.cache",
    "/etc/ld.so.conf",
    "/etc/ld.so.conf.d",
    "/etc/alternatives",
    "/etc/localtime",
    "/sys/devices/system/cpu",  # joblib counts the cores there, and warns at length if it can't
)
_PREFIXES = "import json, sys; print(json.dumps([sys.prefix, sys.base_prefix, sys.base_exec_prefix]))"
_MAX_LINKS = 16


class BubblewrapExecutor(LocalExecutor):
    """Runs programs in a sandbox that holds the system's programs, one Python environment, the input and a work folder.

    The program sees /solution (writable; its home), /solution/input (read-only), the environment `python` belongs to and
    the system's libraries (read-only). It sees no network but a loopback of its own, no other process, no home folder and
    nothing of the run. /tmp and /dev/shm are in memory and bounded by the job's memory limit, where bwrap can do that.
    """

    LEVEL, SEEN_AT = "bubblewrap", HOME

    def __init__(self, python: Path, groups: ControlGroups | None = None, bwrap: str = "bwrap") -> None:
        super().__init__(python, groups)
        self._bwrap = bwrap
        known = _said([bwrap, "--help"])
        self._sized = "--size" in known
        self._no_nesting = ["--unshare-user", "--disable-userns"] if "--disable-userns" in known else []
        self._walls = [*_system(), *_read_only(environment_folders(self.python))]

    def command(self, job: Job) -> list[str]:
        """See LocalExecutor.command."""
        size = ["--size", str(job.memory_mb * MB // 2)] if self._sized else []
        return [
            *(
                self._bwrap,
                "--unshare-all",
                *self._no_nesting,
                "--die-with-parent",
                "--new-session",
                "--cap-drop",
                "ALL",
            ),
            *("--hostname", "solution", "--proc", "/proc", "--dev", "/dev"),
            *(*size, "--tmpfs", "/dev/shm", *size, "--tmpfs", "/tmp"),
            *self._walls,
            *("--bind", str(job.work_dir.resolve()), HOME),
            *("--ro-bind", str(job.input_dir.resolve()), f"{HOME}/input"),
            *_read_only(map(str, job.shown)),
            *_gpu(job),
            *("--remount-ro", "/", "--remount-ro", "/dev"),
            *("--remount-ro", "/proc"),  # root may write to /proc/sys
            *("--chdir", HOME),
        ]


def _said(command: list[str]) -> str:
    return subprocess.run(
        command, capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=60
    ).stdout


def _read_only(paths: Iterable[str]) -> Iterator[str]:
    for path in paths:
        yield from ("--ro-bind", path, path)


def _system() -> Iterator[str]:
    """System folders: links (/bin -> usr/bin) as links, the rest read-only."""
    for path in SYSTEM:
        if os.path.islink(path):
            yield from ("--symlink", os.readlink(path), path)
        elif os.path.isdir(path):
            yield from ("--ro-bind", path, path)
    for path in OPTIONAL:
        yield from ("--ro-bind-try", path, path)


def environment_folders(python: Path) -> Iterator[str]:
    """The environment's folder, those of the interpreter it is made from, and each link on the way there."""
    folders = [Path(p) for p in json.loads(_said([str(python), "-I", "-c", _PREFIXES]))]
    link = python
    for _ in range(_MAX_LINKS):
        folders.append(link.parent.parent)
        if not link.is_symlink():
            break
        link = Path(os.path.normpath(link.parent / os.readlink(link)))
    folders += [folder.resolve() for folder in folders]
    for folder in sorted({str(f) for f in folders}):
        if not any(folder == s or folder.startswith(f"{s}/") for s in (*SYSTEM, "/nix/store")):
            yield folder


def gpu_devices() -> list[str]:
    """The driver's devices. The lease names the card (CUDA_VISIBLE_DEVICES)."""
    return [str(path) for path in sorted(Path("/dev").glob("nvidia*"))]


def _gpu(job: Job) -> Iterator[str]:
    """The driver's devices, and /sys, where CUDA looks for the cards; nothing for a program without any."""
    if job.gpus:
        for path in gpu_devices():
            yield from ("--dev-bind", path, path)
        yield from ("--ro-bind-try", "/sys", "/sys")
