"""The registry: metrics by name, in whatever spelling, and graders of one's own as module:function."""

from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from gome.state.errors import GomeError
from gome.state.metric_names import averaged_over_columns, known, names
from gome.state.task import Task
from gome.tools.evaluation import (
    metrics_classification,
    metrics_detection,
    metrics_grouped,
    metrics_lists,
    metrics_masks,
    metrics_probability,
    metrics_regression,
    metrics_texts,
    metrics_uncertainty,
)
from gome.tools.evaluation.metric import Form, GradingError, Metric

__all__ = ["Form", "GradingError", "Metric", "get", "names", "of"]

_FIXED = {
    m.name: m
    for module in (
        metrics_classification,
        metrics_regression,
        metrics_lists,
        metrics_probability,
        metrics_uncertainty,
        metrics_texts,
        metrics_masks,
    )
    for m in module.METRICS
}
# name -> builder out of what stands after '@'
_FAMILIES: dict[str, Callable[[str], Metric]] = {
    "fbeta": metrics_classification.f_beta,
    "pinball": metrics_regression.pinball,
    "map": metrics_lists.ranked_metric("map", metrics_lists.average_precision_at),
    "ndcg": metrics_lists.ranked_metric("ndcg", metrics_lists.ndcg_at),
    "box_ap": metrics_detection.box_precision,
    "box_map": metrics_detection.box_mean_precision,
    "recall": metrics_lists.ranked_metric("recall", metrics_lists.recall_at),
    "weighted_auc": metrics_probability.weighted_auc,
    "weighted_log_loss": metrics_probability.weighted_log_loss,
    "balanced_log_loss": metrics_probability.balanced_log_loss,
    "bias_auc": metrics_grouped.bias_auc,
    "group_auc": metrics_grouped.group_auc,
    "log_mae": metrics_grouped.log_mae,
    "laplace": metrics_uncertainty.laplace,
    "mask_ap": metrics_masks.mask_precision,
}
_OF_COLUMNS = {"weighted_log_loss", "bias_auc", "group_auc", "log_mae"}
"""Families whose parameter may name columns of the train table: its spaces count."""


def of(task: Task) -> Metric:
    """The task's metric; of a self-reported one what is known of it: the form of its answers. GomeError as `get`."""
    if not task.self_reported:
        return get(task.metric, root=task.grader_root)
    form: Form = "value" if task.problem == "regression" else "text"
    return Metric(task.metric, task.direction, (task.problem,), form, _not_graded, _not_graded)


def _not_graded(*_: object) -> NoReturn:
    raise GradingError("programs report their own scores: there are no hidden answers to grade with")


def get(name: str, *, root: str | Path | None = None) -> Metric:
    """The metric called `name`; case, '-', '_' and spaces do not matter, a parameter stands after '@' (map@3).

    `mean_columnwise(NAME)` is NAME itself where that is the mean over columns of several.
    `path/to/grade.py:function` is somebody's own grader in folder `root`, `module:function` one there or in an installed
    module, run in a sandbox; its direction is the task's to say. Raises GomeError: unknown (with the nearest names), a
    parameter missing or too much, a grader that cannot be loaded.
    """
    if ":" in name:
        from gome.tools.evaluation import own_grader  # it needs the sandbox, and most tasks have none

        return own_grader.load(name, root)
    if one := averaged_over_columns(name):
        metric = get(one)
        if not metric.by_column:
            raise GomeError(
                f"metric {metric.name!r} judges all columns together; it has no mean over columns."
            )
        return metric
    _, at, parameter = (part.strip() for part in name.partition("@"))
    try:
        found = known(name)
    except ValueError as error:
        raise GomeError(f"{error}.") from None
    if found in _FAMILIES:
        return _FAMILIES[found](parameter if found in _OF_COLUMNS else parameter.replace(" ", ""))
    if at:
        raise GomeError(f"metric {found!r} takes no parameter; write it without '@{parameter}'.")
    return _FIXED[found]
