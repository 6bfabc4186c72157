"""The way to a Ray cluster, for those who have Ray."""

import atexit
import importlib.util
import logging
import os
import socket
import threading
from pathlib import Path
from typing import TYPE_CHECKING

from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.state.plain import JsonObject
from gome.tools.execution.environment.interpreter import is_interpreter
from gome.tools.execution.environment.runtime import read_requirements

CONNECT_S = 10.0

if TYPE_CHECKING:
    from gome.tools.execution.ray.scheduler import RayScheduler


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
    if address and address != "auto":
        _make_sure_somebody_listens(address)
    if not ray.is_initialized():
        _connect(address)
    from gome.tools.execution.ray.node import Place
    from gome.tools.execution.ray.scheduler import RayScheduler

    place = Place(config.min_isolation, *_runtime(config.runtime))
    scheduler = RayScheduler(run_dir, place, slots=config.slots, traces=config.traces)
    atexit.register(scheduler.close)
    return scheduler


def _runtime(named: str | None) -> tuple[str | None, str | None]:
    """(interpreter, text of the requirements): the one has to be on every node, the other is sent there."""
    if named is None:
        return None, None
    return (named, None) if is_interpreter(Path(named)) else (None, read_requirements(Path(named)))


def _make_sure_somebody_listens(address: str) -> None:
    """GomeError if not; Ray itself would go on trying for minutes."""
    host, _, port = address.rpartition(":")
    if not host or not port.isdigit():
        raise GomeError(
            f"--address {address}: give HOST:PORT of the cluster's head (port 6379 by default), or 'auto'"
        )
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=CONNECT_S).close()
    except (OSError, OverflowError) as error:
        raise GomeError(f"--address {address}: no Ray cluster can be reached there ({error})") from None


def _connect(address: str | None) -> None:
    """Connect, from a thread that ends with the process: the processes of a Ray of our own die with the thread that
    started them. GomeError if it can't be done."""
    import ray

    failed: list[Exception] = []
    connected = threading.Event()

    def stay() -> None:
        own: JsonObject = {} if address else {"include_dashboard": False}
        try:
            ray.init(address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
        except Exception as error:
            failed.append(error)
            return
        finally:
            connected.set()
        threading.Event().wait()

    threading.Thread(target=stay, name="gome-ray", daemon=True).start()
    connected.wait()
    if failed:
        said = (str(failed[0]).strip().splitlines() or [type(failed[0]).__name__])[0][:200]
        where = f"--address {address}" if address else "a Ray of its own on this machine"
        raise GomeError(f"{where}: no Ray cluster can be reached there ({said})") from None
