"""A test that is looked at again and again: is a program no worse than another, by what single rows gained so far?

Rows are few, skewed and discrete, and Student's distribution errs there. Used is Gaffke's bound for the mean of
variables that cannot exceed a known number (Gaffke 2005; Learned-Miller and Thomas 2020): rows are weighted at random,
all weights being equally likely (Bayesian bootstrap, Rubin 1981), beside one more row that has that number; the share of
weights under which the mean is not below 0 is the p-value. For hits and misses it is the exact test of Clopper and
Pearson (1934); that it holds for all variables is a conjecture, and no counterexample is known. The share is computed by
the saddlepoint approximation of Lugannani and Rice (1980).

What a row can gain at most is known, if not closely: the incumbent's whole loss there. See `most_gain`.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

CHANGED_ROWS = 30
"""Rows on which two programs differ, below which nothing is concluded from these about other rows."""
NOTHING = 0.01
"""Of the largest change: what others do to a row's share of a metric that is no mean over rows."""
LARGER_LOSS = 2.0
"""Times as large as any loss of the incumbent seen so far, from which on a loss is of another kind."""
_ROUNDING = 1e-9
_NODES = 80
_REACH_SD = 8.0


def most_gain(gains: np.ndarray, room: np.ndarray | None, whole_room: np.ndarray | None) -> float:
    """What a row that is not known yet gains at most, after the `gains` (rows,) of those that are.

    `room` (rows,) and `whole_room` (all rows) are what the right answers would gain; where the metric is a mean over
    rows, no row gains more. That bound alone would stop hardly any program that is like the incumbent, so from 30 changed
    rows on one thing is assumed: other rows change at most as much as one of these did, for better or worse, in
    proportion to the largest room. But where rows are to come with twice as much room as any so far, rare and heavy
    losses, the candidate may be about these: there the bound stays.
    """
    changed = float(np.abs(gains).max(initial=0.0))
    few = np.count_nonzero(np.abs(gains) > NOTHING * changed) < CHANGED_ROWS
    if room is None or whole_room is None:
        return np.inf if few else changed
    largest, seen = (max(0.0, float(r.max(initial=0.0))) for r in (whole_room, room))
    if few:
        return max(changed, largest)
    if largest > LARGER_LOSS * seen:
        return max(float(gains.max()), largest)
    return max(float(gains.max()), min(largest, changed * largest / seen if seen > 0 else changed))


def chance_of_no_loss(gains: np.ndarray, most: float) -> float:
    """The p-value of the mean gain being 0 or more, where a row gains `most` at most; from the `gains` (rows,) of rows
    that are drawn like all others."""
    if not np.isfinite(most):
        return 1.0
    rows = np.append(gains, most)
    rows = rows / max(float(np.abs(rows).max()), np.finfo(float).tiny)
    rows = rows[np.abs(rows) > _ROUNDING]
    if rows.sum() >= -_ROUNDING:
        return 1.0
    if rows.max() <= 0:
        return 0.0
    return _weights_above_zero(rows)


def _weights_above_zero(rows: np.ndarray) -> float:
    """P(sum of w * rows > 0) for independent exponential weights w, whose shares are uniform. The sum of rows is < 0."""
    tilt = _root(lambda t: float((rows / (1 - t * rows)).sum()), 0.0, (1 - 1e-12) / rows.max())
    log_moment = -float(np.log1p(-tilt * rows).sum())
    root = np.sqrt(max(0.0, -2 * log_moment))
    scale = tilt * np.sqrt(float(((rows / (1 - tilt * rows)) ** 2).sum()))
    if root < 1e-3:
        return 0.5
    return float(np.clip(ndtr(-root) + _density(root) * (1 / scale - 1 / root), 0, 1))


@lru_cache(maxsize=64)
def level_of_a_look(rate: float, looks: int) -> float:
    """The level of each of so many looks, after equally many rows each, at which all together err at `rate` (Pocock
    1977)."""
    low, high = -ndtri(rate), -ndtri(rate / looks)  # of a single look; Bonferroni
    if looks < 2:
        return rate
    return float(ndtr(-_root(lambda bound: _ever_beyond(bound, looks) - rate, low, high, xtol=1e-4)))


def _ever_beyond(bound: float, looks: int) -> float:
    """The chance that the sum of the first 1, 2, ... of so many standard normal variables is ever more than `bound` of
    its standard deviations (Armitage, McPherson and Rowe 1969), by quadrature over the sums that are not."""
    places, shares = np.polynomial.legendre.leggauss(_NODES)
    beyond, sums, weights = float(ndtr(-bound)), np.zeros(1), np.ones(1)
    for look in range(1, looks):
        low, high = -_REACH_SD * np.sqrt(look), bound * np.sqrt(look)
        now = (low + high + places * (high - low)) / 2
        weights = (_density(now[:, None] - sums) @ weights) * shares * (high - low) / 2
        sums = now
        beyond += float(ndtr(sums - bound * np.sqrt(look + 1)) @ weights)
    return beyond


def _density(x: np.ndarray) -> np.ndarray:
    """Of the standard normal distribution."""
    return np.exp(-(x**2) / 2) / np.sqrt(2 * np.pi)


def _root(function: Callable[[float], float], low: float, high: float, xtol: float = 2e-12) -> float:
    from scipy.optimize import brentq  # takes as long to load as much of a start, and no start needs it

    return float(brentq(function, low, high, xtol=xtol))
