"""The space of programs of a task: a lattice of recipes, every combination of a few coordinates.

A move changes one coordinate; every move and every merge leads to a program that is in the space again.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations, product
from typing import Any

from benchmarks.lab.strengths import KINDS, between, size_of, strengths_of
from gome.offline.recipe import ModelSpec, Recipe
from gome.state.profile import ColumnProfile

FAMILIES = ("linear", "lightgbm", "extra_trees", "knn", "svm")
MODELS, SIZE = "models", "size"
PLAIN: dict[str, dict[str, Any]] = {
    "lightgbm": {"n_estimators": 60, "learning_rate": 0.1, "num_leaves": 15},
    "extra_trees": {"n_estimators": 40},
    "knn": {"n_neighbors": 5},
    "svm": {"C": 3.0},
}
REGULARISED: dict[str, dict[str, Any]] = {
    "lightgbm": {"n_estimators": 60, "learning_rate": 0.06, "num_leaves": 6, "min_child_samples": 25},
    "extra_trees": {"n_estimators": 40, "min_samples_leaf": 4, "max_features": 0.6},
    "knn": {"n_neighbors": 20},
    "svm": {"C": 0.5},
}
PENALTIES = {False: ({"C": 1.0}, {"C": 0.1}), True: ({"alpha": 1.0}, {"alpha": 30.0})}
"""Of linear models, for classes and for numbers: plain and regularised."""
Point = tuple[str, ...]
"""One level for each coordinate, in the order of the space's coordinates."""


@dataclass(frozen=True)
class Space:
    """The coordinates of a task's programs: {name: levels}, the first level of each the plainest.

    Of the size these are the levels that are moved to; a line search reaches others (strengths.py).
    """

    coordinates: Mapping[str, tuple[str, ...]]
    fields: Mapping[str, Mapping[str, Mapping[str, Any]]]
    is_regression: bool

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The coordinates in their order."""
        return tuple(self.coordinates)

    @cached_property
    def points(self) -> list[Point]:
        """All programs."""
        return list(product(*self.coordinates.values()))

    @cached_property
    def place(self) -> dict[Point, int]:
        """The number of each program."""
        return {point: number for number, point in enumerate(self.points)}

    def drafts(self) -> list[Point]:
        """First programs: one family each, all other coordinates at their plainest."""
        plain = [levels[0] for levels in self.coordinates.values()]
        return [(family, *plain[1:]) for family in FAMILIES if family in self.coordinates[MODELS]]

    def neighbours(self, point: Point) -> Iterator[tuple[str, Point]]:
        """(coordinate, program) of all programs one coordinate away; of models, one more, one less or another one."""
        for place, (name, levels) in enumerate(self.coordinates.items()):
            for level in levels:
                if level != point[place] and (name != MODELS or _is_near(level, point[place])):
                    yield name, sound((*point[:place], level, *point[place + 1 :]))

    def merged(self, first: Point, second: Point) -> Point:
        """The models of both; each other coordinate as the second has it where the first has the plainest."""
        models = {*first[0].split("+"), *second[0].split("+")}
        rest = zip(first[1:], second[1:], list(self.coordinates.values())[1:], strict=True)
        return sound(
            (
                "+".join(f for f in FAMILIES if f in models),
                *(theirs if mine == levels[0] else mine for mine, theirs, levels in rest),
            )
        )

    def recipe(self, point: Point) -> Recipe:
        """The recipe of a program."""
        levels = dict(zip(self.names, point, strict=True))
        strengths = strengths_of(levels[SIZE])
        ends = {"linear": PENALTIES[self.is_regression]}
        ends |= {family: (PLAIN[family], REGULARISED[family]) for family in PLAIN}
        models = tuple(
            ModelSpec(family, between(*ends[family], strengths[kind]))
            for family in levels[MODELS].split("+")
            for kind, families in KINDS.items()
            if family in families
        )
        changes: dict[str, Any] = {}
        for name, level in levels.items():
            changes |= self.fields.get(name, {}).get(level, {})
        return Recipe(**{"models": models, "early_stopping": False, "missing": "median", **changes})


def sound(point: Point) -> Point:
    """The program, with the one name that its size has."""
    models, size, *rest = point
    return (models, size_of(models, strengths_of(size)), *rest)


def _is_near(one: str, other: str) -> bool:
    """Whether two sets of models differ by one model: added, taken away or exchanged."""
    ours, theirs = set(one.split("+")), set(other.split("+"))
    return len(ours - theirs) <= 1 and len(theirs - ours) <= 1


def space_of(columns: list[ColumnProfile], *, is_regression: bool, skewed: bool) -> Space:
    """The space for a table with these columns: models and their size, and what fits the kinds of columns.

    `skewed`: the target is a positive number with a long tail.
    """
    numbers = [c["name"] for c in columns if c["kind"] in ("number", "integer") and "count" not in c][:4]
    categories = [c["name"] for c in columns if c["kind"] == "category"][:2]
    models = ["+".join(s) for size in range(1, len(FAMILIES) + 1) for s in combinations(FAMILIES, size)]
    pairs = tuple((a, op, b) for a, b in list(combinations(numbers, 2))[:3] for op in ("*", "/"))
    pictures = len(columns) > PIXELS
    switches: dict[str, dict[str, Any]] = {}
    if not is_regression:
        switches["balanced"] = {"class_weight": "balanced"}
    elif skewed:
        switches["log of target"] = {"target_transform": "log1p"}
    if categories and numbers:
        switches["group means"] = {"group_stats": tuple(product(categories, numbers[:2]))}
    if pairs and not pictures:
        switches["ratios"] = {"interactions": pairs}
    if categories:
        switches["target means"] = {"categories": "target"}
    switches |= {
        "logarithms": {"skew_log": True},
        "two seeds": {"bagging": 2},
        "row sums": {"row_stats": True},
        "quantile scale": {"scale": "quantile"},
    }
    kept = dict(list(switches.items())[:SWITCHES])
    coordinates = {MODELS: tuple(models), SIZE: ("plain", "regularised")}
    coordinates |= dict.fromkeys(kept, ("without", "with"))
    return Space(coordinates, {name: {"with": fields} for name, fields in kept.items()}, is_regression)


PIXELS = 60
"""A table with more columns is a picture, of which the product of two columns says nothing."""
SWITCHES = 4
"""Coordinates that are on or off, beside models and size: 31 x 2 x 2^4 programs."""
