"""The way to a Ray cluster, for those who have Ray."""

import atexit
import importlib.util
import logging
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.execution.interpreter import is_interpreter
from gome.tools.execution.runtime import read_requirements

if TYPE_CHECKING:
    from gome.tools.execution.ray_scheduler import RayScheduler


def check_ray() -> None:
    """GomeError if Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise GomeError("scheduler 'ray' needs Ray: pip install 'gome[ray]', here and on every node")


def open_ray(run_dir: Path, config: RunConfig) -> "RayScheduler":
    """A scheduler in the cluster at the configured address (HOST:PORT, or 'auto' for one that this machine is part of);
    without an address in a Ray of its own on this machine. What it places on the nodes is removed when this process ends.

    Raises GomeError if Ray is missing, can't be reached, or has no node that is fit.
    """
    check_ray()
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    import ray

    address = config.address
    if not ray.is_initialized():
        local: dict[str, Any] = {} if address else {"include_dashboard": False}
        try:
            ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **local)
        except (ConnectionError, ValueError, RuntimeError) as error:
            said = str(error).strip().splitlines()[0][:200]
            raise GomeError(f"--address {address}: no Ray cluster can be reached there ({said})") from None
    from gome.tools.execution.ray_node import Place
    from gome.tools.execution.ray_scheduler import RayScheduler

    place = Place(config.min_isolation, *_runtime(config.runtime))
    scheduler = RayScheduler(run_dir, place, slots=config.slots, traces=config.traces)
    atexit.register(scheduler.close)
    return scheduler


def _runtime(named: str | None) -> tuple[str | None, str | None]:
    """(interpreter, text of the requirements): the one has to be on every node, the other is sent there."""
    if named is None:
        return None, None
    return (named, None) if is_interpreter(Path(named)) else (None, read_requirements(Path(named)))
