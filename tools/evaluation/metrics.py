"""The registry: metrics by name, in whatever spelling, and graders of one's own as module:function."""

import difflib
import re
from collections.abc import Callable
from pathlib import Path

from gome.state.errors import GomeError
from gome.tools.evaluation import metrics_classification, metrics_detection, metrics_lists, metrics_regression
from gome.tools.evaluation.metric import Form, GradingError, Metric

__all__ = ["Form", "GradingError", "Metric", "get", "names"]

_FIXED = {
    m.name: m for m in (*metrics_classification.METRICS, *metrics_regression.METRICS, *metrics_lists.METRICS)
}
# name -> (what to write after '@' for example, builder); '' as parameter where none is needed
_FAMILIES: dict[str, tuple[str, Callable[[str], Metric]]] = {
    "fbeta": ("2", metrics_classification.f_beta),
    "pinball": ("0.9", metrics_regression.pinball),
    "map": ("5", metrics_lists.ranked_metric("map", metrics_lists.average_precision_at)),
    "ndcg": ("10", metrics_lists.ranked_metric("ndcg", metrics_lists.ndcg_at)),
    "box_ap": ("0.5", metrics_detection.box_precision),
    "recall": ("10", metrics_lists.ranked_metric("recall", metrics_lists.recall_at)),
}
_ALIASES = {
    "accuracy": "acc, categorization accuracy, classification accuracy, exact match",
    "balanced_accuracy": "balanced acc, macro recall",
    "f1": "f1 score, f1 binary, binary f1",
    "f1_macro": "macro f1, macro f1 score, mean f1 score",
    "f1_micro": "micro f1, micro f1 score",
    "f1_weighted": "weighted f1, weighted f1 score",
    "f1_samples": "samples f1, sample f1",
    "mcc": "matthews, matthews corrcoef, matthews correlation coefficient",
    "qwk": "quadratic weighted kappa, quadratic kappa, weighted kappa, cohen kappa quadratic",
    "auc": "roc auc, auc roc, auroc, roc auc ovr, area under the roc curve, mean column auc, mean columnwise auc, "
    "mean column wise auc, mean column wise roc auc",
    "average_precision": "pr auc, auprc, auc pr, ap",
    "log_loss": "logloss, logarithmic loss, cross entropy, multiclass log loss, binary log loss, mean column log loss, "
    "mean column wise log loss",
    "brier": "brier score, brier score loss",
    "rmse": "root mean squared error, root mean square error, mcrmse, column wise rmse, mean column wise rmse, "
    "mean columnwise root mean squared error",
    "mse": "mean squared error",
    "mae": "mean absolute error, mcmae",
    "medae": "median absolute error",
    "rmsle": "root mean squared log error, root mean squared logarithmic error",
    "mape": "mean absolute percentage error",
    "smape": "symmetric mean absolute percentage error",
    "r2": "r2 score, r squared, coefficient of determination",
    "pearson": "pearsonr, pearson correlation, pearson correlation coefficient",
    "spearman": "spearmanr, spearman correlation, spearman rank correlation",
    "gini_normalized": "normalized gini, gini, normalized gini coefficient",
    "fbeta": "f beta score",
    "pinball": "pinball loss, quantile, quantile loss, mean pinball loss",
    "map": "mapk, mean average precision",
    "ndcg": "normalized discounted cumulative gain",
    "box_ap": "map iou, mean average precision iou, detection map",
    "recall": "recall at",
}


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("²", "2"))


_BY_KEY = {
    _key(spelling): name for name in (*_FIXED, *_FAMILIES) for spelling in (name, *_ALIASES[name].split(", "))
}


def get(name: str, *, root: str | Path | None = None) -> Metric:
    """The metric called `name`; case, '-', '_' and spaces do not matter, a parameter stands after '@' (map@3).

    `path/to/grade.py:function` is somebody's own grader in folder `root`, `module:function` one there or in an installed
    module, run in a sandbox; its direction is the task's to say. Raises GomeError: unknown (with the nearest names), a
    parameter missing or too much, a grader that cannot be loaded.
    """
    if ":" in name:
        from gome.tools.evaluation import own_grader  # it needs the sandbox, and most tasks have none

        return own_grader.load(name, root)
    base, at, parameter = (part.strip() for part in name.partition("@"))
    found = _BY_KEY.get(_key(base))
    if found is None:
        raise GomeError(f"unknown metric {name!r}{_nearest(base)}, or your own as module:function.")
    if found in _FAMILIES:
        return _FAMILIES[found][1](parameter.replace(" ", ""))
    if at:
        raise GomeError(f"metric {found!r} takes no parameter; write it without '@{parameter}'.")
    return _FIXED[found]


def names() -> list[str]:
    """Names of all metrics, sorted; a parameter after '@' is an example."""
    return sorted([*_FIXED, *(f"{name}@{example}" for name, (example, _) in _FAMILIES.items())])


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(_key(name), _BY_KEY, n=6, cutoff=0.5)
    found = list(dict.fromkeys(_BY_KEY[key] for key in close))[:3]
    return f"; nearest: {', '.join(found)}" if found else f"; known are {', '.join(names())}"
