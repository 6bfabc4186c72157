"""What the task and its columns mean for a program: parts to use, columns to leave out, decisions to take."""

import re

from gome.offline.program_literals import literal
from gome.offline.recipe import Recipe
from gome.offline.scoring import (
    loss_expression,
    metric_form,
    never_negative,
    ranked_labels,
    score_expression,
)
from gome.state.plain import JsonObject
from gome.state.profile import ColumnProfile, DataProfile
from gome.state.prompt_context import TaskContext

IMAGE_SIDE = 32


def _named(columns: list[ColumnProfile], *kinds: str) -> list[str]:
    return [c["name"] for c in columns if c["kind"] in kinds and "count" not in c]


def table_names(recipe: Recipe, task: TaskContext, columns: list[ColumnProfile]) -> JsonObject:
    """Which columns are dates, texts, pictures; which are left out."""
    dates = [c for c in _named(columns, "date") if c not in recipe.drop]
    texts = [c for c in _named(columns, "text") if c not in recipe.drop]
    pictures = sorted(
        _named(columns, "image"), key=lambda name: name == task["id"]
    )  # paths before bare names
    pixels = _pixel_run(columns) if recipe.image != "none" and not pictures else None
    image = recipe.image != "none" and (bool(pictures) or pixels is not None)
    used_dates = dates if recipe.dates == "parts" else []
    used_texts = texts if recipe.text != "none" else []
    gone = [task["id"], *task["target"], *_named(columns, "id", "constant"), *pictures, *recipe.drop]
    gone += [c for c in dates if c not in used_dates] + [c for c in texts if c not in used_texts]
    gone += [group] if (group := task.get("group")) else []
    when = task.get("time") or ""
    formats = task.get("dates") or {}
    bare = not (image or used_dates or used_texts or any(c["name"] not in gone for c in columns))
    ids = [task["id"], *(c for c in _named(columns, "id") if c != task["id"])]
    files = bare or (image and pixels is None)
    is_date = when in formats or when in _named(columns, "date")
    return {
        "drop": list(dict.fromkeys(gone)),
        "date_columns": {name: formats.get(name) for name in used_dates},
        "text_columns": used_texts,
        "tfidf": bool(used_texts) and recipe.text != "lengths",
        "image": image,
        "files": files,
        "part": (', "train"', ', "test"') if files else ("", ""),
        "file_column": ids[-1] if bare else None,
        "image_column": pictures[0] if pictures else None,
        "pixel_columns": pixels,
        "side": pixels["side"] if pixels else _side(columns),
        "mirror": recipe.augment and image,
        "time": bool(when),
        "when": f"pd.to_datetime(train[{literal(when)}], format={literal(formats.get(when))}, utc=True).to_numpy()"
        if is_date
        else f"train[{literal(when)}].to_numpy()",
        "group": bool(group) and not when,
    }


def _side(columns: list[ColumnProfile]) -> int:
    """Side of the squares that pictures are brought to: their own height, at most 32."""
    sizes = [c["image_size"][0] for c in columns if c["kind"] == "image" and c.get("image_size")]
    return min([IMAGE_SIDE, *sizes])


def _pixel_run(columns: list[ColumnProfile]) -> JsonObject | None:
    """A run of like-named columns that make up a square picture: its first and last number, side and largest value."""
    for run in columns:
        side = round(run.get("count", 0) ** 0.5)
        bounds = re.fullmatch(r".*?(\d+)\.\..*?(\d+)", run["name"])
        if side < 8 or side * side != run["count"] or "template" not in run or not bounds:
            continue
        stem = run["template"].replace("{}", "{n}")
        return {
            "fstring": "f" + literal(stem),
            "first": int(bounds[1]),
            "last": int(bounds[2]),
            "side": side,
            "scale": 255 if (run.get("max") or 0) > 1 else 1,
        }
    return None


def decision_names(recipe: Recipe, task: TaskContext, data: DataProfile) -> JsonObject:
    """What is predicted: classes or numbers, how it is scored, how probabilities become answers."""
    form, metric, problem = metric_form(task), task["metric"], task["problem"]
    if problem == "multiclass" and len(task["target"]) > 1:  # one column a class: each is foretold by itself
        problem = "multilabel"
    ordered = problem != "regression"
    # One column that lists the labels of a row: each set of labels is a class (label powerset).
    binary = problem == "binary" or (problem == "multilabel" and len(task["target"]) > 1)
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
        "log_target": recipe.target_transform == "log1p" and not ordered and _from_zero_up(task, data),
        "balanced": recipe.class_weight == "balanced" and classes,
        "several_targets": len(task["target"]) > 1,
        "not_negative": form == "value" and never_negative(metric),
        "sort_key": ", key=float" if cuts else _class_order(task),
        "top": ranked_labels(metric),
        "class_columns": _class_columns(task) if by_class else None,
    }


def _class_order(task: TaskContext) -> str:
    """How `sorted` orders the classes, as an argument: by text, but of two classes the positive one last."""
    positive = task.get("positive")
    if positive is None or positive == max(map(str, task["classes"])):
        return ", key=str"
    return f", key=lambda label: (str(label) == {literal(positive)}, str(label))"


def _from_zero_up(task: TaskContext, data: DataProfile) -> bool:
    """Whether no target is known to be negative: only then is there a logarithm."""
    known = data.get("target") or {}
    return all((known.get(target) or {}).get("min", 0) >= 0 for target in task["target"])


def _numeric(task: TaskContext) -> bool:
    return all(re.fullmatch(r"-?\d+(\.\d+)?", str(c)) for c in task.get("classes") or ["x"])


def _class_columns(task: TaskContext) -> list[str] | None:
    """The class of each prediction column where the columns are not named just like the classes."""
    columns, classes = task["prediction"], [str(c) for c in task.get("classes") or []]
    if set(columns) <= set(classes) or len(columns) != len(classes):
        return None
    by_length = sorted(classes, key=len, reverse=True)
    named = [next((c for c in by_length if column.endswith(c)), None) for column in columns]
    return [str(c) for c in named] if None not in named and len(set(named)) == len(classes) else classes
