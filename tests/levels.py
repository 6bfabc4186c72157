"""The levels of isolation that run programs on this machine, strongest first, and why any of them does not work here.

`GROUPS` are the control groups that their programs get, None where there are none.
"""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from gome.state.config import Isolation
from gome.tools.execution.job import Executor
from gome.tools.execution.sandbox.bubblewrap import BubblewrapExecutor
from gome.tools.execution.sandbox.control_group import find_groups
from gome.tools.execution.sandbox.landlock import LandlockExecutor
from gome.tools.execution.sandbox.plain import PlainExecutor
from gome.tools.execution.sandbox.probe import levels
from gome.tools.execution.sandbox.userns import UsernsExecutor

PYTHON = Path(sys.executable)
LACKS = levels(PYTHON)
GROUPS, NO_GROUPS = find_groups()
EXECUTORS: dict[Isolation, Callable[..., Executor]] = {
    kind.LEVEL: partial(kind, groups=GROUPS)
    for kind in (BubblewrapExecutor, UsernsExecutor, LandlockExecutor, PlainExecutor)
}
