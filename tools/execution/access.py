"""From the configuration to the scheduler: where the run's programs will run."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.execution.e2b.access import check_e2b, open_e2b
from gome.tools.execution.environment.runtime import Runtime
from gome.tools.execution.gpus import find_gpus
from gome.tools.execution.hardware import hardware
from gome.tools.execution.job import Executor
from gome.tools.execution.ray.access import check_ray, open_ray
from gome.tools.execution.sandbox.probe import choose_executor
from gome.tools.execution.scheduler import LocalScheduler, Scheduler
from gome.tools.execution.slots import Slots, default_slots

SANDBOXES_PER_SLOT = 2  # one has seen the smoke part, the other the search part
SchedulerMaker = Callable[[Executor, Slots], Scheduler]


def check_access(config: RunConfig) -> None:
    """GomeError if what the configuration asks for is not installed or does not go together. Starts nothing."""
    if config.executor == "e2b":
        check_e2b(config.runtime, config.max_usd)
    if config.scheduler == "ray":
        check_ray()
        if config.executor == "e2b":
            raise GomeError("executor 'e2b' runs programs at the E2B service: use it with scheduler 'local'")
    elif config.address is not None:
        raise GomeError("--address names a Ray cluster: use it with --scheduler ray")


def open_scheduler(
    config: RunConfig,
    run_dir: Path,
    runtime: Runtime,
    held: ExitStack,
    executor: Executor | None = None,
    make: SchedulerMaker = LocalScheduler,
) -> Scheduler:
    """What the configuration asks for. An `executor` replaces its own, on this machine, and `make` the scheduler of
    this machine. What is rented or placed elsewhere is let go of with what the run has `held`. GomeError if what is asked
    for is not to be had.
    """
    if config.scheduler == "ray" and executor is None:
        cluster = open_ray(run_dir, config)
        held.callback(cluster.close)
        return cluster
    slots = config.slots or default_slots(hardware()["cpus"], config.traces)
    if executor is None and config.executor == "e2b":
        rented = open_e2b(run_dir, SANDBOXES_PER_SLOT * slots, config.runtime, config.max_usd)
        held.callback(rented.close)
        executor = rented
    if executor is None:
        executor = choose_executor(config.min_isolation, runtime.python)
    return make(executor, Slots(slots, gpus=find_gpus()))
