"""Overlaps (intersections over unions) that masks and boxes have to reach, as a metric's parameter says them."""

import numpy as np

from gome.state.errors import GomeError

_STEP = 0.05


def overlaps_of(name: str, parameter: str, *, most: float) -> np.ndarray:
    """ "0.5-0.95": from 0.5 to 0.95 in steps of 0.05; "0.5": that one. GomeError where they are not above 0 and up to
    `most`."""
    try:
        first, _, last = parameter.partition("-")
        low, high = float(first), float(last or first)
    except ValueError:
        low = high = np.nan
    if not 0 < low <= high <= most:
        raise GomeError(f"metric '{name}@{parameter}': overlaps are needed after '@', as in {name}@0.5-0.95.")
    return np.arange(low, high + _STEP / 2, _STEP)
