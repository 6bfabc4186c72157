"""Incumbents: the program that a trace's next step starts from, with all that prompts say of it."""

import numpy as np

from gome.state.in_flight import Incumbent
from gome.state.parts import Evaluation
from gome.state.step import StepRecord
from gome.tools.evaluation.evidence import evidence
from gome.tools.services import RunServices


def incumbent_of(record: StepRecord, services: RunServices) -> Incumbent:
    """A step with a score as an incumbent; the same for the same record, whichever trace takes it over."""
    assert record.evaluation is not None
    assert record.score is not None
    return Incumbent(
        step=record.step,
        code=str(record.code),
        score=record.score,
        evaluation=services.artifacts.put_json(record.evaluation),
        evidence=""
        if services.task.self_reported or not services.config.has("evidence")
        else _evidence(record.evaluation, services),
        hypothesis=record.statement,
        component=record.component,
        feedback=record.feedback,
    )


def _evidence(evaluation: Evaluation, services: RunServices) -> str:
    """The reference of what the graded rows say together."""
    harness = services.evaluator
    folds = harness.predictions(evaluation)
    locked = [harness.locked.mask(number, answers) for number, (answers, _) in enumerate(folds)]
    found = evidence(services.task, folds, harness.features("search"), unshown=np.concatenate(locked))
    return services.artifacts.put_json(found)
