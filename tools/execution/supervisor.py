"""The parent of a sandboxed program, run as a script of its own: no descendant outlives it, and it outlives no agent.

It is a sub-reaper, so daemons that fork twice come back to it; it watches its standard input, whose other end the agent
holds, so that a killed agent (kill -9 included) closes it. Standard library only: it starts in milliseconds.

    supervisor.py FILE_SIZE_LIMIT_BYTES COMMAND [ARGUMENT ...]      exits with the command's code
"""

import contextlib
import ctypes
import os
import resource
import select
import signal
import subprocess
import sys

PR_SET_CHILD_SUBREAPER = 36


def descendants(root: int) -> list[int]:
    """Process ids below `root`, from /proc."""
    children: dict[int, list[int]] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", encoding="utf-8", errors="replace") as file:
                    parent = int(file.read().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, todo = [], [root]
    while todo:
        below = children.get(todo.pop(), [])
        found += below
        todo += below
    return found


def kill_tree() -> None:
    """Kill all descendants, again and again until none is left: new ones may be forked meanwhile."""
    while pids := descendants(os.getpid()):
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        try:
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        except ChildProcessError:
            pass


def main() -> int:
    """Run the command; end with it, or when the agent's end of standard input closes."""
    limit, command = int(sys.argv[1]), sys.argv[2:]
    ctypes.CDLL(None).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    ended = os.pidfd_open(child.pid)
    ready, _, _ = select.select([0, ended], [], [])
    code = child.wait() if ended in ready else -signal.SIGKILL
    kill_tree()
    return code if code >= 0 else 128 - code


if __name__ == "__main__":
    sys.exit(main())
