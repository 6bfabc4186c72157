"""Hyper-parameter settings that changes make, in each library's own names, and draws near them."""

import math
import random
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from gome.offline.recipe import BOOSTERS, Recipe
from gome.state.plain import JsonObject

REGULARISED: dict[str, JsonObject] = {
    "lightgbm": {
        "num_leaves": 12,
        "min_child_samples": 30,
        "colsample_bytree": 0.4,
        "subsample": 0.7,
        "reg_lambda": 5.0,
    },
    "xgboost": {
        "max_depth": 3,
        "min_child_weight": 8.0,
        "colsample_bytree": 0.4,
        "subsample": 0.7,
        "reg_lambda": 5.0,
    },
    "hist_gb": {"max_leaf_nodes": 8, "min_samples_leaf": 40, "l2_regularization": 5.0},
}
HIGH_CAPACITY: dict[str, JsonObject] = {
    "lightgbm": {"num_leaves": 127, "min_child_samples": 40, "colsample_bytree": 0.6},
    "xgboost": {"max_depth": 9, "min_child_weight": 5.0, "colsample_bytree": 0.6},
    "hist_gb": {"max_leaf_nodes": 127, "min_samples_leaf": 40},
}
_ROUNDS = {"lightgbm": "n_estimators", "xgboost": "n_estimators", "hist_gb": "max_iter"}
# (lowest, highest, whole numbers only); drawn evenly on the logarithm
_RANGES: dict[str, dict[str, tuple[float, float, bool]]] = {
    "lightgbm": {
        "num_leaves": (6, 96, True),
        "min_child_samples": (4, 80, True),
        "colsample_bytree": (0.2, 1.0, False),
        "reg_lambda": (0.1, 30.0, False),
    },
    "xgboost": {
        "max_depth": (3, 9, True),
        "min_child_weight": (1, 20, False),
        "colsample_bytree": (0.2, 1.0, False),
        "reg_lambda": (0.1, 30.0, False),
    },
    "hist_gb": {
        "max_leaf_nodes": (6, 96, True),
        "min_samples_leaf": (5, 80, True),
        "l2_regularization": (0.1, 30.0, False),
    },
    "extra_trees": {"min_samples_leaf": (1, 8, True), "max_features": (0.1, 0.9, False)},
    "random_forest": {"min_samples_leaf": (1, 8, True), "max_features": (0.1, 0.9, False)},
    "mlp": {"alpha": (1e-5, 0.1, False), "learning_rate_init": (5e-4, 8e-3, False)},
    "knn": {"n_neighbors": (4, 40, True)},
    "svm": {"C": (0.5, 50.0, False)},
    "cnn": {"epochs": (8, 40, True)},
}


def with_rounds(recipe: Recipe, rate: float, rounds: int) -> Recipe:
    """Boosting with this learning rate and at most so many rounds, of which early stopping takes its number."""
    models = tuple(
        replace(m, params={**m.params, "learning_rate": rate, _ROUNDS[m.family]: rounds})
        if m.family in BOOSTERS
        else m
        for m in recipe.models
    )
    return replace(recipe, models=models, early_stopping=True)


def with_params(recipe: Recipe, params: Mapping[str, Mapping[str, Any]]) -> Recipe:
    """The recipe with these parameters in each model whose family is named."""
    models = tuple(replace(m, params={**m.params, **params.get(m.family, {})}) for m in recipe.models)
    return replace(recipe, models=models)


def random_params(recipe: Recipe, seed: int, classes: bool) -> Recipe:
    """The recipe with hyper-parameters of its main model drawn at random; another draw for each seed."""
    rng = random.Random(seed)
    place = next((i for i, m in enumerate(recipe.models) if m.family in BOOSTERS), 0)
    main = recipe.models[place]
    params = {name: _draw(rng, *bounds) for name, bounds in ranges_of(main.family, classes=classes).items()}
    changed = replace(main, params={**main.params, **params})
    return replace(recipe, models=(*recipe.models[:place], changed, *recipe.models[place + 1 :]))


def ranges_of(family: str, *, classes: bool) -> dict[str, tuple[float, float, bool]]:
    """(lowest, highest, whole numbers only) of what may be drawn for a model of this family. Of linear models and naive
    Bayes, the penalty's name depends on the task."""
    if family == "linear":
        return {"C": (0.02, 60.0, False)} if classes else {"alpha": (0.3, 300.0, False)}
    if family == "naive_bayes":
        return {"alpha": (0.005, 1.0, False)} if classes else {"alpha_1": (1e-7, 1e-3, False)}
    return _RANGES[family]


def _draw(rng: random.Random, low: float, high: float, whole: bool) -> float | int:
    value = math.exp(rng.uniform(math.log(low), math.log(high)))
    return round(value) if whole else float(f"{value:.3g}")
