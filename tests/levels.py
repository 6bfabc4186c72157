"""The levels of isolation that run programs on this machine, strongest first, and why any of them does not work here."""

import sys
from collections.abc import Callable
from pathlib import Path

from gome.state.config import Isolation
from gome.tools.execution.job import Executor
from gome.tools.execution.sandbox.bubblewrap import BubblewrapExecutor
from gome.tools.execution.sandbox.landlock import LandlockExecutor
from gome.tools.execution.sandbox.plain import PlainExecutor
from gome.tools.execution.sandbox.probe import levels
from gome.tools.execution.sandbox.userns import UsernsExecutor

PYTHON = Path(sys.executable)
LACKS = levels(PYTHON)
EXECUTORS: dict[Isolation, Callable[[Path], Executor]] = {
    "bubblewrap": BubblewrapExecutor,
    "userns": UsernsExecutor,
    "landlock": LandlockExecutor,
    "plain": PlainExecutor,
}
