"""Which system calls a program is denied at every level: a seccomp filter, built from its documented format.

Denied is what goes around the other walls or hides from the watchdog. Errors are those of a kernel that lacks the call,
which libraries expect. Sources: seccomp(2), linux/filter.h, linux/audit.h, the kernel's tables of system calls.
"""

import errno
import os
import struct
from collections.abc import Iterable
from pathlib import Path

_MACHINES = {
    "x86_64": (0, 0xC000003E),
    "aarch64": (1, 0xC00000B7),
}  # column in the tables; the audit architecture
_X32 = 0x4000_0000  # calls of another interface, under the same architecture

_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_NUMBER_AT, _ARCHITECTURE_AT, _ARGUMENTS_AT = 0, 4, 16
_KILL, _ERROR, _ALLOW = 0x8000_0000, 0x0005_0000, 0x7FFF_0000

_Numbers = tuple[int | None, int | None]
_DENIED: dict[str, _Numbers] = {
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "userfaultfd": (323, 282),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "memfd_create": (
        319,
        279,
    ),  # files without a name that lie in nobody's file system: /dev/shm holds the same
    "memfd_secret": (447, 447),
    "shmget": (29, 194),  # System V IPC: memory that no process has to hold
    "semget": (64, 190),
    "msgget": (68, 186),
}
_METADATA: dict[str, _Numbers] = {
    "chmod": (90, None),
    "fchmod": (91, 52),
    "fchmodat": (268, 53),
    "fchmodat2": (452, 452),
    "chown": (92, None),
    "fchown": (93, 55),
    "lchown": (94, None),
    "fchownat": (260, 54),
    "utime": (132, None),
    "utimes": (235, None),
    "futimesat": (261, None),
    "utimensat": (280, 88),
}
_ATTRIBUTES: dict[str, _Numbers] = {
    "setxattr": (188, 5),
    "lsetxattr": (189, 6),
    "fsetxattr": (190, 7),
    "setxattrat": (463, 463),
    "removexattr": (197, 14),
    "lremovexattr": (198, 15),
    "fremovexattr": (199, 16),
    "removexattrat": (466, 466),
    "file_setattr": (469, 469),
}
_SOCKET: tuple[_Numbers, ...] = ((41, 198), (53, 199))  # socket, socketpair
_FAMILIES = (0, 1, 2, 10, 16)  # none, Unix, IPv4, IPv6, netlink
_FCNTL, _LARGER_PIPE = (72, 25), (1031,)
_IOCTL, _FILE_FLAGS = (16, 29), (0x4008_6602, 0x401C_5820)  # FS_IOC_SETFLAGS, FS_IOC_FSSETXATTR


def missing(machine: str | None = None) -> str:
    """Why there is no filter on this machine, or for another one; '' where there is."""
    machine = machine or os.uname().machine
    if machine not in _MACHINES:
        return f"its numbers are not known for {machine}"
    if not Path("/proc/sys/kernel/seccomp").is_dir():
        return "the kernel has none"
    return ""


def filter_program(*, metadata: bool, machine: str | None = None) -> bytes:
    """The filter as the kernel of a machine takes it, 8 bytes an instruction; b'' where there is none (see `missing`).

    Without `metadata` nobody can change modes, owners, times and attributes of files: a wall that only shuts contents
    leaves these open. Changes of modes, owners and times then seem to work, as copying a file ends with them.
    """
    if missing(machine):
        return b""
    column, architecture = _MACHINES[machine or os.uname().machine]
    code = [
        _one(_LOAD, _ARCHITECTURE_AT),
        _one(_EQUAL, architecture, 1, 0),
        _one(_RETURN, _KILL),
        _one(_LOAD, _NUMBER_AT),
        _one(_AT_LEAST, _X32, 0, 1),
        _one(_RETURN, _ERROR | errno.ENOSYS),
    ]
    for numbers in _DENIED.values():
        code += _deny(numbers[column], errno.ENOSYS)
    for numbers in _SOCKET:
        code += _by_argument(numbers[column], 0, _FAMILIES, _ALLOW, _ERROR | errno.EAFNOSUPPORT)
    code += _by_argument(_FCNTL[column], 1, _LARGER_PIPE, _ERROR | errno.EPERM, _ALLOW)
    if not metadata:
        for numbers in _METADATA.values():
            code += _deny(numbers[column], 0)
        for numbers in _ATTRIBUTES.values():
            code += _deny(numbers[column], errno.EOPNOTSUPP)
        code += _by_argument(_IOCTL[column], 1, _FILE_FLAGS, _ERROR | errno.EOPNOTSUPP, _ALLOW)
    return b"".join([*code, _one(_RETURN, _ALLOW)])


def _one(code: int, operand: int, if_so: int = 0, if_not: int = 0) -> bytes:
    return struct.pack("=HBBI", code, if_so, if_not, operand)


def _deny(number: int | None, error: int) -> Iterable[bytes]:
    """Nothing is done for this call, and it says `error`: 0 for that it worked."""
    return [] if number is None else [_one(_EQUAL, number, 0, 1), _one(_RETURN, _ERROR | error)]


def _by_argument(
    number: int | None, at: int, values: tuple[int, ...], listed: int, others: int
) -> Iterable[bytes]:
    """Decides a call by one of its arguments (its lower 32 bits): `listed` for these values, `others` for the rest."""
    assert number is not None
    left = len(values)
    return [
        _one(_EQUAL, number, 0, left + 3),
        _one(_LOAD, _ARGUMENTS_AT + 8 * at),
        *(_one(_EQUAL, value, left - n, 0) for n, value in enumerate(values)),
        _one(_RETURN, others),
        _one(_RETURN, listed),
    ]
