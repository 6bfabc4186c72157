"""The model families as program text: constructor, table, default arguments, what tuning may change."""

from typing import NamedTuple

from gome.offline.recipe import BOOSTERS, ModelSpec, Recipe
from gome.state.plain import JsonObject

TREES = (*BOOSTERS, "extra_trees", "random_forest")
ROUNDS = {"lightgbm": "n_estimators", "xgboost": "n_estimators", "hist_gb": "max_iter"}
STOP_ATTRIBUTES = {"lightgbm": "best_iteration_", "xgboost": "best_iteration", "hist_gb": "n_iter_"}
ELASTIC_ROWS = 5_000  # up to here the elastic net, which chooses columns, is quick enough

_WORDS = {
    "linear": "A linear model",
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "hist_gb": "Histogram gradient boosting",
    "extra_trees": "Extremely randomised trees",
    "random_forest": "A random forest",
    "mlp": "A small neural network",
    "knn": "Nearest neighbours",
    "svm": "A support vector machine",
    "naive_bayes": "Naive Bayes",
    "cnn": "A small convolutional network",
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
    "naive_bayes": ("Ridge", "BernoulliNB"),
    "cnn": ("PictureNet", "PictureNet"),
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


class Setting(NamedTuple):
    """What default arguments depend on: classifiers or regressors, TF-IDF columns or none, size of the table."""

    classes: bool
    words: bool
    rows: int
    columns: int


def families_of(recipe: Recipe) -> set[str]:
    """The families that a recipe's models are of."""
    return {spec.family for spec in recipe.models}


def model_parts(recipe: Recipe, setting: Setting) -> list[JsonObject]:
    """What the templates need of each model, named apart where a family occurs twice."""
    parts, taken = [], dict[str, int]()
    tuned = tuned_family(recipe)
    for spec in recipe.models:
        taken[spec.family] = taken.get(spec.family, 0) + 1
        name = spec.family if taken[spec.family] == 1 else f"{spec.family}_{taken[spec.family]}"
        kwargs = {**_defaults(spec, recipe, setting), **_literals(spec)}
        rounds = kwargs.pop(ROUNDS[spec.family]) if spec.family in BOOSTERS else None
        parts.append(
            {
                "name": name,
                "family": spec.family,
                "function": f"fit_{name}",
                "words": _words(spec.family, setting),
                "constructor": _constructor(spec, setting),
                "kwargs": list(kwargs.items()),
                "rounds": rounds,
                "table": _table(spec.family, recipe, setting.words),
                "scaled_target": spec.family in ("mlp", "svm", "cnn") and not setting.classes,
                "tuned": name == tuned,
                "space": list(_SPACES.get(spec.family, {}).items()),
            }
        )
    return parts


def _words(family: str, setting: Setting) -> str:
    if family == "naive_bayes" and not setting.classes:
        return "Ridge regression, since naive Bayes predicts no numbers"
    return _WORDS[family]


def tuned_family(recipe: Recipe) -> str | None:
    """The model that is tuned: the first that has a search space, if tuning is asked for."""
    if recipe.tuning == "none":
        return None
    return next((spec.family for spec in recipe.models if spec.family in _SPACES), None)


def _literals(spec: ModelSpec) -> dict[str, str]:
    return {name: repr(value) for name, value in spec.params.items()}


def _constructor(spec: ModelSpec, setting: Setting) -> str:
    if spec.family == "linear" and not setting.classes:
        return _linear_regressor(spec, setting)
    if spec.family == "naive_bayes" and setting.classes and setting.words:
        return "MultinomialNB"
    return _CONSTRUCTORS[spec.family][setting.classes]


def _linear_regressor(spec: ModelSpec, setting: Setting) -> str:
    """Ridge where the penalty is given or texts are many columns, else a model that chooses its own penalty."""
    if setting.words or "alpha" in spec.params:
        return "Ridge"
    return "RidgeCV" if setting.rows > ELASTIC_ROWS or "alphas" in spec.params else "ElasticNetCV"


def _table(family: str, recipe: Recipe, words: bool) -> str:
    if family in TREES:
        return "tree_table()"
    if family == "cnn":
        return "picture_table()"
    if not words:
        return "flat_table()"
    if family == "naive_bayes":
        return 'make_pipeline(FunctionTransformer(itemgetter("text")), words())'
    sparse = family == "linear" and recipe.text != "tfidf_svd"
    return "flat_table(words())" if sparse else "flat_table(directions())"


def _defaults(spec: ModelSpec, recipe: Recipe, setting: Setting) -> dict[str, str]:
    """Default arguments as program text."""
    native = recipe.categories == "native"
    weight = _class_weight(recipe, setting)
    own = {
        "lightgbm": lambda: {**_lightgbm(recipe, setting), **weight, **_SEEDED, **_THREADED, "verbose": "-1"},
        "xgboost": lambda: {**_xgboost(recipe, setting, native), **_SEEDED, **_THREADED},
        "hist_gb": lambda: {**_hist_gb(recipe, setting, native), **weight, **_SEEDED},
        "extra_trees": lambda: {**_forest(setting), **weight, **_SEEDED, **_THREADED},
        "random_forest": lambda: {**_forest(setting), **weight, **_SEEDED, **_THREADED},
        "linear": lambda: _linear(spec, setting, weight),
        "mlp": lambda: {**_MLP, "max_iter": "40" if setting.rows > 3000 else "80", **_SEEDED},
        "knn": lambda: {"n_neighbors": "min(15, len(y))", "weights": '"distance"', **_THREADED},
        "svm": lambda: {"C": "3.0", **weight} if setting.classes else {"C": "1.0"},
        "cnn": lambda: {"epochs": "20" if setting.rows < 20_000 else "10", "seconds": "300", **_SEEDED},
        "naive_bayes": lambda: {"alpha": "0.1" if setting.classes else "1.0"},
    }
    return own[spec.family]()


_SEEDED = {"random_state": "seed"}
_THREADED = {"n_jobs": "THREADS"}
_MLP = {"hidden_layer_sizes": "(128, 64)", "alpha": "0.001", "learning_rate_init": "0.002"}


def _class_weight(recipe: Recipe, setting: Setting) -> dict[str, str]:
    balanced = recipe.class_weight == "balanced" and setting.classes
    return {"class_weight": '"balanced"'} if balanced else {}


def _lightgbm(recipe: Recipe, setting: Setting) -> dict[str, str]:
    small = setting.rows < 10_000
    return {
        "n_estimators": "3000" if recipe.early_stopping else "300",
        "learning_rate": "0.03" if small else "0.06",
        "num_leaves": "15" if small else "31",
        "min_child_samples": "10" if small else "20",
        "subsample": "0.8",
        "subsample_freq": "1",
        "colsample_bytree": _share(setting.columns),
        "reg_lambda": "1.0",
        "importance_type": '"gain"',
    }


def _xgboost(recipe: Recipe, setting: Setting, native: bool) -> dict[str, str]:
    small = setting.rows < 10_000
    return {
        "n_estimators": "3000" if recipe.early_stopping else "300",
        "learning_rate": "0.03" if small else "0.06",
        "max_depth": "4" if small else "6",
        "min_child_weight": "2",
        "subsample": "0.8",
        "colsample_bytree": _share(setting.columns),
        "reg_lambda": "1.0",
        "tree_method": '"hist"',
        **({"feature_types": "kinds"} if native else {}),
    }


def _hist_gb(recipe: Recipe, setting: Setting, native: bool) -> dict[str, str]:
    return {
        "max_iter": "1000" if recipe.early_stopping else "200",
        "learning_rate": "0.04" if setting.rows < 10_000 else "0.08",
        "max_leaf_nodes": "15" if setting.rows < 10_000 else "31",
        "l2_regularization": "1.0",
        "early_stopping": "False",
        **({"categorical_features": "known"} if native else {}),
    }


def _forest(setting: Setting) -> dict[str, str]:
    share = '"sqrt"' if setting.classes else "0.4"
    return {"n_estimators": "300", "min_samples_leaf": "2", "max_features": share}


def _share(columns: int) -> str:
    """Columns that each tree may use: the fewer, the more there are."""
    return "0.2" if columns > 200 else "0.4" if columns > 40 else "0.7"


def _text_strength(rows: int) -> str:
    return "30.0" if rows > 3000 else "3.0"


def _linear(spec: ModelSpec, setting: Setting, weight: dict[str, str]) -> dict[str, str]:
    if setting.classes:
        strength = (
            _text_strength(setting.rows) if setting.words else "0.05" if setting.columns > 200 else "1.0"
        )
        return {"C": strength, "max_iter": "500", **weight}
    return {
        "Ridge": {"alpha": "1.0"},
        "RidgeCV": {"alphas": "np.logspace(-2, 3, 20)"},
        "ElasticNetCV": {"l1_ratio": "0.5", "cv": "5", **_SEEDED},
    }[_linear_regressor(spec, setting)]
