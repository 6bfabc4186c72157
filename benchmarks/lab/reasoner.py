"""The simulated reasoner: changes of a program, drawn from what the bank knows of its neighbourhood, by two dials."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.lab.space import MODELS, Point
from benchmarks.lab.world import World
from gome.state.parts import Component
from gome.state.step import StepBrief

PROPOSED = 3
TRULY = 0.05
"""Share of the way from the median program to the best one by which a change gains on hidden rows, if it gains truly."""
ELSEWHERE = 0.5
"""Weight of the gain that the same change is recalled to have had on another trace."""


@dataclass(frozen=True)
class Dials:
    """How good the reasoner is. `reliability`: how often a hypothesis is a change that truly gains. `precision`: how well
    its predicted gain ranks the hypotheses, their correlation with the true ones."""

    reliability: float = 0.6
    precision: float = 0.5


@dataclass(frozen=True)
class Change:
    """One change of a program: in words, the same words for the same change, and the program that it leads to."""

    statement: str
    component: Component
    point: Point
    predicted: float = 0.0


def changes(world: World, point: Point) -> list[Change]:
    """All programs one coordinate away."""
    return [
        Change(_words(name, point, to, world), "model" if name in (MODELS, "size") else "features", to)
        for name, to in world.space.neighbours(point)
    ]


def _words(name: str, old: Point, new: Point, world: World) -> str:
    if name != MODELS:
        return f"{name}: {new[world.space.names.index(name)]}"
    before, after = old[0].split("+"), new[0].split("+")
    gone, come = [m for m in before if m not in after], [m for m in after if m not in before]
    parts = [f"leave out {', '.join(gone)}"] * bool(gone) + [f"add {', '.join(come)}"] * bool(come)
    return f"models: {' and '.join(parts)}"


def draft(world: World, seed: int, number: int) -> Change:
    """The first program of this number; the order is the seed's."""
    order = np.random.default_rng(seed).permutation(len(world.space.drafts()))
    point = world.space.drafts()[order[number % len(order)]]
    return Change(f"first program: {point[0]}", "model", point)


def undirected(world: World, point: Point, tried: Collection[str], rng: np.random.Generator) -> Change:
    """Any change that was not tried, one as likely as the other."""
    every = changes(world, point)
    open_ones = [c for c in every if c.statement not in tried] or every
    return open_ones[rng.integers(len(open_ones))]


def directed(
    world: World, point: Point, tried: Collection[str], dials: Dials, rng: np.random.Generator
) -> list[Change]:
    """A few changes that were not tried, as a diagnosis proposes them, with the gains that it predicts, in the metric's
    units."""
    every = changes(world, point)
    open_ones = [c for c in every if c.statement not in tried] or every
    own = world.number(point)
    gains = np.array([world.worth[world.number(c.point)] - world.worth[own] for c in open_ones])
    order = rng.permutation(len(open_ones))
    gaining, others = [i for i in order if gains[i] > TRULY], [i for i in order if gains[i] <= TRULY]
    chosen = []
    for right in rng.random(min(PROPOSED, len(open_ones))) < dials.reliability:
        chosen.append((gaining if gaining and (right or not others) else others).pop())
    spread = gains.std() or 1.0
    noise = rng.standard_normal(len(chosen))
    foretold = dials.precision * gains[chosen] / spread + np.sqrt(1 - dials.precision**2) * noise
    unit = spread * world.metric_unit
    return [
        Change(open_ones[i].statement, open_ones[i].component, open_ones[i].point, float(z * unit))
        for i, z in zip(chosen, foretold, strict=True)
    ]


def after_momentum(change: Change, recalled: Sequence[StepBrief], trace: int) -> float:
    """The predicted gain of a change, after what is recalled of the same change on other traces."""
    known = [e["gain"] for e in recalled if e["hypothesis"] == change.statement and e["trace"] != trace]
    return change.predicted + ELSEWHERE * sum(gain for gain in known if gain is not None)
