"""The metrics by name, in whatever spelling; what they are is in `gome.tools.evaluation.metrics`."""

import difflib
import re

_SPELLINGS = {
    "accuracy": "acc, categorization accuracy, classification accuracy, exact match",
    "balanced_accuracy": "balanced acc, macro recall",
    "f1": "f1 score, f1 binary, binary f1",
    "f1_macro": "macro f1, macro f1 score, mean f1 score",
    "f1_micro": "micro f1, micro f1 score",
    "f1_weighted": "weighted f1, weighted f1 score",
    "f1_samples": "samples f1, sample f1",
    "mcc": "matthews, matthews corrcoef, matthews correlation coefficient",
    "qwk": "quadratic weighted kappa, quadratic kappa, weighted kappa, cohen kappa quadratic",
    "auc": "roc auc, auc roc, auroc, roc auc ovr, area under the roc curve",
    "average_precision": "pr auc, auprc, auc pr, ap",
    "log_loss": "logloss, logarithmic loss, cross entropy, multiclass log loss, binary log loss",
    "brier": "brier score, brier score loss",
    "rmse": "root mean squared error, root mean square error, mcrmse",
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
    "box_map": "multiclass box ap, mean average precision of boxes, coco map, voc map",
    "recall": "recall at",
    "kendall": "kendall tau, kendalls tau, kendall tau b, kendalltau",
    "kendall_order": "order kendall, kendall tau of orders, kendall tau of lists",
    "lwlrap": "label weighted label ranking average precision",
    "pf1": "probabilistic f1, probabilistic f1 score",
    "kl_divergence": "kullback leibler divergence, kl, kld",
    "angular_error": "mean angular error, angular distance",
    "weighted_auc": "weighted roc auc",
    "weighted_log_loss": "weighted logloss, weighted logarithmic loss",
    "balanced_log_loss": "balanced logarithmic loss, weighted multiclass log loss",
    "bias_auc": "subgroup auc, generalized mean of bias aucs",
    "group_auc": "grouped auc, mean group auc, auc per group, gauc",
    "log_mae": "log of the mean absolute error, lmae, grouped log mae",
    "levenshtein": "levenshtein distance, mean levenshtein distance, edit distance, mean edit distance",
    "word_jaccard": "jaccard, word level jaccard, word level jaccard score, jaccard score",
    "text_accuracy": "exact text",
    "dice": "dice coefficient, mean dice coefficient, mean dice",
    "dice_global": "global dice, global dice coefficient",
    "mask_ap": "mask average precision",
    "laplace": "laplace log likelihood, modified laplace log likelihood",
}
_EXAMPLES = {
    "fbeta": "2",
    "pinball": "0.9",
    "map": "5",
    "ndcg": "10",
    "box_ap": "0.5",
    "box_map": "0.5-0.95",
    "recall": "10",
    "weighted_auc": "0.4=2,1=1",
    "weighted_log_loss": "2,1",
    "balanced_log_loss": "1,2",
    "bias_auc": "group_a,group_b",
    "group_auc": "group",
    "log_mae": "group",
    "laplace": "70,1000",
    "mask_ap": "0.5-0.95",
}
"""What may stand after '@', of those that take something there."""
_MEAN_OF_COLUMNS = re.compile(
    r"(?:mean[-_ ]*)?column[-_ ]*(?:wise)?[-_ ]*(?:mean[-_ ]*)?\(?(.+?)\)?", re.IGNORECASE
)


def _key(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower().replace("²", "2"))


_BY_KEY = {_key(text): name for name, others in _SPELLINGS.items() for text in (name, *others.split(", "))}


def averaged_over_columns(name: str) -> str | None:
    """The metric whose mean over columns `name` asks for, as in mean_columnwise(auc); None if it asks for none."""
    found = _MEAN_OF_COLUMNS.fullmatch(name.strip())
    return found[1] if found else None


def known(name: str) -> str:
    """The registry's name for `name`, what stands after '@' left out; a grader of one's own, with ':', stays as it is.

    Raises ValueError with one line that has the nearest names.
    """
    if ":" in name:
        return name
    base = (averaged_over_columns(name) or name).partition("@")[0].strip()
    if (found := _BY_KEY.get(_key(base))) is None:
        raise ValueError(f"unknown metric {name!r}{_nearest(base)}, or your own as module:function")
    return found


def names() -> list[str]:
    """Names of all metrics, sorted; a parameter after '@' is an example."""
    return sorted(f"{name}@{_EXAMPLES[name]}" if name in _EXAMPLES else name for name in _SPELLINGS)


def _nearest(name: str) -> str:
    close = difflib.get_close_matches(_key(name), _BY_KEY, n=6, cutoff=0.5)
    found = list(dict.fromkeys(_BY_KEY[key] for key in close))[:3]
    return f"; nearest: {', '.join(found)}" if found else f"; known are {', '.join(names())}"
