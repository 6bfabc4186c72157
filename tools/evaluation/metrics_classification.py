"""Metrics of classes: by labels, and by probabilities. Of two classes `task.positive` is the positive one."""

import warnings
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np

from gome.state.errors import GomeError
from gome.tools.evaluation import weighted
from gome.tools.evaluation.late import late
from gome.tools.evaluation.metric import CLASSES, AnswersError, GradingError, Metric, row_mean
from gome.tools.evaluation.parse import (
    chance_of_truth,
    label_codes,
    ordinal_codes,
    positive_codes,
    probabilities,
)
from gome.tools.evaluation.weighted import Margins, column_mean, defined_mean, from_margins

_ALL = (*CLASSES, "multilabel")
_sk = partial(late, "sklearn.metrics")
_F_BETA, _F1, _COHEN = _sk("fbeta_score"), _sk("f1_score"), _sk("cohen_kappa_score")
_CLIP = 1e-15  # as Kaggle clips: a sure and wrong prediction costs 34.5


def _by_label(
    name: str,
    kinds: Any,
    measure: Callable[..., float],
    rule: Callable[[Margins], np.ndarray],
    one_sided: bool = False,
) -> Metric:
    parse = positive_codes if one_sided else label_codes

    def quiet(truth: np.ndarray, predicted: np.ndarray) -> float:
        with warnings.catch_warnings():  # a class that only the predictions have is no fault
            warnings.simplefilter("ignore")
            return float(measure(truth, predicted))

    return Metric(name, "maximize", kinds, "label", parse, quiet, from_margins(rule), one_sided=one_sided)


def _f_scores(margins: Margins, beta: float = 1.0) -> np.ndarray:
    """F score of each class, NaN where the class is neither true nor predicted."""
    hit, predicted, true = margins
    return (1 + beta**2) * hit / (predicted + beta**2 * true)


def _f_positive(margins: Margins, beta: float) -> np.ndarray:
    hit, predicted, true = (m[:, 1:2] if m.shape[1] > 1 else m[:, :1] * 0 for m in margins)
    return np.nan_to_num(_f_scores((hit, predicted, true), beta))[:, 0]


def _f_weighted(margins: Margins) -> np.ndarray:
    true = margins[2]
    return (np.nan_to_num(_f_scores(margins)) * true).sum(axis=1) / true.sum(axis=1)


def _balanced(margins: Margins) -> np.ndarray:
    return defined_mean((margins[0] / margins[2]).T)


def _matthews(margins: Margins) -> np.ndarray:
    """Gorodkin's R_K from the margins alone; 0 where the truth or the predictions are one class, as scikit-learn."""
    hit, predicted, true = margins
    n = true.sum(axis=1)
    top = hit.sum(axis=1) * n - (predicted * true).sum(axis=1)
    spread = (n**2 - (predicted**2).sum(axis=1)) * (n**2 - (true**2).sum(axis=1))
    return np.where(spread > 0, top / np.sqrt(np.maximum(spread, 1e-300)), np.where(n > 0, 0.0, np.nan))


def _f_beta(name: str, beta: float) -> Metric:
    def measure(truth: np.ndarray, predicted: np.ndarray) -> float:
        return float(_F_BETA(truth, predicted, beta=beta, pos_label=1, zero_division=0))

    return _by_label(name, ("binary",), measure, partial(_f_positive, beta=beta), one_sided=True)


def f_beta(parameter: str) -> Metric:
    """F score of the positive class that counts recall `parameter` times as much as precision."""
    try:
        beta = float(parameter)
    except ValueError:
        beta = 0.0
    if not 0 < beta < np.inf:
        raise GomeError(f"metric 'fbeta@{parameter}': a positive number is needed after '@', as in fbeta@2.")
    return _f_beta(f"fbeta@{parameter}", beta)


def _average(average: str) -> Callable[..., float]:
    return partial(_F1, average=average, zero_division=0)


def log_loss_of(truth: np.ndarray, chance: np.ndarray) -> np.ndarray:
    """Of each cell, (n, columns): minus the logarithm of the probability of what came true."""
    chance = np.clip(chance, _CLIP, 1 - _CLIP)
    return -(truth * np.log(chance) + (1 - truth) * np.log1p(-chance))


def _squared(truth: np.ndarray, chance: np.ndarray) -> np.ndarray:
    return ((truth - chance) ** 2).sum(axis=1)


def _same(truth: np.ndarray, predicted: np.ndarray) -> np.ndarray:
    return (truth == predicted).astype(float)


def _columns(measure: Callable[..., float], name: str, needs_both: bool) -> Callable[..., float]:
    """Mean over the columns that have positives (and negatives, where `needs_both`)."""

    def mean(truth: np.ndarray, score: np.ndarray) -> float:
        usable = truth.any(axis=0) & (~truth.all(axis=0) if needs_both else True)
        if not usable.any():
            raise AnswersError(f"{name} is not defined: the answers are all of one class")
        return float(np.mean([measure(truth[:, c], score[:, c]) for c in np.flatnonzero(usable)]))

    return mean


def _kappa(truth: np.ndarray, predicted: np.ndarray) -> float:
    labels = np.arange(int(max(truth.max(), predicted.max())) + 1)
    if np.ptp(np.r_[truth, predicted]) == 0:
        raise GradingError("qwk is not defined: answers and predictions are one and the same label")
    return float(_COHEN(truth, predicted, labels=labels, weights="quadratic"))


METRICS = (
    row_mean("accuracy", "maximize", CLASSES, "label", label_codes, _same),
    _by_label("balanced_accuracy", CLASSES, _sk("balanced_accuracy_score"), _balanced),
    _f_beta("f1", 1.0),
    _by_label("f1_macro", CLASSES, _average("macro"), lambda m: defined_mean(_f_scores(m).T)),
    _by_label("f1_weighted", CLASSES, _average("weighted"), _f_weighted),
    _by_label("mcc", CLASSES, _sk("matthews_corrcoef"), _matthews),
    Metric("qwk", "maximize", CLASSES, "label", ordinal_codes, _kappa, weighted.quadratic_kappa, ordered=True),
    Metric("auc", "maximize", _ALL, "probability", probabilities,
           _columns(_sk("roc_auc_score"), "auc", True), column_mean(weighted.auc), low=0, high=1, by_column=True),
    Metric("average_precision", "maximize", _ALL, "probability", probabilities,
           _columns(_sk("average_precision_score"), "average_precision", False),
           column_mean(weighted.average_precision), low=0, high=1, one_sided=True, by_column=True),
    row_mean("log_loss", "minimize", _ALL, "probability", chance_of_truth, log_loss_of, low=0, high=1, by_column=True),
    row_mean("brier", "minimize", CLASSES, "probability", probabilities, _squared, low=0, high=1),
)  # fmt: skip
