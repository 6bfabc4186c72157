"""How strongly the models of a program are regularised: its trees, and its other models, each 0 (plain), 1 (regularised),
between the two or beyond them.

The reasoner knows programs that are plain or regularised as a whole; the others only a line search can reach.
"""

from collections.abc import Mapping
from itertools import product
from typing import Any

STRENGTHS = (0.0, 0.5, 1.0, 1.5)
KINDS = {"trees": ("lightgbm", "extra_trees"), "others": ("linear", "knn", "svm")}
NAMED = {"plain": 0.0, "regularised": 1.0}
COMPOSED = {"min_child_samples": 10, "min_samples_leaf": 2}
"""What the composer sets where a plain model does not say."""


def kinds_of(models: str) -> list[str]:
    """The kinds of models that a set of them has."""
    return [kind for kind, families in KINDS.items() if set(families) & set(models.split("+"))]


def strengths_of(size: str) -> dict[str, float]:
    """The strength of each kind of models, of a level of `size`: 'plain', 'regularised', or '0.5/1', trees first."""
    if size in NAMED:
        return dict.fromkeys(KINDS, NAMED[size])
    return dict(zip(KINDS, map(float, size.split("/")), strict=True))


def size_of(models: str, strengths: Mapping[str, float]) -> str:
    """The level of `size` of a program with these models; the strength of a kind that it does not have is the other's."""
    kinds = kinds_of(models)
    found = [strengths[kind if kind in kinds else kinds[0]] for kind in KINDS]
    named = {strength: name for name, strength in NAMED.items()}
    if found[0] == found[1] and found[0] in named:
        return named[found[0]]
    return "/".join(f"{strength:g}" for strength in found)


def sizes_of(models: str) -> list[str]:
    """All levels of `size` of programs with these models."""
    every = product(STRENGTHS, repeat=len(KINDS))
    return list(dict.fromkeys(size_of(models, dict(zip(KINDS, found, strict=True))) for found in every))


def nearest_strength(value: float) -> float:
    """The strength that the bank has programs of."""
    return min(STRENGTHS, key=lambda strength: abs(strength - value))


def between(plain: Mapping[str, Any], regularised: Mapping[str, Any], strength: float) -> dict[str, Any]:
    """The settings of a model of a strength, evenly on their logarithm; what is no number changes in the middle."""
    if strength in (0.0, 1.0):
        return dict(regularised if strength else plain)
    found = dict(plain)
    for name, end in regularised.items():
        begin = plain.get(name, COMPOSED.get(name))
        if begin is not None:
            value = begin * (end / begin) ** strength
            found[name] = round(value) if isinstance(end, int) else float(f"{value:.4g}")
        elif strength >= 0.5:
            found[name] = end
    return found
