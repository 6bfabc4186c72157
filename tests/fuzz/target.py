"""What a fuzz target is, and inputs that make a scanner go back."""

import json
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from types import FrameType
from typing import Any

from hypothesis import strategies as st

LONGEST = 60_000
BASE_S, PER_CHARACTER_S, ENDLESS_S = 3.0, 2e-4, 120.0
"""Time of the processor that a reader may take (one that goes over its input again and again takes far more), and from
which on it is ended, whatever its input."""


@dataclass(frozen=True)
class Target:
    """A reader: `inputs` makes what it is given, `read` gives it and returns its size in characters, or raises.

    `examples`: of how many inputs in the test suite."""

    name: str
    inputs: st.SearchStrategy[Any]
    read: Callable[[Any], int]
    examples: int = 60

    def __call__(self, given: Any) -> float:
        """Read one input; seconds of the processor. AssertionError if they are too many, or have no end."""
        with _ended_after(ENDLESS_S):
            began = time.thread_time()
            size = self.read(given)
            took = time.thread_time() - began
        assert took <= BASE_S + PER_CHARACTER_S * size, f"{took:.1f} s for {size} characters"
        return took


@contextmanager
def _ended_after(seconds: float) -> Iterator[None]:
    """Raise AssertionError in a reader that takes this much of the processor's time."""

    def end(number: int, frame: FrameType | None) -> None:
        raise AssertionError(f"not read after {seconds:g} s")

    before = signal.signal(signal.SIGPROF, end)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def pieces(words: Sequence[str]) -> st.SearchStrategy[str]:
    """Texts of a reader's own words and of others, some of them many times over: what makes a scanner go back."""
    part = st.lists(st.sampled_from(words) | st.text(max_size=4), min_size=1, max_size=4).map("".join)
    times = st.sampled_from([1, 1, 1, 2, 40, 3000, 20_000])
    repeated = st.tuples(part, times).map(lambda given: given[0] * given[1])
    return st.lists(repeated, max_size=6).map(lambda parts: "".join(parts)[:LONGEST])


def holdable(value: Any) -> None:
    """Every store can hold it: finite numbers of 64 bits, UTF-8 without NUL."""
    text = json.dumps(value, allow_nan=False, ensure_ascii=False)
    text.encode()
    assert "\\u0000" not in text
