"""How much memory of its cards a running program takes, as the driver's library (NVML) says."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, TypeVar

from gome.tools.execution.sandbox.process_tree import MB

T = TypeVar("T")


def driver() -> Any | None:
    """The package nvidia-ml-py with its driver opened, to be closed by `nvmlShutdown()`; None without either."""
    try:
        import pynvml

        pynvml.nvmlInit()
    except ImportError:
        return None
    except pynvml.NVMLError:
        return None
    return pynvml


class GpuMemory:
    """The memory that is in use on some cards (ids as in CUDA_VISIBLE_DEVICES).

    It counts what the driver says of the program's own processes. In a container the driver may know these by other
    numbers: then, if the cards are the program's `alone`, it counts all that came to them since this object was made.
    """

    def __init__(self, cards: Sequence[str], *, alone: bool) -> None:
        self._nvml, self._alone = driver() if cards else None, alone
        self._cards = self._asked(lambda nvml: [_handle(nvml, card) for card in cards]) or []
        self._before = self._in_use_mb() or 0.0

    def used_mb(self, pids: Iterable[int]) -> float | None:
        """On all cards together, MB; None if it is not known: no cards, no nvidia-ml-py, no driver."""
        own = self._asked(lambda nvml: sum(_bytes_of(nvml, card, set(pids)) for card in self._cards))
        if own or not self._alone:
            return own / MB if own else None
        in_use = self._in_use_mb()
        return None if in_use is None else max(0.0, in_use - self._before)

    def close(self) -> None:
        """Leave the driver."""
        self._asked(lambda nvml: nvml.nvmlShutdown())
        self._nvml = None

    def _in_use_mb(self) -> float | None:
        if not self._cards:
            return None
        used = self._asked(
            lambda nvml: sum(int(nvml.nvmlDeviceGetMemoryInfo(card).used) for card in self._cards)
        )
        return None if used is None else used / MB

    def _asked(self, question: Callable[[Any], T]) -> T | None:
        """The driver's answer; None where there is none."""
        if self._nvml is None:
            return None
        try:
            return question(self._nvml)
        except self._nvml.NVMLError:
            return None


def _handle(nvml: Any, card: str) -> Any:
    return (
        nvml.nvmlDeviceGetHandleByIndex(int(card)) if card.isdigit() else nvml.nvmlDeviceGetHandleByUUID(card)
    )


def _bytes_of(nvml: Any, card: Any, pids: set[int]) -> int:
    rows = nvml.nvmlDeviceGetComputeRunningProcesses(card)
    return sum(int(row.usedGpuMemory or 0) for row in rows if row.pid in pids)
