"""The step sizes that offline programs declare, so that idle slots may search them (see tools/step_sizes.py)."""

import re
from collections.abc import Mapping
from typing import Any

from gome.offline.hyperparameters import ranges_of
from gome.offline.recipe import BOOSTERS

LEARNING_RATE = {"learning_rate": (0.01, 0.3, False)}
WITHOUT = ("extra_trees", "random_forest", "svm", "cnn")
"""Families of which a search gains little for what it costs."""


def with_declaration(value: str, model: Mapping[str, Any], name: str) -> str:
    """An argument's value with its comma, and with the comment that declares it where it is a number to be searched: of
    boosters the learning rate and how large their trees are, of other models the first of what may be drawn at random."""
    limits = _limits(model["family"]).get(name)
    if limits is None or model.get("tuned") or not re.fullmatch(r"[0-9.]+", value):
        return f"{value},"
    low, high, whole = limits
    if not low <= float(value) <= high or whole != value.isdigit():
        return f"{value},"
    return f"{value},  # gome: tune {model['family']}.{name} log {low:g} {high:g}"


def _limits(family: str) -> dict[str, tuple[float, float, bool]]:
    if family in WITHOUT:
        return {}
    if family == "linear":
        return {**ranges_of(family, classes=True), **ranges_of(family, classes=False)}
    first = dict(list(ranges_of(family, classes=True).items())[:1])
    return {**LEARNING_RATE, **first} if family in BOOSTERS else first
