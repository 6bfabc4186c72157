"""The filter of system calls, read as the kernel reads it, for both machines that it knows. No call is made here."""

import ctypes
import errno
import struct
from collections.abc import Callable

import pytest

from gome.tools.execution.sandbox.seccomp import filter_program

ARCHITECTURES = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
ALLOWED, KILLED = 0x7FFF0000, 0x80000000
ABSENT, UNCHANGED = 0x50000 | errno.ENOSYS, 0x50000
NUMBERS = {
    "add_key": (248, 217), "chmod": (90, None), "chown": (92, None), "fchmod": (91, 52), "fchmodat": (268, 53),
    "fchmodat2": (452, 452), "fchown": (93, 55), "fchownat": (260, 54), "fcntl": (72, 25), "fremovexattr": (199, 16),
    "fsetxattr": (190, 7), "futimesat": (261, None), "io_uring_enter": (426, 426), "io_uring_register": (427, 427),
    "io_uring_setup": (425, 425), "ioctl": (16, 29), "keyctl": (250, 219), "lchown": (94, None),
    "lremovexattr": (198, 15), "lsetxattr": (189, 6), "memfd_create": (319, 279), "memfd_secret": (447, 447),
    "msgget": (68, 186), "openat": (257, 56), "read": (0, 63), "removexattr": (197, 14), "request_key": (249, 218),
    "semget": (64, 190), "setxattr": (188, 5), "shmget": (29, 194), "socket": (41, 198), "socketpair": (53, 199),
    "userfaultfd": (323, 282), "utime": (132, None), "utimensat": (280, 88), "utimes": (235, None),
    "write": (1, 64), "mmap": (9, 222), "execve": (59, 221), "clone": (56, 220), "fork": (57, None),
}  # fmt: skip
"""Of x86_64 (arch/x86/entry/syscalls/syscall_64.tbl) and aarch64 (include/uapi/asm-generic/unistd.h), from Linux 6.1."""
HIDDEN = (
    "add_key", "io_uring_enter", "io_uring_register", "io_uring_setup", "keyctl", "memfd_create", "memfd_secret",
    "msgget", "request_key", "semget", "shmget", "userfaultfd",
)  # fmt: skip
METADATA = ("chmod", "chown", "fchmod", "fchmodat", "fchmodat2", "fchown", "fchownat", "futimesat", "lchown", "utime",
            "utimensat", "utimes")  # fmt: skip
ATTRIBUTES = ("fremovexattr", "fsetxattr", "lremovexattr", "lsetxattr", "removexattr", "setxattr")
FREE = ("read", "write", "openat", "mmap", "execve", "clone", "fork")


def decided(program: bytes, architecture: int, number: int, *arguments: int) -> int:
    """What the filter returns for a call: the four instructions of classic BPF that it is made of."""
    data = struct.pack("=IIQ6Q", number, architecture, 0, *arguments, *[0] * (6 - len(arguments)))
    code, at, value = [*struct.iter_unpack("=HBBI", program)], 0, 0
    while True:
        operation, if_so, if_not, operand = code[at]
        if operation == 0x06:
            return int(operand)
        if operation == 0x20:
            (value,) = struct.unpack_from("=I", data, operand)
            at += 1
        else:
            holds = {0x15: value == operand, 0x35: value >= operand}[operation]
            at += 1 + (if_so if holds else if_not)


@pytest.fixture(params=ARCHITECTURES)
def ask(request: pytest.FixtureRequest) -> Callable[..., int | None]:
    """Decides a call of a machine by its name; None where the machine has no such call."""
    machine, column = request.param, list(ARCHITECTURES).index(request.param)

    def ask(name: str, *arguments: int, metadata: bool = True) -> int | None:
        program, number = filter_program(metadata=metadata, machine=machine), NUMBERS[name][column]
        return None if number is None else decided(program, ARCHITECTURES[machine], number, *arguments)

    return ask


def test_what_goes_around_the_walls_is_absent_and_all_else_works(ask: Callable[..., int | None]) -> None:
    for metadata in (True, False):
        assert {ask(name, metadata=metadata) for name in HIDDEN} == {ABSENT}
        assert {ask(name, metadata=metadata) for name in FREE} <= {ALLOWED, None}
        for name in ("socket", "socketpair"):
            assert {ask(name, family, metadata=metadata) for family in (1, 2, 10, 16)} == {ALLOWED}
            assert {ask(name, f, metadata=metadata) for f in (38, 40)} == {0x50000 | errno.EAFNOSUPPORT}
        assert ask("fcntl", 3, 1031, metadata=metadata) == 0x50000 | errno.EPERM
        assert ask("fcntl", 3, 1030, metadata=metadata) == ALLOWED


def test_modes_times_and_attributes_stay_where_the_walls_leave_them_open(
    ask: Callable[..., int | None],
) -> None:
    assert {ask(name) for name in (*METADATA, *ATTRIBUTES, "ioctl")} <= {ALLOWED, None}
    assert {ask(name, metadata=False) for name in METADATA} <= {UNCHANGED, None}
    assert {ask(name, metadata=False) for name in ATTRIBUTES} == {0x50000 | errno.EOPNOTSUPP}
    assert ask("ioctl", 3, 0x40086602, metadata=False) == 0x50000 | errno.EOPNOTSUPP
    assert ask("ioctl", 3, 0x5401, metadata=False) == ALLOWED


def test_calls_of_another_machine_end_the_program() -> None:
    for machine, other in (("x86_64", "aarch64"), ("aarch64", "x86_64")):
        program = filter_program(metadata=True, machine=machine)
        assert decided(program, ARCHITECTURES[other], 0) == KILLED
        assert decided(program, ARCHITECTURES[machine], 0x40000000) == ABSENT
    assert filter_program(metadata=True, machine="riscv64") == b""


def test_the_numbers_are_those_that_libseccomp_knows() -> None:
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError:
        pytest.skip("libseccomp is not installed")
    resolve = library.seccomp_syscall_resolve_name_arch
    resolve.argtypes = [ctypes.c_uint32, ctypes.c_char_p]
    for name, numbers in NUMBERS.items():
        known = [resolve(architecture, name.encode()) for architecture in ARCHITECTURES.values()]
        assert [number if number >= 0 else None for number in known] == list(numbers), name
