"""When there is nothing left to gain: even the right answers would not be better than the best program for sure."""

from functools import partial

import numpy as np

from gome.optimizer.ranking import leader
from gome.state.parts import Evaluation, Score, gain_of
from gome.state.schema import TraceState
from gome.state.step import StepRecord
from gome.tools.evaluation.bootstrap import compare
from gome.tools.evaluation.chance import perfect_submission
from gome.tools.evaluation.grading import GradingError, aligned, measured, metric_of
from gome.tools.once import once
from gome.tools.services import RunServices

FAR_SE = 4.0
"""Standard errors of its score that the best program may be off the right answers before they are compared at all."""


def nothing_left(state: TraceState, services: RunServices) -> str | None:
    """Why the run's best program leaves nothing to gain, or None.

    The right answers themselves are compared with its predictions on the same rows, as a candidate would be. If the 90 %
    interval of their gain begins at 0, the errors that are left are single rows, which many resamples miss: no step could
    be told from noise. None where the right answers cannot be written as a submission.
    """
    best = leader(state, services)
    if services.task.self_reported or best is None or best.evaluation is None or best.score is None:
        return None
    key = "nothing left", best.id, best.code, services.config.seed
    return once(services.evaluator, key, partial(_nothing_over, services, best, best.evaluation, best.score))


def _nothing_over(
    services: RunServices, best: StepRecord, evaluation: Evaluation, score: Score
) -> str | None:
    """As `nothing_left`, for one program."""
    task = services.task
    metric = metric_of(task)
    try:
        folds = [(a, aligned(task, a, s)) for a, s in services.evaluator.predictions(evaluation)]
        right = [(a, s) for a, mine in folds if (s := perfect_submission(metric, task, a, mine)) is not None]
        if len(right) < len(folds):
            return None
        perfect = float(np.mean([measured(metric, task, *fold) for fold in right]))
        if gain_of(task.direction, perfect, score["value"]) > FAR_SE * score["stderr"]:
            return None
        gain = compare(task, folds, right, seed=services.config.seed)
    except GradingError:
        return None
    if gain["low"] > 0:
        return None
    return (
        f"nothing left to gain: the right answers would be better than {best.id} by {max(0.0, gain['gain']):.3g}, with a "
        f"90 % interval from {max(0.0, gain['low']):.3g}: the errors that are left are single rows"
    )
