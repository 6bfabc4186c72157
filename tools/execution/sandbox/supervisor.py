"""The process above a running program: sets its limits, adopts what it leaves behind, and ends the whole tree.

Started as a script, with the standard library only: see `command`.

It is the sub-reaper of the tree: a daemon that leaves its parent and its session becomes a child of this process
instead of escaping. It ends the tree when the command ends, on SIGTERM, and when its own parent dies, for whatever
reason (PR_SET_PDEATHSIG). That signal follows the parent *thread*, so the thread that starts a supervisor has to wait
for it. Off Linux there is neither, and only the process group is ended.
"""

import contextlib
import ctypes
import functools
import os
import resource
import signal
import struct
import subprocess
import sys
import time
from collections.abc import Sequence
from types import FrameType

_PR_SET_PDEATHSIG, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS, _PR_SET_SECCOMP = 1, 36, 38, 22
_SECCOMP_FILTER = 2
_KEYCTL, _JOIN_SESSION_KEYRING = {"x86_64": 250, "aarch64": 219}, 1
_LINUX = sys.platform == "linux"


def command(
    program: Sequence[str], *, file_size: int, denied: bytes, entrances: Sequence[str] = ()
) -> list[str]:
    """What the caller's thread has to start, and to wait for, to have `program` run below a supervisor.

    `file_size` is the most bytes that a file may have, `denied` a filter of system calls (seccomp.filter_program),
    `entrances` those of a control group for the program.
    """
    ours = [str(os.getpid()), str(file_size), denied.hex(), os.pathsep.join(entrances)]
    return [sys.executable, "-I", "-S", os.path.abspath(__file__), *ours, *program]


def _prctl(option: int, value: int) -> None:
    if _LINUX:
        ctypes.CDLL(None, use_errno=True).prctl(option, value, 0, 0, 0)


def _children() -> list[int]:
    """Pids of the direct children that are not waited for yet, read from /proc; [] where there is none."""
    found = []
    for name in filter(str.isdigit, os.listdir("/proc") if _LINUX else []):
        with contextlib.suppress(OSError, IndexError, ValueError), open(f"/proc/{name}/stat", "rb") as stat:
            parent = stat.read().rpartition(b")")[2].split()[1]  # the name before may hold blanks
            if int(parent) == os.getpid():
                found.append(int(name))
    return found


def _end_tree(group: int) -> None:
    """Kill children until none is left: the orphans of each that dies come to us and are next."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if not _LINUX and group:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(group, signal.SIGKILL)
    while True:
        for pid in _children():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        except ChildProcessError:
            return
        time.sleep(0.002)


def _stop(signum: int, frame: FrameType | None) -> None:
    sys.exit(128 + signum)


def _before_program(denied: bytes, entrances: list[str]) -> None:
    """In the child, before it becomes the program: it goes if the supervisor is killed, and first if memory is short."""
    for entrance in entrances:
        with open(entrance, "w") as group:
            group.write("0")
    _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as score:
        score.write("500")
    if denied:
        _filter(denied)


def _filter(denied: bytes) -> None:
    """Deny system calls to this process and all its children, for good."""
    libc, rules = ctypes.CDLL(None, use_errno=True), ctypes.create_string_buffer(denied, len(denied))
    head = ctypes.create_string_buffer(struct.pack("HP", len(denied) // 8, ctypes.addressof(rules)))
    if libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) or libc.prctl(_PR_SET_SECCOMP, _SECCOMP_FILTER, head):
        raise OSError(ctypes.get_errno(), "the system calls can't be filtered")


def _leave_keyring() -> None:
    """Keys that the agent was given for its session are none of the program's."""
    if _LINUX and (number := _KEYCTL.get(os.uname().machine)):
        ctypes.CDLL(None).syscall(number, _JOIN_SESSION_KEYRING, None)


def _limit(kind: int, value: int) -> None:
    hard = resource.getrlimit(kind)[1]
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    resource.setrlimit(kind, (value, value))


def main(parent: int, file_size: int, denied: bytes, entrances: list[str], program: list[str]) -> int:
    """Run the program to its end; its exit code, or 128 + n if signal n ended it."""
    signal.signal(signal.SIGTERM, _stop)
    _prctl(_PR_SET_CHILD_SUBREAPER, 1)
    _prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != parent:
        return 1
    _leave_keyring()
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_FSIZE, file_size)
    group = 0
    try:
        process = subprocess.Popen(
            program, process_group=0, preexec_fn=functools.partial(_before_program, denied, entrances)
        )
        group = process.pid
        while True:
            pid, status = os.wait()
            if pid == process.pid:
                code = os.waitstatus_to_exitcode(status)
                return code if code >= 0 else 128 - code
    finally:
        _end_tree(group)


if __name__ == "__main__":
    _parent, _size, _denied, _groups, *_program = sys.argv[1:]
    _entrances = _groups.split(os.pathsep) if _groups else []
    sys.exit(main(int(_parent), int(_size), bytes.fromhex(_denied), _entrances, _program))
