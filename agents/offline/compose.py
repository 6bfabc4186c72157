"""From a recipe and the facts of a task to the text of a training program."""

import json
import re
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from gome.agents.offline.describe import docstring
from gome.agents.offline.families import STOP_ATTRIBUTES, TREES, Setting, families_of, model_parts
from gome.agents.offline.program_imports import import_lines
from gome.agents.offline.recipe import BOOSTERS, PREFIX, Recipe
from gome.agents.offline.scoring import (
    loss_expression,
    metric_form,
    never_negative,
    ranked_labels,
    score_expression,
)
from gome.state.errors import GomeError

WIDTH = 110
IMAGE_SIDE = 32


def _py(value: Any) -> str:
    """A Python literal with double quotes where that needs no escapes."""
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False) if value.isprintable() else repr(value)
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_py(k)}: {_py(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(_py(v) for v in value) + ("," if len(value) == 1 else "") + ")"
    return repr(value)


def _pylist(values: Any) -> str:
    """A Python list, wrapped at commas if one line does not hold it."""
    items = [_py(value) for value in values]
    line = "[" + ", ".join(items) + "]"
    if len(line) <= WIDTH - 20:
        return line
    return "[\n" + "".join(f"    {item},\n" for item in items) + "]"


_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "parts"),
    undefined=StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
    keep_trailing_newline=True,
    autoescape=False,
)
_templates.filters.update(py=_py, pylist=_pylist)


def render(recipe: Recipe, facts: dict[str, Any]) -> str:
    """The program that follows `recipe` for the task in `facts` (task, data: see the prompts' facts block).

    Parts that the task has no use for (texts without text columns, threshold without labels) are left out. GomeError
    for a problem that no part solves.
    """
    task, data = facts["task"], facts.get("data") or {}
    if task["problem"] == "detection":
        raise GomeError(
            "the offline reasoner has no parts for detection tasks; run with a language model (--model)"
        )
    names = _context(recipe, task, data)
    text = _templates.get_template("main.py.j2").render(names)
    text = re.sub(r"\n{4,}", "\n\n\n", text)
    return text.replace("@@IMPORTS@@", import_lines(text.replace("@@IMPORTS@@", "")))


def _context(recipe: Recipe, task: dict[str, Any], data: dict[str, Any]) -> dict[str, Any]:
    columns = data.get("columns") or []
    names = _table_names(recipe, task, columns)
    names |= _decision_names(recipe, task, names["tfidf"])
    setting = Setting(names["classes"], names["tfidf"], data.get("rows") or 1000, _width(names, columns))
    parts = model_parts(recipe, setting)
    names |= _model_names(recipe, parts, names)
    names |= _encoder_names(recipe, names)
    names |= {
        "recipe": recipe,
        "fold_count": recipe.folds if recipe.folds > 1 else 5,
        "task": task,
        "recipe_line": f"{PREFIX}{recipe.to_json()}  # noqa: E501",
        "read": _reader,
        "targets_list": "TARGETS" if len(task["target"]) > 1 else "[TARGET]",
        "joins": [(table, _keys(keys)) for table, keys in recipe.joins],
    }
    return {**names, "docstring": docstring(recipe, task, names)}


def _named(columns: list[dict], *kinds: str) -> list[str]:
    return [c["name"] for c in columns if c["kind"] in kinds and "count" not in c]


def _table_names(recipe: Recipe, task: dict[str, Any], columns: list[dict]) -> dict[str, Any]:
    """Which columns are dates, texts, pictures; which are left out."""
    dates = [c for c in _named(columns, "date") if c not in recipe.drop]
    texts = [c for c in _named(columns, "text") if c not in recipe.drop]
    pictures = _named(columns, "image")
    pixels = _pixel_run(columns) if recipe.image != "none" and not pictures else None
    image = recipe.image != "none" and (bool(pictures) or pixels is not None)
    used_dates = dates if recipe.dates == "parts" else []
    used_texts = texts if recipe.text != "none" else []
    gone = [task["id"], *task["target"], *_named(columns, "id", "constant"), *pictures, *recipe.drop]
    gone += [c for c in dates if c not in used_dates] + [c for c in texts if c not in used_texts]
    gone += [task["group"]] if task.get("group") else []
    when = task.get("time")
    is_date = when in _named(columns, "date")
    return {
        "drop": list(dict.fromkeys(gone)),
        "date_columns": used_dates,
        "text_columns": used_texts,
        "tfidf": bool(used_texts) and recipe.text != "lengths",
        "image": image,
        "image_column": pictures[0] if pictures else None,
        "pixel_columns": pixels,
        "side": pixels["side"] if pixels else _side(columns),
        "mirror": recipe.augment and image,
        "time": bool(when),
        "when": f"pd.to_datetime(train[{_py(when)}], utc=True).to_numpy()"
        if is_date
        else f"train[{_py(when)}].to_numpy()",
        "group": bool(task.get("group")) and not when,
    }


def _side(columns: list[dict]) -> int:
    """Side of the squares that pictures are brought to: their own height, at most 32."""
    sizes = [c["image_size"][0] for c in columns if c["kind"] == "image" and c.get("image_size")]
    return min([IMAGE_SIDE, *sizes])


def _pixel_run(columns: list[dict]) -> dict[str, Any] | None:
    """A run of like-named columns that make up a square picture: its first and last number, side and largest value."""
    for run in columns:
        side = round(run.get("count", 0) ** 0.5)
        bounds = re.fullmatch(r".*?(\d+)\.\..*?(\d+)", run["name"])
        if side < 8 or side * side != run["count"] or "template" not in run or not bounds:
            continue
        stem = run["template"].replace("{}", "{n}")
        return {
            "fstring": "f" + _py(stem),
            "first": int(bounds[1]),
            "last": int(bounds[2]),
            "side": side,
            "scale": 255 if (run.get("max") or 0) > 1 else 1,
        }
    return None


def _decision_names(recipe: Recipe, task: dict[str, Any], tfidf: bool) -> dict[str, Any]:
    """What is predicted: classes or numbers, how it is scored, how probabilities become answers."""
    form, metric, problem = metric_form(task), task["metric"], task["problem"]
    ordered = problem != "regression"
    binary = problem in ("binary", "multilabel")
    cuts = recipe.tune_rounding and problem in ("binary", "multiclass") and form == "label" and _numeric(task)
    classes = ordered and not cuts
    decide = "none"
    if ordered and form == "label":
        decide = "cuts" if cuts else "weights" if recipe.tune_threshold else "argmax"
    score, score_words = score_expression(metric, form, binary, cuts)
    loss, loss_words = loss_expression(metric if binary or not classes else "log_loss", classes)
    by_class = form == "probability" and problem == "multiclass"
    return {
        "form": form,
        "ordered": ordered,
        "binary": binary,
        "classes": classes,
        "decide": decide,
        "score_expression": score,
        "score_words": f"The score of the inner validation: {score_words}.",
        "loss_expression": loss,
        "loss_words": loss_words,
        "log_target": recipe.target_transform == "log1p" and not ordered,
        "balanced": recipe.class_weight == "balanced" and classes,
        "several_targets": len(task["target"]) > 1,
        "not_negative": form == "value" and never_negative(metric),
        "sort_key": "" if cuts else ", key=str",
        "top": ranked_labels(metric),
        "class_columns": _class_columns(task) if by_class else None,
    }


def _numeric(task: dict[str, Any]) -> bool:
    return all(re.fullmatch(r"-?\d+(\.\d+)?", str(c)) for c in task.get("classes") or ["x"])


def _class_columns(task: dict[str, Any]) -> list[str] | None:
    """The class of each prediction column where the columns are not named just like the classes."""
    columns, classes = task["prediction"], [str(c) for c in task.get("classes") or []]
    if set(columns) <= set(classes) or len(columns) != len(classes):
        return None
    by_length = sorted(classes, key=len, reverse=True)
    named = [next((c for c in by_length if column.endswith(c)), None) for column in columns]
    return [str(c) for c in named] if None not in named and len(set(named)) == len(classes) else classes


def _model_names(recipe: Recipe, parts: list[dict], names: dict[str, Any]) -> dict[str, Any]:
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
        "weights": _py(weights),
        "stops": recipe.early_stopping and bool(stopping),
        "stop_attributes": list(dict.fromkeys(STOP_ATTRIBUTES[p["family"]] for p in stopping)),
        "patience": 80,
        "native": recipe.categories == "native",
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


def _encoder_names(recipe: Recipe, names: dict[str, Any]) -> dict[str, Any]:
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


def _width(names: dict[str, Any], columns: list[dict]) -> int:
    """About how many columns the models see."""
    pixels = names["side"] ** 2 if names["image"] else 0
    return sum(c.get("count", 1) for c in columns) + pixels + (64 if names["tfidf"] else 0)


def _keys(keys: tuple[str, ...]) -> dict[str, str]:
    return {key.split("=")[0]: key.split("=")[-1] for key in keys}


def _reader(name: str) -> str:
    """The expression that reads a table of the input folder."""
    if name.endswith(".parquet"):
        return f"pd.read_parquet(folder / {_py(name)})"
    tab = ', sep="\\t"' if ".tsv" in name else ""
    return f"pd.read_csv(folder / {_py(name)}{tab}, low_memory=False)"
