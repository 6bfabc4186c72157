"""Axes: linear scales from values to pixels, and ticks at round values."""

import math
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Scale:
    """Linear map of a value range to pixels."""

    low: float
    high: float
    start: float
    end: float

    def __call__(self, value: float) -> float:
        """The pixel of a value, held inside the range."""
        share = (value - self.low) / (self.high - self.low)
        return round(self.start + min(1.0, max(0.0, share)) * (self.end - self.start), 1)

    def inside(self, value: float) -> bool:
        """Whether the value lies in the range."""
        return self.low <= value <= self.high


def nice_ticks(low: float, high: float, most: int) -> list[float]:
    """Up to about `most` round values (1, 2, 2.5 or 5 times a power of ten apart) within the range."""
    if high <= low:
        return [low]
    raw = (high - low) / most
    power = 10.0 ** math.floor(math.log10(raw))
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= raw * (1 - 1e-9))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    return [k * step for k in range(first, last + 1)]


def whole_ticks(last: int, most: int) -> list[float]:
    """Whole numbers from 0 to `last`, evenly spaced, at most `most` + 1 of them."""
    return [float(k) for k in range(0, last + 1, next_step(last / most))]


def next_step(raw: float) -> int:
    """The smallest of 1, 2, 5, 10, 20, 50 ... that is not below `raw`."""
    power = 1
    while power * 10 < raw:
        power *= 10
    return next(m * power for m in (1, 2, 5, 10) if m * power >= raw)


def tick_texts(ticks: list[float]) -> list[tuple[float, str]]:
    """Ticks with their texts, all with the decimals that tell them apart."""
    step = ticks[1] - ticks[0] if len(ticks) > 1 else abs(ticks[0]) if ticks else 0.0
    largest = max((abs(t) for t in ticks), default=0.0)
    if largest >= 1e6 or 0 < largest < 1e-5:
        return [(t, f"{t:.3g}") for t in ticks]
    first = max(0, -math.floor(math.log10(step) + 1e-9)) if step else 0
    places = next(
        (p for p in (first, first + 1) if all(abs(round(t, p) - t) < step / 100 for t in ticks)), first + 2
    )
    return [(t, f"{t + 0.0:.{places}f}".replace("-", "−") if abs(t) > step / 100 else "0") for t in ticks]


def padded(values: Iterable[float], share: float = 0.08) -> tuple[float, float]:
    """The range of the values with a margin on both sides; never empty."""
    known = list(values)
    low, high = min(known), max(known)
    pad = (high - low) * share or abs(high) * 0.05 or 1.0
    return low - pad, high + pad


def left_margin(ticks: list[float]) -> float:
    """Pixels that the tick texts of a vertical axis and its name need."""
    return 26 + 7.4 * max((len(text) for _, text in tick_texts(ticks)), default=3)
