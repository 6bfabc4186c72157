"""Changes of a recipe that the rules know, each with the rule that says when it fits and what it may gain."""

from collections.abc import Callable
from dataclasses import dataclass, replace

from gome.offline.case import Case
from gome.offline.recipe import Recipe
from gome.state.parts import Component


@dataclass(frozen=True)
class Change:
    """One directed change. `gain` is what experience expects in standard errors of the score; `cost` the factor on the
    program's time, 1 where models are replaced. `challenge` names what it answers, `source` whether the data or the
    run's history raised it."""

    tag: str
    component: Component
    source: str
    challenge: str
    why: Callable[[Case], str]
    statement: Callable[[Case], str]
    fits: Callable[[Case, Recipe], bool]
    apply: Callable[[Case, Recipe], Recipe]
    gain: Callable[[Case], float]
    cost: float = 1.0


def fixed(text: str) -> Callable[[Case], str]:
    """A sentence that does not depend on the case."""
    return lambda case: text


def about(value: float) -> Callable[[Case], float]:
    """An expectation that does not depend on the case."""
    return lambda case: value


def setting(**changes: object) -> Callable[[Case, Recipe], Recipe]:
    """A change that sets fields of the recipe."""
    return lambda case, recipe: replace(recipe, **changes)  # type: ignore[arg-type]


def names(case: Case, *kinds: str, limit: int = 4) -> str:
    """The first few columns of these kinds, for a sentence."""
    found = [c["name"] for c in case.columns(*kinds)]
    return ", ".join(found[:limit]) + (f" and {len(found) - limit} more" if len(found) > limit else "")
