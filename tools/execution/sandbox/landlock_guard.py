"""Shuts files, TCP and signals to a process by Landlock, then becomes the program. Started as a script.

Usage: landlock_guard.py RULES COMMAND...   with RULES = {"read": [paths], "write": [paths]} in JSON; standard library
only. Needs Landlock ABI 6 (Linux 6.12). Source of the numbers: linux/landlock.h.
"""

import ctypes
import json
import os
import stat
import struct
import sys

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same on every architecture
_ABI_QUESTION, _ABI = 1, 6
_NO_NEW_PRIVS, _PATH_BENEATH = 38, 1
_ALL_FILES = (1 << 16) - 1
_READ = 0b1101  # execute, read a file, read a folder
_ON_A_FILE = 0b1100_0000_0000_0111  # execute, write, read, truncate, ioctl
_TCP = 0b11  # bind, connect
_SCOPES = 0b11  # abstract sockets, signals

_DROP_BOUND, _CAPABILITIES, _CAPABILITY_VERSION = 24, 64, 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _call(number: int, *arguments: object) -> int:
    result = int(_libc.syscall(number, *arguments))
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, os.strerror(code))
    return result


def _allow(rules: int, path: str, access: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(os.fstat(fd).st_mode):
        access &= _ON_A_FILE
    _call(_ADD, rules, _PATH_BENEATH, struct.pack("=Qi", access, fd), 0)
    os.close(fd)


def _drop_capabilities() -> None:
    """For root: CAP_PERFMON alone would read /proc/PID/environ of any process, past Landlock."""
    for capability in range(_CAPABILITIES):
        _libc.prctl(_DROP_BOUND, capability, 0, 0, 0)  # fails for others than root, who have none to lose
    if _libc.capset(struct.pack("=Ii", _CAPABILITY_VERSION, 0), bytes(24)):
        raise OSError("the capabilities can't be dropped")


def restrict(read: list[str], write: list[str]) -> None:
    """Leave this process and all its children only these paths and what is below them. OSError where that fails."""
    abi = _call(_CREATE, None, ctypes.c_size_t(0), _ABI_QUESTION)
    if abi < _ABI:
        raise OSError(f"the kernel has ABI {abi}, and {_ABI} is needed (Linux 6.12)")
    attributes = struct.pack("=QQQ", _ALL_FILES, _TCP, _SCOPES)
    rules = _call(_CREATE, attributes, ctypes.c_size_t(len(attributes)), 0)
    for path in read:
        _allow(rules, path, _READ)
    for path in write:
        _allow(rules, path, _ALL_FILES)
    _drop_capabilities()
    if _libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0):
        raise OSError("no_new_privs can't be set")
    _call(_RESTRICT, rules, 0)
    os.close(rules)


if __name__ == "__main__":
    try:
        restrict(**json.loads(sys.argv[1]))
    except OSError as error:
        sys.exit(f"landlock: {error}")
    os.execv(sys.argv[2], sys.argv[2:])
