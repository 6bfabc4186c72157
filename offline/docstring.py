"""What a recipe does, in words: the docstring of the program."""

import textwrap

from gome.offline.recipe import Recipe
from gome.state.plain import JsonObject
from gome.state.prompt_context import TaskContext

_FAMILIES = {
    "linear": "a linear model",
    "lightgbm": "LightGBM",
    "xgboost": "XGBoost",
    "hist_gb": "histogram gradient boosting",
    "extra_trees": "extremely randomised trees",
    "random_forest": "a random forest",
    "mlp": "a small neural network",
    "knn": "nearest neighbours",
    "svm": "a support vector machine",
    "naive_bayes": "naive Bayes",
    "cnn": "a small convolutional network",
}
_COMBINE = {
    "single": "",
    "fixed": ", blended with fixed weights",
    "greedy": ", blended with weights chosen on held-out rows",
    "stack": ", stacked by a linear model fitted on held-out predictions",
}
_TEXT = {
    "lengths": "lengths and character shares of texts",
    "tfidf": "TF-IDF of words",
    "tfidf_char": "TF-IDF of character runs",
    "tfidf_svd": "main directions of the words' TF-IDF",
}
_IMAGE = {
    "pixels": "pixels of pictures",
    "hog": "gradient histograms of pictures",
    "pca": "main components of pictures",
}


def docstring(recipe: Recipe, task: TaskContext, names: JsonObject) -> str:
    """The text between the program's first quotes: one sentence, then a line for each group of choices."""
    targets = ", ".join(task["target"][:5]) + (", ..." if len(task["target"]) > 5 else "")
    head = f"Predict {targets}: {task['problem']}, judged by {task['metric']}."
    lines = [
        "Composed from parts by Gome's offline reasoner: rules, no language model.",
        f"- Columns: {_columns(recipe, names)}.",
        f"- Models: {_models(recipe, names)}.",
        f"- Inner validation: {_validation(recipe, names)}.",
    ]
    text = head + "\n\n" + "\n".join(textwrap.fill(line, 108, subsequent_indent="  ") for line in lines)
    return text.replace("\\", "/").replace('"""', "'''")


def _columns(recipe: Recipe, names: JsonObject) -> str:
    said = [
        (
            True,
            f"categories {'as they are' if recipe.categories == 'native' else f'by {recipe.categories} codes'}",
        ),
        (recipe.rare_min > 1, f"those with fewer than {recipe.rare_min} rows merged"),
        (recipe.missing != "native", f"missing numbers by {recipe.missing}"),
        (recipe.skew_log, "logarithms of skewed numbers for the linear table"),
        (bool(names["date_columns"]), "calendar parts of dates"),
        (bool(names["text_columns"]), _TEXT.get(recipe.text, "")),
        (names["image"], _IMAGE.get(recipe.image, "")),
        (bool(names["file_column"]), "the bytes of the row's file"),
        (names["mirror"], "mirrored copies of the pictures to fit on"),
        (recipe.counts, "category frequencies"),
        (bool(recipe.interactions), f"{len(recipe.interactions)} arithmetic combinations"),
        (bool(recipe.group_stats), f"{len(recipe.group_stats)} group means"),
        (bool(recipe.split_codes), "letters and numbers of codes"),
        (recipe.row_stats, "row statistics"),
        (bool(recipe.joins), "columns of other tables"),
        (bool(recipe.drop), f"without {len(recipe.drop)} columns"),
    ]
    return ", ".join(words for used, words in said if used)


def _models(recipe: Recipe, names: JsonObject) -> str:
    text = " and ".join(_FAMILIES[spec.family] for spec in recipe.models) + _COMBINE[names["combine"]]
    said = [
        (names["log_target"], "on the logarithm of the target"),
        (names["balanced"], "classes weighted alike"),
        (names["tuned"] is not None, f"tuned for at most {recipe.tuning_seconds} s"),
        (recipe.bagging > 1, f"mean of {recipe.bagging} seeds"),
    ]
    return ", ".join([text, *(words for used, words in said if used)])


def _validation(recipe: Recipe, names: JsonObject) -> str:
    if names["time"]:
        text = "the latest 20 % of the rows"
    elif recipe.folds == 1:
        text = "one hold-out of 20 % of the rows"
    else:
        text = f"{recipe.folds} {'splits by group' if names['group'] else 'folds'}"
    ends = {
        "weights": "; it also sets the factors that turn probabilities into labels",
        "cuts": "; it also sets where predicted numbers are rounded up",
    }
    rounds = "; it sets the number of boosting rounds" if names["stops"] else ""
    return text + rounds + ends.get(names["decide"], "")
