"""Hostile programs at every level (tests/adversary.py): docs/execution.md shows what each level holds."""

import contextlib
import ctypes
import importlib.util
import json
import os
import re
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import psutil
import pytest

from gome.graph.registry import ServiceRegistry
from gome.graph.run_layout import prepare_run
from gome.state.config import RunConfig
from gome.tools.execution.job import Executor, Job, Outcome
from gome.tools.execution.sandbox.control_group import ControlGroups
from tests.adversary import ALL, GREED, HELPERS, LOCAL, OUTPUTS, REACH, Attack, table
from tests.e2b_server import KEY, fake_service
from tests.levels import EXECUTORS, GROUPS, LACKS, NO_GROUPS, PYTHON

DOCS = Path(__file__).parents[2] / "docs" / "execution.md"
AT_ONCE = 4
SHORT_S = 1.2  # that a program which nobody is to end still waits: longer than the files are looked at


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

    def job(self, name: str, code: str, patience: float = 60, **limits: float) -> Job:
        """A job with small limits, whose program is `code` below the helpers."""
        program = self.root / f"{name}.py"
        targets = {**self.targets, "mark": f"{self.mark}-{name}"}
        program.write_text(f"W, PATIENCE = {targets!r}, {patience}\n{HELPERS}\n{code}\n")
        small = {"wall_s": 60.0, "memory_mb": 150, "output_mb": 5.0, "tasks": 60, "files": 300, **limits}
        return Job(program, self.root / "input", self.root / f"work-{name}", 0, **small)  # type: ignore[arg-type]

    def has_heard(self) -> bool:
        """Whether a datagram came in."""
        self.udp.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            return bool(self.udp.recv(10))
        return False

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


def reach(world: World, run: Callable[[Job], Outcome]) -> dict[str, tuple[bool, str]]:
    """All attempts of REACH in one program, each in a process of its own: whether it was held, and what it said."""
    attempts = "\n".join(
        f"if fork():\n    try:\n        {attack.code}\n        print('WON {n}.')\n"
        f"    except BaseException as error:\n        print('HELD {n}.', repr(error))\n    os._exit(0)\nos.wait()"
        for n, attack in enumerate(REACH)
    )
    log = run(world.job("reach", attempts)).log
    held = {}
    for n, attack in enumerate(REACH):
        assert (f"WON {n}." in log) != (f"HELD {n}." in log), log
        held[attack.tries] = f"HELD {n}." in log, log
    held["send by UDP"] = not world.has_heard(), log
    held[REACH[-1].tries] = not Path(f"/dev/shm/{world.mark}-reach").exists(), log
    return held


def greed(
    world: World, run: Callable[[Job], Outcome], attack: Attack, name: str, *, held: bool
) -> tuple[bool, str]:
    patience = 60 if held else SHORT_S
    limits = {"wall_s": 1.0} if attack.reason == "timeout" else {}
    outcome = run(world.job(name, attack.code, patience, **limits))
    left = world.left_over(name)
    for process in left:
        process.kill()
    ended_so = attack.reason == "any" or outcome.reason in attack.reason.split("|")
    return ended_so and not left, f"{outcome}, left: {left}"


def outputs(world: World, run: Callable[[Job], Outcome], attack: Attack, name: str) -> tuple[bool, str]:
    outcome = run(world.job(name, attack.code))
    return outcome.submission is None, str(outcome)


def fought(
    level: str, attacks: Sequence[Attack], groups: ControlGroups | None
) -> dict[str, tuple[bool, str]]:
    """Those of these attacks that can be tried at a level: whether it was held, and what is to be seen of it."""
    with world() as at, executor_of(level, at.root, groups) as executor, ThreadPoolExecutor(AT_ONCE) as pool:

        def run(job: Job) -> Outcome:
            return executor.run(job, stop=lambda: False)

        waiting = {}
        for n, attack in enumerate(attacks):
            if attack in GREED:
                expected = attack.holds_it(level, groups=groups is not None)
                waiting[attack.tries] = pool.submit(greed, at, run, attack, f"n{n}", held=expected)
            elif attack in OUTPUTS:
                waiting[attack.tries] = pool.submit(outputs, at, run, attack, f"n{n}")
        held = reach(at, run) if set(attacks) >= set(REACH) else {}
        return {**held, **{tries: future.result() for tries, future in waiting.items()}}


def missing(attack: Attack) -> bool:
    """Whether this machine lacks what the attack needs."""
    lacks = {
        "root": os.geteuid() != 0,
        "userns": bool(LACKS["userns"]),
        "groups": GROUPS is None,
        "attributes": not takes_attributes(Path(tempfile.gettempdir())),
    }
    return lacks.get(attack.needs, False)


def takes_attributes(folder: Path) -> bool:
    """Whether files there can have attributes of the user's."""
    with tempfile.NamedTemporaryFile(dir=folder) as file, contextlib.suppress(OSError):
        os.setxattr(file.name, "user.x", b"1")
        return True
    return False


def skip_if_it_does_not_run(level: str) -> None:
    if level == "e2b" and importlib.util.find_spec("e2b") is None:
        pytest.skip("the E2B SDK is not installed")
    if level != "e2b" and LACKS[level]:  # type: ignore[index]
        pytest.skip(f"{level} does not run here: {LACKS[level]}")  # type: ignore[index]


@pytest.mark.parametrize("level", ALL)
def test_what_a_level_holds(level: str) -> None:
    skip_if_it_does_not_run(level)
    attacks = [a for a in (*REACH, *GREED, *OUTPUTS) if level != "e2b" or level in a.holds]
    compare(level, attacks, None if level == "e2b" else GROUPS)


@pytest.mark.skipif(GROUPS is None, reason=f"nothing else is tried: {NO_GROUPS}")
@pytest.mark.parametrize("level", LOCAL)
def test_what_is_held_without_control_groups(level: str) -> None:
    skip_if_it_does_not_run(level)
    compare(level, [attack for attack in GREED if "memory" in attack.reason], None)


def compare(level: str, attacks: Sequence[Attack], groups: ControlGroups | None) -> None:
    results = fought(level, attacks, groups)
    expected = {a.tries: a.holds_it(level, groups=groups is not None) or missing(a) for a in attacks}
    assert results.keys() == expected.keys()
    wrong = [f"{tries}: {seen}" for tries, (held, seen) in results.items() if held != expected[tries]]
    assert not wrong, "\n".join(wrong)


def test_the_documented_table_is_this_one() -> None:
    rows = table()
    shown = [line for line in DOCS.read_text().splitlines() if line.startswith("| ") and line in rows]
    tried = [line for line in DOCS.read_text().splitlines() if "held" in line and line.startswith("| ")]
    assert shown == rows
    assert tried == rows


@pytest.mark.parametrize("level", ALL)
def test_what_is_graded_is_a_copy_that_nobody_else_has_open(level: str, tmp_path: Path) -> None:
    skip_if_it_does_not_run(level)
    (tmp_path / "input").mkdir()
    (tmp_path / "p.py").write_text(
        "import os, time\nopen('submission.csv', 'w').write('mine')\nopen('written', 'w').close()\n"
        "while not os.path.exists('seen'): time.sleep(0.01)\n"
    )
    job = Job(tmp_path / "p.py", tmp_path / "input", tmp_path / "work", 0, 60, 400, 5)
    with executor_of(level, tmp_path) as executor, contextlib.ExitStack() as held:
        files = []

        def left_over() -> bool:
            """Opens the file, as a process that outlived its program would have it."""
            for mark in (
                () if files else (*tmp_path.glob("work/written"), *tmp_path.glob("service/*/work/written"))
            ):
                files.append(held.enter_context(mark.with_name("submission.csv").open("r+")))
                mark.with_name("seen").touch()
            return False

        outcome = executor.run(job, stop=left_over)
        (file,) = files
        file.write("forged")
        file.flush()
        assert Path(file.name).read_text() == "forged"
    assert outcome.submission is not None
    assert outcome.submission.read_text() == "mine"


SEEN = """
import glob, os
paths = [os.getcwd(), os.path.realpath("input"), *map(os.path.realpath, glob.glob("input/*")), *os.environ.values()]
for name in ("self/mountinfo", "self/cmdline", "1/cmdline", "self/environ", "self/maps"):
    try:
        paths.append(open(f"/proc/{name}").read())
    except OSError:
        pass
print(*paths, sep="\\n")
"""


@pytest.mark.parametrize("level", ALL)
def test_no_path_tells_which_split_it_is(level: str, diabetes: Path, tmp_path: Path) -> None:
    skip_if_it_does_not_run(level)
    run_dir = prepare_run(str(diabetes), RunConfig(run_dir=str(tmp_path / "run")))
    with executor_of(level, tmp_path) as executor:
        registry = ServiceRegistry(executor=executor)
        evaluator = registry.services(run_dir, None, lambda event: None).evaluator
        for split in ("smoke", "search", "selection", "final"):
            log = evaluator.artifacts.get_text(evaluator.evaluate(SEEN, split)["log"])
            assert "input" in log, log
            assert not re.search(r"smoke|search|selection|final", log), log
        registry.close(run_dir)


def test_what_a_submission_holds_is_neither_unpacked_nor_run(diabetes: Path, tmp_path: Path) -> None:
    script = [sys.executable, str(Path(__file__).parents[1] / "hostile_contents.py")]
    folder = tmp_path / "contents"
    folder.mkdir()
    subprocess.run([*script, "make", str(folder)], check=True)
    checked = subprocess.run(
        [*script, "check", str(folder), str(diabetes)],
        check=True,
        capture_output=True,
        text=True,
        timeout=300,
    )
    rows = [json.loads(line) for line in checked.stdout.splitlines()]
    assert len(rows) == 12
    for name, taken, said, grown_mb in rows:
        assert not taken, name
        assert 0 < said < 2000, (name, said)
        assert grown_mb < 200, (name, grown_mb)
    assert not list(tmp_path.rglob("sprung"))
