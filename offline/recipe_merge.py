"""Two recipes as one: what the first lacks is taken over from the second."""

from dataclasses import fields, replace

from gome.offline.recipe import BOOSTERS, ModelSpec, Recipe

MOST_MODELS = 4
_OWN_RULE = {"models", "categories", "missing", "scale", "folds", "bagging", "early_stopping", "refit_scale"}


def merged_recipe(first: Recipe, second: Recipe) -> Recipe:
    """The first recipe with the second's models blended in, and each treatment of columns, target and validation that
    only the second has. Equal model families keep the first's settings; if nothing would be new, the second's."""
    models = _models(first, second)
    taken = {
        entry.name: getattr(second, entry.name)
        for entry in fields(Recipe)
        if entry.name not in _OWN_RULE and getattr(first, entry.name) == entry.default
    }
    lists = {
        name: tuple(dict.fromkeys([*getattr(first, name), *getattr(second, name)]))
        for name in ("interactions", "group_stats", "split_codes", "drop", "joins")
    }
    stops = any(r.early_stopping for r in (first, second) if {m.family for m in r.models} & set(BOOSTERS))
    both = replace(
        first,
        **(taken | lists),
        models=models,
        folds=max(first.folds, second.folds),
        bagging=max(first.bagging, second.bagging),
        early_stopping=first.early_stopping or stops,
    )
    return both if both != first else replace(first, models=second.models)


def _models(first: Recipe, second: Recipe) -> tuple[ModelSpec, ...]:
    own = {m.family for m in first.models}
    new = [m for m in second.models if m.family not in own][: MOST_MODELS - len(first.models)]
    if not new:
        return first.models
    return tuple(replace(m, weight=None) for m in (*first.models, *new))
