"""Which isolation this machine gives: found out by running a real program, strongest level first."""

import tempfile
from pathlib import Path

from gome.state.config import Isolation
from gome.state.errors import GomeError
from gome.tools.execution.bubblewrap import BubblewrapExecutor
from gome.tools.execution.job import Executor, Job
from gome.tools.execution.plain import PlainExecutor

_LEVELS: tuple[Isolation, ...] = ("plain", "bubblewrap")
_PROGRAM = "open('submission.csv', 'w').write('ok')\n"


def probe(python: Path) -> Executor:
    """The strongest executor that runs a trivial program here."""
    try:
        strong = BubblewrapExecutor(python)
        if _works(strong):
            return strong
    except OSError:
        pass
    return PlainExecutor(python)


def choose_executor(minimum: Isolation, python: Path) -> Executor:
    """The strongest executor at hand. GomeError if it is below `minimum`."""
    executor = probe(python)
    if _LEVELS.index(executor.level) < _LEVELS.index(minimum):
        raise GomeError(
            f"isolation '{minimum}' is demanded but this machine gives '{executor.level}': "
            "install bubblewrap (apt-get install bubblewrap) or pass --min-isolation plain"
        )
    return executor


def _works(executor: Executor) -> bool:
    with tempfile.TemporaryDirectory(prefix="gome-probe-") as folder:
        root = Path(folder)
        (root / "input").mkdir()
        (root / "program.py").write_text(_PROGRAM)
        job = Job(
            program=root / "program.py",
            input_dir=root / "input",
            work_dir=root / "work",
            seed=0,
            wall_s=20,
            memory_mb=1024,
            output_mb=1,
            threads=1,
        )
        outcome = executor.run(job, stop=lambda: False)
        return outcome.reason == "ok" and outcome.submission is not None
