"""The text of a program in the lab: its place in the space, and its strengths as declared step sizes."""

import json
from functools import lru_cache

from benchmarks.lab.space import Point
from benchmarks.lab.strengths import STRENGTHS, kinds_of, nearest_strength, size_of, strengths_of
from gome.tools.step_sizes import step_sizes


def text_of(point: Point, before: str = "") -> str:
    """The text of a program. What a search has set in the program `before` it is not searched again."""
    models, size, *rest = point
    strengths, tuned = strengths_of(size), {s.name: s.value for s in step_sizes(before) if s.tuned}
    lines = [json.dumps([models, *rest])]
    for kind in kinds_of(models):
        was = f" was {tuned[kind]:g}" if kind in tuned else ""
        low, high = min(STRENGTHS), max(STRENGTHS)
        lines.append(f"{kind} = {strengths[kind]:.1f}  # gome: tune {kind} linear {low:g} {high:g}{was}")
    return "\n".join(lines)


@lru_cache(maxsize=4096)
def point_of(text: str) -> Point:
    """The place in the space of a program, with the strengths that the bank has nearest to its own."""
    models, *rest = json.loads(text.partition("\n")[0])
    found = {size.name: nearest_strength(size.value) for size in step_sizes(text)}
    return (models, size_of(models, found), *rest)
