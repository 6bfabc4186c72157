"""The registry: metrics by name, in whatever spelling, and graders of one's own as module:function."""

from collections.abc import Callable
from pathlib import Path

from gome.state.errors import GomeError
from gome.state.metric_names import known, names
from gome.tools.evaluation import metrics_classification, metrics_detection, metrics_lists, metrics_regression
from gome.tools.evaluation.metric import Form, GradingError, Metric

__all__ = ["Form", "GradingError", "Metric", "get", "names"]

_FIXED = {
    m.name: m for m in (*metrics_classification.METRICS, *metrics_regression.METRICS, *metrics_lists.METRICS)
}
# name -> builder out of what stands after '@'
_FAMILIES: dict[str, Callable[[str], Metric]] = {
    "fbeta": metrics_classification.f_beta,
    "pinball": metrics_regression.pinball,
    "map": metrics_lists.ranked_metric("map", metrics_lists.average_precision_at),
    "ndcg": metrics_lists.ranked_metric("ndcg", metrics_lists.ndcg_at),
    "box_ap": metrics_detection.box_precision,
    "recall": metrics_lists.ranked_metric("recall", metrics_lists.recall_at),
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
    _, at, parameter = (part.strip() for part in name.partition("@"))
    try:
        found = known(name)
    except ValueError as error:
        raise GomeError(f"{error}.") from None
    if found in _FAMILIES:
        return _FAMILIES[found](parameter.replace(" ", ""))
    if at:
        raise GomeError(f"metric {found!r} takes no parameter; write it without '@{parameter}'.")
    return _FIXED[found]
