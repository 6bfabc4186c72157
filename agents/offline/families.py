"""The model families as program text: constructor, table, default arguments, what tuning may change."""

from typing import Any

from gome.agents.offline.recipe import BOOSTERS, ModelSpec, Recipe

TREES = (*BOOSTERS, "extra_trees", "random_forest")
STOPPING = ("lightgbm", "xgboost")

_WORDS = {
    "linear": "A linear model",
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "hist_gb": "Gradient boosting on histograms, from scikit-learn; it stops by rows that it sets aside itself",
    "extra_trees": "Extremely randomised trees",
    "random_forest": "A random forest",
    "mlp": "A small neural network",
    "knn": "Nearest neighbours",
    "svm": "A support vector machine",
    "naive_bayes": "Naive Bayes",
}
_CONSTRUCTORS = {
    "linear": ("RidgeCV", "LogisticRegression"),
    "lightgbm": ("LGBMRegressor", "LGBMClassifier"),
    "xgboost": ("XGBRegressor", "XGBClassifier"),
    "hist_gb": ("HistGradientBoostingRegressor", "HistGradientBoostingClassifier"),
    "extra_trees": ("ExtraTreesRegressor", "ExtraTreesClassifier"),
    "random_forest": ("RandomForestRegressor", "RandomForestClassifier"),
    "mlp": ("MLPRegressor", "MLPClassifier"),
    "knn": ("KNeighborsRegressor", "KNeighborsClassifier"),
    "svm": ("SVR", "SVC"),
    "naive_bayes": ("BayesianRidge", "BernoulliNB"),
}
_SPACES = {
    "lightgbm": {
        "num_leaves": 'suggest_int("num_leaves", 6, 96, log=True)',
        "min_child_samples": 'suggest_int("min_child_samples", 4, 60, log=True)',
        "colsample_bytree": 'suggest_float("colsample_bytree", 0.2, 1.0)',
        "reg_lambda": 'suggest_float("reg_lambda", 0.01, 30.0, log=True)',
        "learning_rate": 'suggest_float("learning_rate", 0.02, 0.12, log=True)',
    },
    "xgboost": {
        "max_depth": 'suggest_int("max_depth", 3, 9)',
        "min_child_weight": 'suggest_float("min_child_weight", 1.0, 20.0, log=True)',
        "colsample_bytree": 'suggest_float("colsample_bytree", 0.2, 1.0)',
        "reg_lambda": 'suggest_float("reg_lambda", 0.01, 30.0, log=True)',
        "learning_rate": 'suggest_float("learning_rate", 0.02, 0.12, log=True)',
    },
}


def families_of(recipe: Recipe) -> set[str]:
    """The families that a recipe's models are of."""
    return {spec.family for spec in recipe.models}


def model_parts(recipe: Recipe, classes: bool, words: bool, rows: int, columns: int) -> list[dict[str, Any]]:
    """What the templates need of each model, named apart where a family occurs twice.

    `classes`: classifiers rather than regressors; `words`: the table has TF-IDF columns; `rows`, `columns` of the
    training table set sizes and rates.
    """
    parts, taken = [], dict[str, int]()
    tuned = tuned_family(recipe)
    for spec in recipe.models:
        taken[spec.family] = taken.get(spec.family, 0) + 1
        name = spec.family if taken[spec.family] == 1 else f"{spec.family}_{taken[spec.family]}"
        kwargs = {**_defaults(spec.family, recipe, classes, words, rows, columns), **_literals(spec)}
        rounds = kwargs.pop("n_estimators", None) if spec.family in STOPPING else None
        parts.append(
            {
                "name": name,
                "family": spec.family,
                "function": f"fit_{name}",
                "words": _WORDS[spec.family],
                "constructor": _constructor(spec, classes, words),
                "kwargs": list(kwargs.items()),
                "rounds": rounds,
                "table": _table(spec.family, recipe, words),
                "scaled_target": spec.family in ("mlp", "svm") and not classes,
                "tuned": name == tuned,
                "space": list(_SPACES.get(spec.family, {}).items()),
            }
        )
    return parts


def tuned_family(recipe: Recipe) -> str | None:
    """The model that is tuned: the first that has a search space, if tuning is asked for."""
    if recipe.tuning == "none":
        return None
    return next((spec.family for spec in recipe.models if spec.family in _SPACES), None)


def _literals(spec: ModelSpec) -> dict[str, str]:
    return {name: repr(value) for name, value in spec.params.items()}


def _constructor(spec: ModelSpec, classes: bool, words: bool) -> str:
    if spec.family == "linear" and not classes and ("alpha" in spec.params or words):
        return "Ridge"
    if spec.family == "naive_bayes" and classes and words:
        return "MultinomialNB"
    return _CONSTRUCTORS[spec.family][classes]


def _table(family: str, recipe: Recipe, words: bool) -> str:
    if family in TREES:
        return "tree_table()"
    if not words:
        return "flat_table()"
    if family == "naive_bayes":
        return 'make_pipeline(FunctionTransformer(itemgetter("text")), words())'
    sparse = family == "linear" and recipe.text != "tfidf_svd"
    return "flat_table(words())" if sparse else "flat_table(directions())"


def _defaults(
    family: str, recipe: Recipe, classes: bool, words: bool, rows: int, columns: int
) -> dict[str, str]:
    """Default arguments as program text; `class_weight` where the library has it."""
    balanced = recipe.class_weight == "balanced" and classes
    weight = {"class_weight": '"balanced"'} if balanced else {}
    seeded = {"random_state": "seed"}
    threaded = {"n_jobs": "THREADS"}
    if family == "lightgbm":
        return {**_lightgbm(recipe, rows, columns), **weight, **seeded, **threaded, "verbose": "-1"}
    if family == "xgboost":
        native = {"feature_types": "kinds"} if recipe.categories == "native" else {}
        return {**_xgboost(recipe, rows, columns), **native, **seeded, **threaded}
    if family == "hist_gb":
        native = {"categorical_features": "range(known)"} if recipe.categories == "native" else {}
        stop = {"early_stopping": str(recipe.early_stopping), "n_iter_no_change": "20"}
        rounds = {"max_iter": "500" if recipe.early_stopping else "200", "learning_rate": "0.06"}
        return {**rounds, "l2_regularization": "1.0", **stop, **native, **weight, **seeded}
    if family in ("extra_trees", "random_forest"):
        leaf = {"min_samples_leaf": "2", "max_features": '"sqrt"' if classes else "0.4"}
        return {"n_estimators": "300", **leaf, **weight, **seeded, **threaded}
    if family == "linear":
        return _linear(classes, words, weight)
    if family == "mlp":
        size = {"hidden_layer_sizes": "(128, 64)", "alpha": "0.001", "learning_rate_init": "0.002"}
        return {**size, "max_iter": "40" if rows > 3000 else "80", **seeded}
    if family == "knn":
        near = {"n_neighbors": "min(15, len(y))", "weights": '"distance"'}
        return {**near, **threaded}
    if family == "svm":
        return {"C": "3.0" if classes else "1.0", **weight, **({"random_state": "seed"} if classes else {})}
    return {"alpha": "0.1"} if classes else {}


def _lightgbm(recipe: Recipe, rows: int, columns: int) -> dict[str, str]:
    small = rows < 10_000
    sampled = {"subsample": "0.8", "subsample_freq": "1"}
    return {
        "n_estimators": "3000" if recipe.early_stopping else "300",
        "learning_rate": "0.03" if small else "0.06",
        "num_leaves": "15" if small else "31",
        "min_child_samples": "10" if small else "20",
        **sampled,
        "colsample_bytree": _share(columns),
        "reg_lambda": "1.0",
        "importance_type": '"gain"',
    }


def _xgboost(recipe: Recipe, rows: int, columns: int) -> dict[str, str]:
    small = rows < 10_000
    return {
        "n_estimators": "3000" if recipe.early_stopping else "300",
        "learning_rate": "0.03" if small else "0.06",
        "max_depth": "4" if small else "6",
        "min_child_weight": "2",
        "subsample": "0.8",
        "colsample_bytree": _share(columns),
        "reg_lambda": "1.0",
        "tree_method": '"hist"',
    }


def _share(columns: int) -> str:
    return "0.2" if columns > 200 else "0.4" if columns > 40 else "0.7"


def _linear(classes: bool, words: bool, weight: dict[str, str]) -> dict[str, str]:
    if classes:
        return {"C": "10.0" if words else "1.0", "max_iter": "500", **weight}
    return {"alpha": "1.0"} if words else {"alphas": "np.logspace(-2, 3, 20)"}
