"""Which isolation this machine gives: tried out with a real job, not guessed."""

import re
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

from gome.state.config import Isolation
from gome.state.errors import GomeError
from gome.tools.execution.job import Executor, Job
from gome.tools.execution.sandbox.bubblewrap import BubblewrapExecutor
from gome.tools.execution.sandbox.control_group import find_groups
from gome.tools.execution.sandbox.landlock import LandlockExecutor
from gome.tools.execution.sandbox.plain import PlainExecutor
from gome.tools.execution.sandbox.userns import UsernsExecutor

LEVELS: tuple[Isolation, ...] = ("plain", "landlock", "userns", "bubblewrap")
"""Weakest first."""
_TRIAL = """
open('submission.csv', 'w').write(open('input/greeting.txt').read())
try:
    open({secret!r}).close()
except OSError:
    pass
else:
    open('submission.csv', 'a').write('leak')
"""
_GREETING = "hello\n"


def probe(python: Path) -> Executor:
    """The strongest executor that works here for the environment `python` belongs to. Takes about 0.1 s; not cached."""
    return _probe(python)[0]


def choose_executor(minimum: Isolation, python: Path) -> Executor:
    """As `probe`. GomeError if the level reached is below `minimum`."""
    executor, lack = _probe(python)
    if LEVELS.index(executor.level) < LEVELS.index(minimum):
        raise GomeError(
            f"isolation '{minimum}' is asked for, but only '{executor.level}' works here: {lack}. Install bubblewrap "
            "(apt install bubblewrap, dnf install bubblewrap) and allow user namespaces, or set min_isolation to "
            f"'{executor.level}'"
        )
    return executor


def levels(python: Path) -> dict[Isolation, str]:
    """Each level, strongest first, and why it does not work here: '' where it does."""
    return _absent() | {executor.level: _trial(executor) for executor in _executors(python)}


def _absent() -> dict[Isolation, str]:
    programs: dict[Isolation, str] = {"bubblewrap": "bwrap", "userns": "unshare"}
    return {level: f"{name} is not installed" for level, name in programs.items() if not shutil.which(name)}


def _executors(python: Path) -> Iterator[Executor]:
    """What may work here, strongest first."""
    groups, _ = find_groups()
    if bwrap := shutil.which("bwrap"):
        yield BubblewrapExecutor(python, groups, bwrap)
    if unshare := shutil.which("unshare"):
        yield UsernsExecutor(python, groups, unshare)
    yield LandlockExecutor(python, groups)
    yield PlainExecutor(python, groups)


def _probe(python: Path) -> tuple[Executor, str]:
    """The strongest executor that works, and why each stronger one does not."""
    lacks = list(_absent().values())
    for executor in _executors(python):
        lack = "" if executor.level == "plain" else _trial(executor)
        if not lack:
            break
        lacks.append(f"{executor.level}: {re.sub('^(bwrap|unshare|userns|landlock): ', '', lack)}")
    return executor, "; ".join(lacks)


def _trial(executor: Executor) -> str:
    """Run a small program that also tries to read a file it must not see; what went wrong, or ''."""
    with tempfile.TemporaryDirectory(prefix="gome-probe-") as folder:
        root = Path(folder)
        (root / "input").mkdir()
        (root / "input" / "greeting.txt").write_text(_GREETING)
        secret = root / "secret.txt"
        secret.write_text("secret")
        program = root / "trial.py"
        program.write_text(_TRIAL.format(secret=str(secret.resolve())))
        job = Job(
            program, root / "input", root / "work", 0, wall_s=30, memory_mb=1024, output_mb=16, threads=1
        )
        outcome = executor.run(job, stop=lambda: False)
        written = outcome.submission.read_text() if outcome.submission else ""
        if written == _GREETING or (written and executor.level == "plain"):  # plain has no walls
            return ""
        if written:
            return "a trial program read a file outside its folder"
        lines = outcome.log.strip().splitlines()
        return lines[-1][:200] if lines else f"a trial ended with {outcome.reason}"
