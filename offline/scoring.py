"""The metric of a program's own inner validation, and what it minimises when it blends, as program text."""

import re

from gome.state.prompt_context import TaskContext
from gome.tools.evaluation.metrics import get as get_metric

_LABELS = {
    "accuracy": "accuracy_score({})",
    "balanced_accuracy": "balanced_accuracy_score({})",
    "f1": "f1_score({})",
    "f1_macro": 'f1_score({}, average="macro")',
    "f1_micro": 'f1_score({}, average="micro")',
    "f1_weighted": 'f1_score({}, average="weighted")',
    "precision": "precision_score({}, zero_division=0)",
    "recall": "recall_score({})",
    "mcc": "matthews_corrcoef({})",
    "kappa": "cohen_kappa_score({})",
    "qwk": 'cohen_kappa_score({}, weights="quadratic")',
}
_BINARY = {
    "auc": "roc_auc_score(truth, guess[:, 1])",
    "average_precision": "average_precision_score(truth, guess[:, 1])",
    "brier": "brier_score_loss(truth, guess[:, 1])",
}
_VALUES = {
    "rmse": "root_mean_squared_error(truth, guess)",
    "mse": "mean_squared_error(truth, guess)",
    "mae": "mean_absolute_error(truth, guess)",
    "mape": "mean_absolute_percentage_error(truth, guess)",
    "medae": "median_absolute_error(truth, guess)",
    "rmsle": "root_mean_squared_error(np.log1p(np.maximum(truth, 0)), np.log1p(np.maximum(guess, 0)))",
    "r2": "r2_score(truth, guess)",
    "pearson": "np.corrcoef(truth, guess)[0, 1]",
    "spearman": "spearmanr(truth, guess).statistic",
}
_LOG_LOSS = "log_loss(truth, guess, labels=np.arange(guess.shape[1]))"


def metric_form(task: TaskContext) -> str:
    """What the task's metric is given: "label", "probability", "value" or "ranking".

    A metric of the task's own file cannot be looked up from the prompt alone; then the form's sentence decides.
    """
    if ":" not in task["metric"]:
        return get_metric(task["metric"]).form
    sentence = (task.get("form") or "").lower()
    for word, form in (("probabilit", "probability"), ("ranked", "ranking"), ("labels", "label")):
        if word in sentence:
            return form
    return "value" if task["problem"] == "regression" else "probability"


def never_negative(metric: str) -> bool:
    """Whether the metric takes no predictions below zero."""
    return ":" not in metric and get_metric(metric).low >= 0


def score_expression(metric: str, form: str, binary: bool, cuts: bool) -> tuple[str, str]:
    """The score's expression over `truth` and `guess`, and what it is in words; near metrics stand in for unknown ones.

    `guess` are class probabilities, or numbers; with `cuts`, class codes.
    """
    if form == "label" or cuts:
        known = metric if metric in _LABELS and (metric != "f1" or binary) else "accuracy"
        if not binary and metric in ("f1", "precision", "recall"):
            known = "f1_macro"
        guess = "guess" if cuts else "guess.argmax(axis=1)"
        return _LABELS[known].format(f"truth, {guess}"), known
    if form == "value":
        known = metric if metric in _VALUES else "rmse"
        return _VALUES[known], known
    if binary and metric in _BINARY:
        return _BINARY[metric], metric
    return _LOG_LOSS, "log_loss"


def loss_expression(metric: str, classes: bool) -> tuple[str, str]:
    """What blending and tuning minimise, as an expression and in words: smooth, where the score may not be."""
    if classes and metric == "auc":
        return "-roc_auc_score(truth, guess[:, 1])", "the area under the ROC curve, negated"
    if classes:
        return _LOG_LOSS, "log loss"
    if metric in ("mae", "mape", "medae"):
        return "np.mean(np.abs(truth - guess))", "the mean absolute error"
    return "np.mean((truth - guess) ** 2)", "the mean squared error"


def ranked_labels(metric: str) -> int:
    """How many labels a ranking metric reads: the number in its name, else 5."""
    found = re.search(r"\d+", metric)
    return int(found.group()) if found else 5
