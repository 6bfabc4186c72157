"""The way to the E2B service, for those who have its SDK and a key."""

import atexit
import importlib.util
import os
from pathlib import Path
from typing import TYPE_CHECKING

from gome.state.errors import GomeError
from gome.tools.execution.e2b.cost import PRICE, usd_per_hour
from gome.tools.execution.environment.runtime import PINS, names_interpreter

if TYPE_CHECKING:  # the SDK may be absent
    from gome.tools.execution.e2b.executor import E2BExecutor


def check_e2b(runtime: str | None = None, max_usd: float | None = None) -> None:
    """GomeError if the SDK or the key is missing, if `runtime` can't be had there, or if money is capped and the price
    is not known. Asks the service nothing.
    """
    if runtime and names_interpreter(runtime):
        raise GomeError(
            f"runtime {runtime}: an interpreter of this machine is not in E2B's sandboxes; name a requirements file"
        )
    if runtime and os.environ.get("E2B_TEMPLATE"):
        raise GomeError("a runtime and E2B_TEMPLATE both say which packages there are: leave one of them out")
    if importlib.util.find_spec("e2b") is None:
        raise GomeError("executor 'e2b' needs the E2B SDK: pip install 'gome[e2b]'")
    if not os.environ.get("E2B_API_KEY"):
        raise GomeError("executor 'e2b' needs a key of the E2B service (e2b.dev) in E2B_API_KEY")
    if usd_per_hour() is None and max_usd is not None:
        raise GomeError(
            f"--max-usd can't be held: what a sandbox costs is not known; give the price of an hour in {PRICE}"
        )


def open_e2b(
    run_dir: Path, sandboxes: int, requirements: str | None = None, max_usd: float | None = None
) -> "E2BExecutor":
    """An executor for at most `sandboxes` sandboxes at a time, which end when this process does. `requirements` is a
    file of packages in place of the pinned ones.

    The service is reached as the `e2b` SDK does it, with E2B_API_KEY. E2B_TEMPLATE names a template that holds the
    solutions' packages; without it they are installed once and kept as a snapshot in the account. E2B_LIFETIME_S is how
    long the account lets a sandbox live, by default 3600 s; E2B_USD_PER_HOUR what it costs, which `max_usd` needs.

    Raises GomeError if the SDK, the key or that price is missing, or the service refuses the key.
    """
    check_e2b(max_usd=max_usd)
    from gome.tools.execution.e2b.executor import MARGIN_S, E2BExecutor
    from gome.tools.execution.e2b.pool import Pool
    from gome.tools.execution.e2b.template import Service

    lifetime = os.environ.get("E2B_LIFETIME_S") or "3600"
    if not lifetime.isdigit() or int(lifetime) <= 2 * MARGIN_S:
        raise GomeError(f"E2B_LIFETIME_S={lifetime}: use whole seconds above {2 * MARGIN_S}")
    service = Service(
        template=os.environ.get("E2B_TEMPLATE") or None,
        requirements=Path(requirements) if requirements else PINS,
        lifetime_s=int(lifetime),
    )
    executor = E2BExecutor(Pool(run_dir, sandboxes, service))
    atexit.register(executor.close)
    return executor
