"""Builds a root of its own in fresh namespaces, then runs the program there. Started by unshare(1), as process 1.

Usage: unshare --map-root-user --mount --net --pid --ipc --uts --fork --kill-child PYTHON userns_guard.py WALLS COMMAND...
with WALLS in JSON = {"at": a folder, "links": [[path, target]], "memory": [[path, bytes, files]], "proc": path,
"bind": [[source, path, "read" | "write" | "device"]], "home": path}, all paths absolute. The standard library only.
Needs Linux 5.12.

The new root lies in memory, over the folder "at" of this mount namespace alone, and what is not bound into it can't be
named any more once it is the root. Sources: mount_setattr(2), move_mount(2), pivot_root(2), linux/mount.h.
"""

import ctypes
import fcntl
import json
import os
import socket
import struct
import sys
from typing import Any

_PIVOT_ROOT = {"x86_64": 155, "aarch64": 41}
_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # the same on every architecture
_HERE, _EMPTY_PATH, _RECURSIVE = -100, 0x1000, 0x8000
_CLONE, _CLOSE_ON_EXEC, _FROM_EMPTY_PATH = 1, os.O_CLOEXEC, 4
_READ_ONLY, _NO_SETUID, _NO_DEVICES, _NO_EXECUTION = 1, 2, 4, 8
_USES = {
    "read": _NO_SETUID | _NO_DEVICES | _READ_ONLY,
    "write": _NO_SETUID | _NO_DEVICES,
    "device": _NO_SETUID,
}
_DETACH = 2
_SET_FLAGS, _UP = 0x8914, 1  # SIOCSIFFLAGS, IFF_UP
_NO_NEW_PRIVS, _CAPABILITY_VERSION = 38, 0x20080522

_libc = ctypes.CDLL(None, use_errno=True)


def _checked(result: int, what: str) -> int:
    if result < 0:
        code = ctypes.get_errno()
        raise OSError(code, f"{what}: {os.strerror(code)}")
    return result


def _mount(kind: str, path: str, flags: int, options: str = "") -> None:
    done = _libc.mount(kind.encode(), path.encode(), kind.encode(), flags, options.encode())
    _checked(done, f"{kind} at {path}")


def _restrict(mount: int, flags: int, *, below: bool) -> None:
    """Set these flags on a mount, and on all `below` it. What the kernel has locked stays as it is."""
    how = _EMPTY_PATH | (_RECURSIVE if below else 0)
    attributes = struct.pack("=QQQQ", flags, 0, 0, 0)
    done = _libc.syscall(_MOUNT_SETATTR, mount, b"", how, attributes, ctypes.c_size_t(len(attributes)))
    _checked(done, "mount_setattr")


def _taken(source: str, use: str) -> int:
    """A copy of the mounts at `source`, not attached anywhere."""
    how = _CLONE | _CLOSE_ON_EXEC | _RECURSIVE
    mount = _checked(_libc.syscall(_OPEN_TREE, _HERE, source.encode(), how), f"open_tree {source}")
    _restrict(mount, _USES[use], below=True)
    return mount


def _attach(mount: int, path: str, *, folder: bool) -> None:
    os.makedirs(path if folder else os.path.dirname(path), exist_ok=True)
    if not folder:
        open(path, "w").close()
    _checked(_libc.syscall(_MOVE_MOUNT, mount, b"", _HERE, path.encode(), _FROM_EMPTY_PATH), f"bind {path}")
    os.close(mount)


def enter(walls: dict[str, Any]) -> None:
    """Make the new root, and go there. OSError where that fails."""
    root = walls["at"]
    sources = [(_taken(source, use), path, os.path.isdir(source)) for source, path, use in walls["bind"]]
    _mount("tmpfs", root, _NO_SETUID | _NO_DEVICES, "mode=755")
    for path, target in walls["links"]:
        os.makedirs(os.path.dirname(root + path), exist_ok=True)
        os.symlink(target, root + path)
    for path, size, files in walls["memory"]:
        os.makedirs(root + path)
        _mount("tmpfs", root + path, _NO_SETUID | _NO_DEVICES, f"mode=1777,size={size},nr_inodes={files}")
    os.makedirs(root + walls["proc"])
    _mount("proc", root + walls["proc"], _NO_SETUID | _NO_DEVICES | _NO_EXECUTION)
    for mount, path, folder in sources:
        _attach(mount, root + path, folder=folder)
    os.chdir(root)
    _checked(_libc.syscall(_PIVOT_ROOT[os.uname().machine], b".", b"."), "pivot_root")
    _checked(_libc.umount2(b".", _DETACH), "umount")
    os.chdir(walls["home"])


def start_loopback() -> None:
    """Name this machine, and let its processes reach one another by 127.0.0.1."""
    socket.sethostname("solution")
    with socket.socket() as any_socket:
        fcntl.ioctl(any_socket, _SET_FLAGS, struct.pack("16sh22x", b"lo", _UP))


def give_up_rights() -> None:
    """No more user namespaces below this one, no capabilities, and none to be had by running a file."""
    with open("/proc/sys/user/max_user_namespaces", "w") as most:
        most.write("0")
    for path in ("/", "/proc"):  # real root could write to /proc/sys without any capability
        mount = os.open(path, os.O_PATH | os.O_CLOEXEC)
        _restrict(mount, _READ_ONLY, below=False)
        os.close(mount)
    _checked(_libc.prctl(_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs")
    _checked(_libc.capset(struct.pack("=Ii", _CAPABILITY_VERSION, 0), bytes(24)), "capset")


def run(command: list[str]) -> int:
    """Run the command to its end, as process 1 that waits for all others; its exit code, 128 + n after signal n."""
    program = os.fork()
    if not program:
        os.execv(command[0], command)
    while True:
        pid, status = os.wait()
        if pid == program:
            code = os.waitstatus_to_exitcode(status)
            return code if code >= 0 else 128 - code


if __name__ == "__main__":
    try:
        enter(json.loads(sys.argv[1]))
        start_loopback()
        give_up_rights()
    except OSError as error:
        sys.exit(f"userns: {error.strerror}")
    sys.exit(run(sys.argv[2:]))
