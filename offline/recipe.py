"""The recipe of a program: what the composer can put together, as plain data that travels in the program's text."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any

from gome.state.plain import JsonObject
from gome.tools.step_sizes import step_sizes

PREFIX = "# recipe: "

FAMILIES = (
    "linear",
    "lightgbm",
    "xgboost",
    "hist_gb",
    "extra_trees",
    "random_forest",
    "mlp",
    "knn",
    "svm",
    "naive_bayes",
    "cnn",
)
BOOSTERS = ("lightgbm", "xgboost", "hist_gb")
CHOICES: dict[str, tuple[str, ...]] = {
    "categories": ("onehot", "ordinal", "native", "target"),
    "missing": ("native", "median", "indicator"),
    "scale": ("none", "standard", "quantile"),
    "dates": ("none", "parts"),
    "text": ("none", "lengths", "tfidf", "tfidf_char", "tfidf_svd"),
    "image": ("none", "pixels", "hog", "pca"),
    "target_transform": ("none", "log1p"),
    "class_weight": ("none", "balanced"),
    "tuning": ("none", "small"),
}
OPERATIONS = ("+", "-", "*", "/")


@dataclass(frozen=True)
class ModelSpec:
    """One model of a program.

    `params` override the composer's defaults and are the library's own parameter names (LightGBM, XGBoost, sklearn).
    `weight` is the model's share in the blend; None: chosen on the inner validation rows. Ignored when stacking.
    """

    family: str
    params: Mapping[str, Any] = field(default_factory=dict)
    weight: float | None = None

    def __post_init__(self) -> None:
        if self.family not in FAMILIES:
            raise ValueError(f"unknown model family {self.family!r}; known: {', '.join(FAMILIES)}")


@dataclass(frozen=True)
class Recipe:
    """What a program does, field by field; the defaults are left out of the program's recipe line.

    `categories`, `missing` say how tree models see the table; linear, distance and neural models get one-hot codes (or,
    with "target", out-of-fold target means), medians and scaled columns. `rare_min` merges categories with fewer rows.
    `skew_log` takes log1p of skewed non-negative columns. `counts` adds how often each category occurs. `interactions`
    are (column, one of + - * /, column); `group_stats` are (group column, number column): mean within the group and
    difference to it. `split_codes` are string columns such as 'C85 C87' or 'Mr. X': their letters and numbers apart.
    `row_stats` adds missing counts and sums per row. `drop` are columns left out. `joins` are (file of another table, key
    columns): its columns join on equal keys, one row a key; a key named differently there is written 'dest=faa'.
    `folds` is the inner validation that chooses rounds, blend weights, stacking, threshold: 1 is one 20 % hold-out,
    k >= 2 are k folds with out-of-fold predictions. `bagging` averages that many seeds. `tuning_seconds` caps the search.
    `refit_scale` multiplies the early-stopped rounds for the refit on all rows.
    """

    models: tuple[ModelSpec, ...] = (ModelSpec("lightgbm"),)
    categories: str = "ordinal"
    rare_min: int = 0
    missing: str = "native"
    scale: str = "standard"
    skew_log: bool = False
    dates: str = "parts"
    text: str = "none"
    image: str = "none"
    augment: bool = False
    counts: bool = False
    interactions: tuple[tuple[str, str, str], ...] = ()
    group_stats: tuple[tuple[str, str], ...] = ()
    split_codes: tuple[str, ...] = ()
    row_stats: bool = False
    drop: tuple[str, ...] = ()
    joins: tuple[tuple[str, tuple[str, ...]], ...] = ()
    target_transform: str = "none"
    clip_target: bool = False
    class_weight: str = "none"
    tune_threshold: bool = False
    tune_rounding: bool = False
    early_stopping: bool = True
    folds: int = 1
    bagging: int = 1
    tuning: str = "none"
    tuning_seconds: int = 60
    stack: bool = False
    refit_scale: float = 1.1

    def __post_init__(self) -> None:
        if not self.models:
            raise ValueError("a recipe needs at least one model")
        for name, choices in CHOICES.items():
            if getattr(self, name) not in choices:
                raise ValueError(f"{name} is {getattr(self, name)!r}; known: {', '.join(choices)}")
        if self.folds < 1 or self.bagging < 1:
            raise ValueError("folds and bagging are at least 1")
        if any(op not in OPERATIONS for _, op, _ in self.interactions):
            raise ValueError(f"an interaction's operation is one of {' '.join(OPERATIONS)}")

    def to_json(self) -> str:
        """One line of JSON with the fields that differ from the defaults; models without empty fields."""
        plain: JsonObject = {}
        for entry in fields(self):
            value = getattr(self, entry.name)
            if entry.name == "models":
                plain["models"] = [{k: v for k, v in asdict(m).items() if v or v == 0} for m in value]
            elif value != entry.default:
                plain[entry.name] = value
        return json.dumps(plain)

    @classmethod
    def from_json(cls, text: str) -> "Recipe":
        """The recipe that `to_json` wrote; text after the JSON object is ignored. ValueError if it is no recipe."""
        plain, _ = json.JSONDecoder().raw_decode(text.strip())
        if not isinstance(plain, dict):
            raise ValueError("a recipe is a JSON object")
        try:
            if "models" in plain:
                plain["models"] = tuple(ModelSpec(**model) for model in plain["models"])
            return cls(**{key: _frozen(value) for key, value in plain.items()})
        except TypeError as error:
            raise ValueError(f"not a recipe: {error}") from None


def _frozen(value: Any) -> Any:
    """Lists as tuples, at all depths."""
    return tuple(_frozen(item) for item in value) if isinstance(value, list | tuple) else value


def read_recipe(program: str) -> Recipe | None:
    """The recipe written in a program's recipe line, with what a line search has set since; None where there is no
    readable one."""
    for line in program.splitlines():
        if line.startswith(PREFIX):
            try:
                return _as_set(Recipe.from_json(line[len(PREFIX) :]), program)
            except ValueError:
                return None
    return None


def _as_set(recipe: Recipe, program: str) -> Recipe:
    values: dict[str, dict[str, float]] = {}
    for size in step_sizes(program):
        if size.tuned:
            family, _, name = size.name.partition(".")
            values.setdefault(family, {})[name] = int(size.value) if size.whole else size.value
    models = tuple(replace(m, params={**m.params, **values.get(m.family, {})}) for m in recipe.models)
    return replace(recipe, models=models) if values else recipe
