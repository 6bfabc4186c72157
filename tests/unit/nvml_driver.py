"""A stand-in for the package nvidia-ml-py and its driver: two cards, of which each process holds 300 MB."""

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

MB = 2**20
CARDS = [("GPU-aa", "Tesla V100", 16384), ("GPU-bb", "H100 80GB", 81559)]


class Driver(ModuleType):
    """Processes are those that have written a pid to FOLDER/*/pid; 1000 MB are in use beside theirs."""

    class NVMLError(Exception):
        pass

    def __init__(self, folder: Path) -> None:
        super().__init__("pynvml")
        self.folder, self.opened = folder, 0

    def nvmlInit(self) -> None:
        self.opened += 1

    def nvmlShutdown(self) -> None:
        self.opened -= 1

    def nvmlDeviceGetCount(self) -> int:
        return len(CARDS)

    def nvmlDeviceGetHandleByIndex(self, index: int) -> int:
        return index

    def nvmlDeviceGetHandleByUUID(self, uuid: str) -> int:
        for index, card in enumerate(CARDS):
            if card[0] == uuid:
                return index
        raise self.NVMLError("Not Found")

    def nvmlDeviceGetUUID(self, card: int) -> str:
        return CARDS[card][0]

    def nvmlDeviceGetName(self, card: int) -> str:
        return CARDS[card][1]

    def nvmlDeviceGetMemoryInfo(self, card: int) -> Any:
        processes = self.nvmlDeviceGetComputeRunningProcesses(card)
        return SimpleNamespace(total=CARDS[card][2] * MB, used=(1000 + 300 * len(processes)) * MB)

    def nvmlDeviceGetComputeRunningProcesses(self, card: int) -> list[Any]:
        pids = [path.read_text() for path in self.folder.glob("*/pid")]
        return [SimpleNamespace(pid=int(pid), usedGpuMemory=300 * MB) for pid in pids if pid]


def install(folder: Path, monkeypatch: pytest.MonkeyPatch) -> Driver:
    """The stand-in in the package's place, for one test."""
    driver = Driver(folder)
    monkeypatch.setitem(sys.modules, "pynvml", driver)
    return driver
