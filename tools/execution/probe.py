"""Which isolation this machine gives: tried out with a real job, not guessed."""

import shutil
import tempfile
from pathlib import Path

from gome.state.config import Isolation
from gome.state.errors import GomeError
from gome.tools.execution.bubblewrap import BubblewrapExecutor
from gome.tools.execution.job import Executor, Job
from gome.tools.execution.plain import PlainExecutor

_LEVELS: tuple[Isolation, ...] = ("plain", "bubblewrap")
_TRIAL = "open('submission.csv', 'w').write(open('input/greeting.txt').read())"
_GREETING = "hello\n"


def probe(python: Path) -> Executor:
    """The strongest executor that works here for the environment `python` belongs to. Takes about 0.1 s; not cached."""
    return _probe(python)[0]


def choose_executor(minimum: Isolation, python: Path) -> Executor:
    """As `probe`. GomeError if the level reached is below `minimum`."""
    executor, lack = _probe(python)
    if _LEVELS.index(executor.level) < _LEVELS.index(minimum):
        raise GomeError(
            f"isolation '{minimum}' is asked for, but only '{executor.level}' works here: {lack}. Install bubblewrap "
            "(apt install bubblewrap, dnf install bubblewrap) and allow user namespaces, or set min_isolation to 'plain'"
        )
    return executor


def _probe(python: Path) -> tuple[Executor, str]:
    """The executor and, where it is not the strongest, why."""
    bwrap = shutil.which("bwrap")
    if bwrap is None:
        return PlainExecutor(python), "bwrap is not installed"
    executor = BubblewrapExecutor(python, bwrap)
    lack = _trial(executor)
    return (PlainExecutor(python), lack) if lack else (executor, "")


def _trial(executor: Executor) -> str:
    """Run a small program; the last line of what went wrong, '' if nothing did."""
    with tempfile.TemporaryDirectory(prefix="gome-probe-") as folder:
        root = Path(folder)
        (root / "input").mkdir()
        (root / "input" / "greeting.txt").write_text(_GREETING)
        program = root / "trial.py"
        program.write_text(_TRIAL)
        job = Job(
            program, root / "input", root / "work", 0, wall_s=30, memory_mb=1024, output_mb=16, threads=1
        )
        outcome = executor.run(job, stop=lambda: False)
        if outcome.submission and outcome.submission.read_text() == _GREETING:
            return ""
        lines = outcome.log.strip().splitlines()
        return (
            f"bwrap: {lines[-1].removeprefix('bwrap: ')[:200]}"
            if lines
            else f"a trial ended with {outcome.reason}"
        )
