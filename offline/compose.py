"""From a recipe and the context of a prompt to the text of a training program."""

import re
from dataclasses import replace
from pathlib import Path

from gome.offline.declared_sizes import with_declaration
from gome.offline.docstring import docstring
from gome.offline.families import STOP_ATTRIBUTES, TREES, Setting, families_of, model_parts
from gome.offline.program_imports import import_lines
from gome.offline.program_literals import literal, wrapped_list
from gome.offline.recipe import BOOSTERS, PREFIX, ModelSpec, Recipe
from gome.offline.task_parts import decision_names, table_names
from gome.state.plain import JsonObject
from gome.state.profile import ColumnProfile, DataProfile
from gome.state.prompt_context import PromptContext, TaskContext
from gome.tools.data.table_names import stem_of
from gome.tools.templates import text_templates

_templates = text_templates(
    Path(__file__).parent / "templates", py=literal, pylist=wrapped_list, declared=with_declaration
)


def render(recipe: Recipe, context: PromptContext) -> str:
    """The program that follows `recipe` for the task in `context` (task, data).

    Parts that the task has no use for (texts without text columns, threshold without labels) are left out.
    """
    task, data = context["task"], context.get("data") or {}
    names = _context(recipe, task, data)
    text = _templates.get_template("main.py.j2").render(names)
    text = re.sub(r"\n{4,}", "\n\n\n", text)
    return text.replace("@@IMPORTS@@", import_lines(text.replace("@@IMPORTS@@", "")))


def _context(recipe: Recipe, task: TaskContext, data: DataProfile) -> JsonObject:
    columns = data.get("columns") or []
    line = f"{PREFIX}{recipe.to_json()}  # noqa: E501"
    recipe = _fitting(recipe, task, columns)
    names = table_names(recipe, task, columns)
    names |= decision_names(recipe, task, data)
    setting = Setting(names["classes"], names["tfidf"], data.get("rows") or 1000, _width(names, columns))
    parts = model_parts(recipe, setting)
    names |= _model_names(recipe, parts, names)
    names |= _encoder_names(recipe, names)
    names |= {
        "recipe": recipe,
        "fold_count": recipe.folds if recipe.folds > 1 else 5,
        "task": task,
        "recipe_line": line,
        "text_cells": _text_cells(task),
        "targets_list": "TARGETS" if len(task["target"]) > 1 else "[TARGET]",
        "joins": [(table, stem_of(table), _keys(keys)) for table, keys in recipe.joins],
    }
    return {**names, "docstring": docstring(recipe, task, names)}


def _fitting(recipe: Recipe, task: TaskContext, columns: list[ColumnProfile]) -> Recipe:
    """The recipe with what a convolutional network needs: raw pixels; without pictures, another network instead."""
    if "cnn" not in families_of(recipe):
        return recipe
    seeing = replace(recipe, image="pixels")
    if table_names(seeing, task, columns)["image"]:
        return seeing
    others = {spec.family for spec in recipe.models} - {"cnn"}
    kept = [spec for spec in recipe.models if spec.family != "cnn" or "mlp" not in others]
    return replace(
        recipe, models=tuple(ModelSpec("mlp", weight=s.weight) if s.family == "cnn" else s for s in kept)
    )


def _model_names(recipe: Recipe, parts: list[dict], names: JsonObject) -> JsonObject:
    """The models, how they are combined, and what is logged of them."""
    first = {part["family"]: part for part in reversed(parts)}
    stopping = [p for p in parts if p["family"] in BOOSTERS]
    curved = next((p for p in stopping if p["family"] != "hist_gb"), None)
    tuned = next((p for p in parts if p["tuned"]), None)
    several = len(parts) > 1
    given = all(spec.weight is not None for spec in recipe.models)
    combine = "single" if not several else "stack" if recipe.stack else "fixed" if given else "greedy"
    shares = [float(spec.weight or 0) if several else 1.0 for spec in recipe.models]
    whole = sum(shares) or 1.0
    weights = {p["name"]: round(s / whole, 4) for p, s in zip(parts, shares, strict=True)}
    important, importance = _importance(first, recipe)
    return {
        "models": parts,
        "stack": combine == "stack",
        "combine": combine,
        "weights": literal(weights),
        "stops": recipe.early_stopping and bool(stopping),
        "stop_attributes": list(dict.fromkeys(STOP_ATTRIBUTES[p["family"]] for p in stopping)),
        "patience": 80,
        "native": recipe.categories == "native",
        "network": "cnn" in first,
        "tuned": tuned and {**tuned, "words_short": tuned["words"]},
        "curve": _curve(curved) if curved and recipe.early_stopping else None,
        "needs_loss": combine == "greedy" or tuned is not None,
        "importance": importance,
        "importance_model": important,
        "has_svm": "svm" in first and names["classes"],
    }


def _importance(first: dict[str, dict], recipe: Recipe) -> tuple[str | None, str | None]:
    for family in ("lightgbm", "xgboost", "random_forest", "extra_trees"):
        if family in first:
            return first[family]["name"], "model[-1].feature_importances_"
    if "linear" in first and recipe.scale != "none":
        return first["linear"]["name"], "np.abs(np.atleast_2d(model[-1].coef_)).mean(axis=0)"
    return None, None


def _curve(part: dict) -> dict[str, str]:
    results = "evals_result_" if part["family"] == "lightgbm" else "evals_result()"
    return {"name": part["name"], "expression": f"next(iter(model[-1].{results}.values()))"}


def _encoder_names(recipe: Recipe, names: JsonObject) -> JsonObject:
    """The encoders of the two tables, as program text."""
    families = families_of(recipe)
    rare = max(2, recipe.rare_min)
    kind = "continuous" if not names["classes"] else "binary" if names["binary"] else "multiclass"
    target = f'TargetEncoder(target_type="{kind}", random_state=SEED)'
    rarely = f"min_frequency={recipe.rare_min}, " if recipe.rare_min > 1 else ""
    unknown = 'handle_unknown="use_encoded_value", unknown_value=np.nan'
    codes = f"OrdinalEncoder(\n        {unknown}, {rarely}max_categories=250\n    )"
    onehot = f'OneHotEncoder(handle_unknown="infrequent_if_exist", min_frequency={rare})'
    medians = 'SimpleImputer(strategy="median", keep_empty_features=True'
    medians += ", add_indicator=True)" if recipe.missing == "indicator" else ")"
    tree = {"onehot": onehot, "target": target}.get(recipe.categories, codes)
    normal = 'QuantileTransformer(n_quantiles=200, output_distribution="normal")'
    scaler = {"none": None, "standard": "StandardScaler()", "quantile": normal}
    coded = {"onehot": "0/1 columns", "target": "target means"}.get(
        recipe.categories, "codes"
    ) + " of categories"
    scaled = "numbers" if recipe.scale == "none" else f"{recipe.scale} scaled numbers"
    texts = {p["table"] for p in names["models"]}
    learned = [
        w
        for w, used in (
            ("how often each category occurs", recipe.counts),
            ("group means", recipe.group_stats),
        )
        if used
    ]
    return {
        "tree_models": bool(families & set(TREES)),
        "flat_models": any("flat_table" in text for text in texts),
        "tree_words": f"{coded} and numbers {'as they are' if recipe.missing == 'native' else 'with medians for gaps'}",
        "flat_words": f"{'target means' if recipe.categories == 'target' else '0/1 columns'} for categories, {scaled}",
        "tree_categories": tree,
        "flat_categories": target if recipe.categories == "target" else onehot,
        "tree_numbers": '"passthrough"' if recipe.missing == "native" else medians,
        "flat_imputer": medians,
        "flat_scaler": scaler[recipe.scale],
        "text_directions": names["tfidf"]
        and any(text in ("tree_table()", "flat_table(directions())") for text in texts),
        "svd_size": 64,
        "statistics": bool(learned),
        "statistics_words": " and ".join(learned),
    }


def _width(names: JsonObject, columns: list[ColumnProfile]) -> int:
    """About how many columns the models see."""
    pixels = names["side"] ** 2 if names["image"] else 0
    return sum(c.get("count", 1) for c in columns) + pixels + (64 if names["tfidf"] else 0)


def _keys(keys: tuple[str, ...]) -> dict[str, str]:
    return {key.split("=")[0]: key.split("=")[-1] for key in keys}


def _text_cells(task: TaskContext) -> list[str]:
    """Columns whose cells are text, whatever they look like: ids, groups, and labels that are no numbers."""
    numeric = task["problem"] == "regression" or len(task["target"]) > 1
    columns = [task["id"], task.get("group"), *([] if numeric else task["target"])]
    return [c for c in columns if c is not None and c != task.get("time")]
