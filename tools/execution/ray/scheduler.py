"""Programs on many machines: Ray decides on which node, the slots here decide whose turn it is."""

import hashlib
import math
import time
import uuid
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import ray
from ray import exceptions as lost
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from gome.state.config import Isolation
from gome.state.errors import GomeError
from gome.state.plain import JsonObject
from gome.state.prompt_context import Hardware
from gome.tools.execution.gpus import Gpu
from gome.tools.execution.hardware import named
from gome.tools.execution.job import Job, Outcome, stopped
from gome.tools.execution.ray.input_folders import Packer
from gome.tools.execution.ray.node import (
    Answer,
    Node,
    Order,
    Place,
    inspect_node,
    leave_node,
    run_on_node,
)
from gome.tools.execution.sandbox.probe import LEVELS
from gome.tools.execution.slots import Lease, Slots
from gome.tools.execution.workspace import SUBMISSION, remove_tree

TRIES = 3
_POLL_S, _LOOK_S, _LEAVE_S = 0.1, 2.0, 10.0
_LOST = (
    lost.NodeDiedError,
    lost.WorkerCrashedError,
    lost.ObjectLostError,
    lost.LocalRayletDiedError,
    lost.TaskUnschedulableError,
)


class RayScheduler:
    """Slots in a Ray cluster that is connected already; safe to share between threads.

    A program whose node is lost starts over on another one, at most twice. It asks Ray for one core for each of its
    threads and for the GPUs it needs; shared ones as the part of a card that their memory is. `patience_s` is how long
    it may wait while no node has that at all. Without a number of `slots`, there is one for each trace or each node.
    """

    def __init__(
        self, run_dir: Path, place: Place, *, slots: int, traces: int, patience_s: float = 60.0
    ) -> None:
        self._run = hashlib.sha256(str(run_dir.resolve()).encode()).hexdigest()[:32]
        self._place, self._patience_s = place, patience_s
        self._nodes = _inspect(self._run, place)
        cores = [node.cores for node in self._nodes]
        self.slots = slots or min(sum(cores), max(traces, len(cores)))
        self._threads = max(1, min(min(cores), sum(cores) // self.slots))
        gpus = [gpu for node in self._nodes for gpu in node.gpus]
        self._slots = Slots(self.slots, self._threads * self.slots, gpus)
        self._packer: Packer[Any] = Packer(ray.put)
        self._closed = False
        self._task = ray.remote(max_retries=0)(run_on_node)

    @property
    def level(self) -> Isolation:
        """The weakest of the nodes'."""
        return min((node.level for node in self._nodes), key=LEVELS.index)

    @property
    def hardware(self) -> Hardware:
        """Of the smallest node, but all GPUs; see hardware.hardware."""
        machines = [node.hardware for node in self._nodes]
        return {
            "cpus": min(machine["cpus"] for machine in machines),
            "memory_gb": min(machine["memory_gb"] for machine in machines),
            "gpu": named(gpu for node in self._nodes for gpu in node.gpus),
        }

    def run(self, job: Job, *, trace: int, stop: Callable[[], bool]) -> Outcome:
        """See Scheduler.run. GomeError if no node is left that could run it."""
        with self._slots.lease(trace, job.resources, stop) as lease:
            if lease is None:
                return stopped(self.level)
            inputs = self._packer.pack(job.input_dir)
            said = ""
            for _ in range(TRIES):
                order = Order(
                    run=self._run,
                    attempt=uuid.uuid4().hex,
                    program=job.program.read_text(),
                    job=replace(
                        job, threads=lease.threads, resources=replace(job.resources, gpus=len(lease.gpus))
                    ),
                    inputs=inputs,
                    place=self._place,
                )
                try:
                    return self._attempt(order, lease, stop)
                except _LOST as error:
                    said = str(error).strip().splitlines()[0]
            text = f"[gome] the node was lost {TRIES} times: {said}\n"
            return replace(stopped(self.level), reason="error", log=text)

    def close(self) -> None:
        """Remove what the run has placed on the nodes; once."""
        if self._closed:
            return
        self._closed = True
        on_each = [_on(node.id, leave_node).remote(self._run) for node in self._nodes]
        ray.wait(on_each, num_returns=len(on_each), timeout=_LEAVE_S)

    def _attempt(self, order: Order, lease: Lease, stop: Callable[[], bool]) -> Outcome:
        """Run it once. Raises one of _LOST if the node is lost."""
        gpus = _share(lease.gpus, order.job.resources.gpu_memory_mb)
        task = self._task.options(num_cpus=lease.threads, num_gpus=gpus, scheduling_strategy="SPREAD")
        pending = task.remote(order)
        waiting = _Waiting(lease.threads, gpus, self._patience_s)
        while not ray.wait([pending], timeout=_POLL_S)[0]:
            if stop():
                ray.cancel(pending, force=True)
                return stopped(self.level)
            waiting.look()
        try:
            return _outcome(ray.get(pending), order.job.work_dir)
        except lost.OutOfMemoryError:
            text = "\n[gome] ended: the node was short of memory\n"
            return replace(stopped(self.level), reason="memory", log=text)
        except lost.RayTaskError as error:
            if isinstance(error.cause, GomeError):
                raise GomeError(str(error.cause)) from None
            raise


class _Waiting:
    """Looks now and then whether any node could run a program with these resources."""

    def __init__(self, cores: int, gpus: float, patience_s: float) -> None:
        self._cores, self._gpus, self._patience_s = cores, gpus, patience_s
        self._fit_at = self._looked_at = time.monotonic()

    def look(self) -> None:
        """GomeError if there has been none for too long."""
        now = time.monotonic()
        if now - self._looked_at < _LOOK_S:
            return
        self._looked_at = now
        totals = [node["Resources"] for node in _alive()]
        if any(t.get("CPU", 0) >= self._cores and t.get("GPU", 0) >= self._gpus for t in totals):
            self._fit_at = now
        elif now - self._fit_at > self._patience_s:
            asked = f"{self._cores} cores" + (f" and {self._gpus} GPUs" if self._gpus else "")
            raise GomeError(f"the Ray cluster has no node left with {asked}; mend it and resume the run")


def _alive() -> list[JsonObject]:
    """The nodes that can run anything."""
    return [node for node in ray.nodes() if node["Alive"] and node["Resources"].get("CPU", 0) >= 1]


def _on(node: str, function: Callable[..., Any]) -> Any:
    """The function as a task that costs nothing, on that node and no other."""
    there = NodeAffinitySchedulingStrategy(node, soft=False)
    options: JsonObject = {"num_cpus": 0, "max_retries": 0, "scheduling_strategy": there}
    return ray.remote(**options)(function)


def _inspect(run: str, place: Place) -> list[Node]:
    """The nodes, made ready for the run; those that are lost meanwhile are left out."""
    asked = [(node, _on(node["NodeID"], inspect_node).remote(run, place)) for node in _alive()]
    nodes = []
    for node, pending in asked:
        try:
            found = ray.get(pending)
        except _LOST:
            continue
        except lost.RayTaskError as error:
            if isinstance(error.cause, GomeError):
                raise GomeError(str(error.cause)) from None
            raise GomeError(
                f"a Ray node can't run programs: {_last_line(error)}; is gome installed there?"
            ) from None
        offered = node["Resources"]
        gpus = _offered(found, int(offered.get("GPU", 0)))
        nodes.append(replace(found, cores=int(offered["CPU"]), gpus=gpus))
    if not nodes:
        raise GomeError("the Ray cluster has no node with a core to run programs on")
    return nodes


def _last_line(error: Exception) -> str:
    return str(error).strip().splitlines()[-1][:300]


def _offered(node: Node, count: int) -> list[Gpu]:
    """As many cards as Ray gives out there, which it may have been told; their memory is known if all are Ray's."""
    if count == len(node.gpus):
        return node.gpus
    return [Gpu(str(index), "GPU", 0, node.id) for index in range(count)]


def _share(gpus: tuple[Gpu, ...], memory_mb: int) -> float:
    """How many cards to ask Ray for: whole ones, or of one card the hundredths that its memory is."""
    if len(gpus) != 1 or not memory_mb or memory_mb > gpus[0].memory_mb:
        return len(gpus)
    return min(1.0, math.ceil(100 * memory_mb / gpus[0].memory_mb) / 100)


def _outcome(answer: Answer, work_dir: Path) -> Outcome:
    """The answer's outcome, with its submission in the working folder here."""
    if answer.submission is None:
        return answer.outcome
    remove_tree(work_dir)
    work_dir.mkdir(parents=True)
    path = work_dir / SUBMISSION
    path.write_bytes(answer.submission)
    return replace(answer.outcome, submission=path)
