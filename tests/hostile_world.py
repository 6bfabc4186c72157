"""What hostile code (tests/adversary.py) attacks, and all that runs such code: programs, adapters, graders."""

import contextlib
import ctypes
import json
import os
import socket
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import psutil
import pytest

from gome.tools.adapters.adapter import Adapter, Limits
from gome.tools.evaluation.grader_process import GraderProcess
from gome.tools.execution.job import Executor, Job
from gome.tools.execution.sandbox.control_group import ControlGroups
from tests.adversary import HELPERS, REACH
from tests.e2b_server import KEY, fake_service
from tests.levels import EXECUTORS, GROUPS, PYTHON

AT_ONCE = 4


class World:
    """What the programs attack, in a folder whose path is short enough for a Unix socket."""

    def __init__(self, root: Path, held: contextlib.ExitStack) -> None:
        self.root, self.mark = root, f"gome-{root.name}"
        for name in ("labels", "other", "key", "submission.csv"):
            (root / name).write_text("id,y\n1,1\n")
        (root / "input").mkdir()
        (root / "input" / "train.csv").write_text("a\n1\n")
        self.udp = held.enter_context(socket.socket(type=socket.SOCK_DGRAM))
        self.udp.bind(("127.0.0.1", 0))
        tcp = held.enter_context(socket.create_server(("127.0.0.1", 0)))
        for name in ("socket", "\0socket"):
            address = name.replace("socket", str(root / "socket"))
            held.enter_context(socket.create_server(address, family=socket.AF_UNIX))
        self.targets: dict[str, Any] = {name: str(root / name) for name in ("labels", "other", "key")}
        self.targets |= {"root": str(root), "agent": os.getpid(), "unix": str(root / "socket")}
        self.targets |= {"udp": self.udp.getsockname()[1], "tcp": tcp.getsockname()[1]}
        self.targets["keyring"] = key_of_this_session()
        self.targets["open"] = held.enter_context((root / "labels").open()).fileno()

    def source(self, name: str, code: str, patience: float = 60) -> str:
        """The text of a hostile program: `code` below the helpers."""
        targets = {**self.targets, "mark": f"{self.mark}-{name}"}
        return f"W, PATIENCE = {targets!r}, {patience}\n{HELPERS}\n{code}\n"

    def job(self, name: str, code: str, patience: float = 60, **limits: float) -> Job:
        """A job with small limits, whose program is `code` below the helpers."""
        program = self.root / f"{name}.py"
        program.write_text(self.source(name, code, patience))
        small = {"wall_s": 60.0, "memory_mb": 150, "output_mb": 5.0, "tasks": 60, "files": 300, **limits}
        return Job(program, self.root / "input", self.root / f"work-{name}", 0, **small)  # type: ignore[arg-type]

    def has_heard(self) -> bool:
        """Whether datagrams came in since it was asked last."""
        self.udp.setblocking(False)
        heard = False
        with contextlib.suppress(BlockingIOError):
            while True:
                heard = bool(self.udp.recv(10)) or heard
        return heard

    def left_over(self, name: str) -> list[psutil.Process]:
        """Processes that a program left running."""
        return [
            p for p in psutil.process_iter(["cmdline"]) if f"{self.mark}-{name}" in (p.info["cmdline"] or [])
        ]

    def clear(self) -> None:
        """End and remove what programs left on this machine."""
        for path in Path("/dev/shm").glob(f"{self.mark}-*"):
            path.unlink()


def key_of_this_session() -> int:
    """A key in the keyring that children of this process would share: its number."""
    add = {"x86_64": 248, "aarch64": 217}[os.uname().machine]
    return int(ctypes.CDLL(None).syscall(add, b"user", b"gome-test", b"secret", ctypes.c_size_t(6), -3))


@contextlib.contextmanager
def world() -> Iterator[World]:
    with tempfile.TemporaryDirectory(prefix="g") as folder, contextlib.ExitStack() as held:
        made = World(Path(folder), held)
        held.callback(made.clear)
        yield made


@contextlib.contextmanager
def executor_of(level: str, folder: Path, groups: ControlGroups | None = GROUPS) -> Iterator[Executor]:
    if level != "e2b":
        yield EXECUTORS[level](PYTHON, groups=groups)  # type: ignore[index]
        return
    from gome.tools.execution.e2b.executor import E2BExecutor
    from gome.tools.execution.e2b.pool import Pool
    from gome.tools.execution.e2b.template import Service

    with fake_service(folder / "service") as service, pytest.MonkeyPatch.context() as patch:
        for name, value in (("API_KEY", KEY), ("API_URL", service.url), ("SANDBOX_URL", service.url)):
            patch.setenv(f"E2B_{name}", value)
        executor = E2BExecutor(Pool(folder, AT_ONCE, Service(template="ready", python=sys.executable)))
        yield executor
        executor.close()


ATTEMPTS = [attack.code for attack in REACH]


def as_program(world: World, executor: Executor) -> list[bool]:
    """Which attempts of REACH are won by a program."""
    job = world.job("program", f"import json; print(json.dumps(tried({ATTEMPTS!r})))")
    return list(json.loads(executor.run(job, stop=lambda: False).log.splitlines()[-1]))


def as_adapter(world: World, executor: Executor) -> list[bool]:
    """By the adapter of a task, as ids of its units."""
    rows = f"[(str(n), won) for n, won in enumerate(tried({ATTEMPTS!r}))]"
    code = (
        f"def units(public):\n    import pandas as pd\n    return pd.DataFrame({rows}, columns=['id', 'won'])"
    )
    adapter = Adapter(
        world.source("adapter", code),
        world.root / "input",
        world.root / "carving",
        Limits(60, 1000),
        executor,
    )
    return list(adapter.units()["won"])


def as_grader(world: World, executor: Executor) -> list[bool]:
    """By the task's own grader, as bits of its grade."""
    code = f"def grade(submission, answers):\n    return sum(won << n for n, won in enumerate(tried({ATTEMPTS!r})))"
    (world.root / "input" / "grade.py").write_text(world.source("grader", code))
    (value,) = GraderProcess("input/grade.py", "grade", world.root / "input", executor=executor).values(
        pd.DataFrame(), pd.DataFrame()
    )
    return [bool(int(value) >> n & 1) for n in range(len(ATTEMPTS))]


HOSTS = {"program": as_program, "adapter": as_adapter, "grader": as_grader}
"""Who runs code that somebody else wrote."""


def reach(world: World, executor: Executor, host: str) -> dict[str, bool]:
    """All attempts of REACH: whether each was held, as the world noticed or else as it says itself."""
    held = {a.tries: not won for a, won in zip(REACH, HOSTS[host](world, executor), strict=True)}
    held["send by UDP"] = not world.has_heard()
    held[REACH[-1].tries] = not Path(f"/dev/shm/{world.mark}-{host}").exists()
    return held
