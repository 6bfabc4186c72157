"""What runs on a node of a Ray cluster: one program, in a folder of its own attempt, with what it needs placed before.

Every attempt has a fresh folder, and its result is nothing but the answer that the function returns: a program that
runs on after its node was given up writes where nobody reads, and its answer is not asked for any more.
"""

import functools
import shutil
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import ray

from gome.state.config import Isolation
from gome.state.errors import GomeError
from gome.state.prompt_context import Hardware
from gome.tools.execution.environment.runtime import ensure_runtime
from gome.tools.execution.gpus import Gpu, find_gpus
from gome.tools.execution.hardware import hardware
from gome.tools.execution.job import Executor, Job, Outcome
from gome.tools.execution.ray.input_folders import PackedFolder, lay_in
from gome.tools.execution.sandbox.probe import choose_executor
from gome.tools.execution.workspace import remove_tree


@dataclass(frozen=True)
class Place:
    """What a node has to offer: this isolation or a stronger one; an interpreter at this path, or an environment built
    of these requirements (their text), or of the pinned ones."""

    minimum: Isolation
    interpreter: str | None = None
    requirements: str | None = None


@dataclass(frozen=True)
class Order:
    """A program to run. `job` says all but where it and its folders are; `attempt` is used once."""

    run: str
    attempt: str
    program: str
    job: Job
    inputs: PackedFolder[Any]
    place: Place


@dataclass(frozen=True)
class Answer:
    """The outcome, its `submission` instead of its path as content, and where it was."""

    outcome: Outcome
    submission: bytes | None
    node: str


@dataclass(frozen=True)
class Node:
    """What a node has: `hardware` as of hardware.hardware(), and the `cores` that Ray may use."""

    id: str
    cores: int
    hardware: Hardware
    gpus: list[Gpu]
    level: Isolation


def inspect_node(run: str, place: Place) -> Node:
    """This node, made ready for a run: what an earlier driver of it left behind is removed. GomeError if not fit."""
    executor = _executor(place)
    remove_tree(_root(run) / "attempts")
    node = _node_id()
    gpus = [replace(gpu, node=node) for gpu in find_gpus()]
    machine = hardware()
    return Node(node, machine["cpus"], machine, gpus, executor.level)


def run_on_node(order: Order) -> Answer:
    """Run a program on this node. GomeError if the node is not fit for it."""
    executor, root = _executor(order.place), _root(order.run)
    input_dir = lay_in(root, order.inputs, ray.get)
    folder = root / "attempts" / order.attempt
    folder.mkdir(parents=True)
    try:
        program = folder / "program.py"
        program.write_text(order.program)
        gpus = tuple(str(gpu) for gpu in ray.get_gpu_ids()) if order.job.resources.gpus else ()
        job = replace(order.job, program=program, input_dir=input_dir, work_dir=folder / "work", gpus=gpus)
        outcome = executor.run(job, stop=lambda: False)  # a stop kills this process, and with it the program
        content = outcome.submission.read_bytes() if outcome.submission else None
        return Answer(replace(outcome, submission=None), content, _node_id())
    finally:
        remove_tree(folder)


def leave_node(run: str) -> None:
    """Remove all that the run has placed on this node."""
    shutil.rmtree(_root(run), ignore_errors=True)


@functools.cache
def _executor(place: Place) -> Executor:
    named = place.interpreter
    try:
        if place.requirements is not None:
            named = f"{tempfile.mkdtemp(prefix='gome-')}/requirements.txt"
            Path(named).write_text(place.requirements)
        return choose_executor(place.minimum, ensure_runtime(named).python)
    except GomeError as error:
        raise GomeError(f"Ray node {ray.util.get_node_ip_address()}: {error}") from None


def _root(run: str) -> Path:
    return Path(tempfile.gettempdir()) / "gome-ray" / _node_id() / run


def _node_id() -> str:
    return str(ray.get_runtime_context().get_node_id())
