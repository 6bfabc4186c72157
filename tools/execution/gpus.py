"""The GPUs of a machine, which of them programs hold, and how much of their memory."""

import os
import shutil
import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gome.tools.execution.gpu_memory import driver
from gome.tools.execution.resources import Resources

_QUERY = ["--query-gpu=uuid,name,memory.total", "--format=csv,noheader,nounits"]


@dataclass(frozen=True)
class Gpu:
    """A card. `id` is what CUDA_VISIBLE_DEVICES calls it; `memory_mb` 0 if it is not known; `node` where it is."""

    id: str
    name: str
    memory_mb: int
    node: str = ""


def find_gpus() -> list[Gpu]:
    """The NVIDIA cards that this process may use: those that CUDA_VISIBLE_DEVICES names, all where it is not set.

    From the driver's library (NVML) where the package nvidia-ml-py is installed, else from the program nvidia-smi; []
    where there is neither, or no card.
    """
    cards = _by_library()
    return _visible(_by_program() if cards is None else cards)


def _by_library() -> list[Gpu] | None:
    """None without the package or the driver."""
    nvml = driver()
    if nvml is None:
        return None
    try:
        return [_card(nvml, index) for index in range(nvml.nvmlDeviceGetCount())]
    except nvml.NVMLError:
        return None
    finally:
        nvml.nvmlShutdown()


def _card(nvml: Any, index: int) -> Gpu:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)
    memory = int(nvml.nvmlDeviceGetMemoryInfo(handle).total) // 2**20
    return Gpu(str(nvml.nvmlDeviceGetUUID(handle)), str(nvml.nvmlDeviceGetName(handle)), memory)


def _by_program() -> list[Gpu]:
    program = shutil.which("nvidia-smi")
    if program is None:
        return []
    try:
        said = subprocess.run(
            [program, *_QUERY], capture_output=True, text=True, timeout=20, check=True
        ).stdout
    except (OSError, subprocess.SubprocessError):
        return []
    rows = [[part.strip() for part in line.split(",")] for line in said.splitlines()]
    return [Gpu(row[0], row[1], int(row[2]) if row[2].isdigit() else 0) for row in rows if len(row) == 3]


def _visible(cards: list[Gpu]) -> list[Gpu]:
    """Those that CUDA_VISIBLE_DEVICES names by number or by the start of their id; as in CUDA, up to the first that
    is not there."""
    named = os.environ.get("CUDA_VISIBLE_DEVICES")
    if named is None:
        return cards
    found: list[Gpu] = []
    for name in (part.strip() for part in named.split(",")):
        fitting = [c for i, c in enumerate(cards) if name == str(i) or (name and c.id.startswith(name))]
        if len(fitting) != 1 or fitting[0] in found:
            break
        found += fitting
    return found


class Cards:
    """Which cards are held, and by how much. Not safe to share between threads: its owner has the lock."""

    def __init__(self, cards: Iterable[Gpu]) -> None:
        self._cards = list(cards)
        self._held: dict[Gpu, list[int]] = {card: [] for card in self._cards}

    def fit(self, resources: Resources) -> Resources:
        """The part of what is needed that can ever be met here: on a machine without cards, none."""
        most = max((len(group) for group in _by_node(self._cards)), default=0)
        smallest = min((card.memory_mb for card in self._cards), default=0)
        memory = resources.gpu_memory_mb if resources.gpu_memory_mb <= smallest else 0
        return Resources(min(resources.gpus, most), memory)

    def take(self, resources: Resources) -> tuple[Gpu, ...] | None:
        """Hold cards of one node; None if they are not free now. A shared card is filled up before another is begun."""
        if resources.gpus == 0:
            return ()
        fitting = [card for card in self._cards if self._has_room(card, resources.gpu_memory_mb)]
        fitting.sort(key=self._free_mb)
        for group in _by_node(fitting):
            if len(group) >= resources.gpus:
                for card in group[: resources.gpus]:
                    self._held[card].append(resources.gpu_memory_mb or card.memory_mb)
                return tuple(group[: resources.gpus])
        return None

    def are_free(self, resources: Resources) -> bool:
        """Whether `take` would give some."""
        cards = self.take(resources)
        if cards:
            self.give_back(cards, resources)
        return cards is not None

    def give_back(self, cards: tuple[Gpu, ...], resources: Resources) -> None:
        """What `take` has given for `resources` is free again."""
        for card in cards:
            self._held[card].remove(resources.gpu_memory_mb or card.memory_mb)

    def _has_room(self, card: Gpu, memory_mb: int) -> bool:
        return self._free_mb(card) >= memory_mb if memory_mb else not self._held[card]

    def _free_mb(self, card: Gpu) -> int:
        return card.memory_mb - sum(self._held[card])


def _by_node(cards: list[Gpu]) -> list[list[Gpu]]:
    return [[card for card in cards if card.node == node] for node in dict.fromkeys(c.node for c in cards)]
