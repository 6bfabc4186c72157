"""Incumbents: the program that a trace's next step starts from, with all that prompts say of it."""

from collections.abc import Callable
from typing import Any

from gome.state.schema import TraceState
from gome.state.step import StepRecord
from gome.tools.evaluation.evidence import evidence
from gome.tools.services import RunServices


def incumbent_of(record: StepRecord, services: RunServices) -> dict[str, Any]:
    """A step with a score as an incumbent; the same for the same record, whichever trace takes it over."""
    evaluation = record["evaluation"]
    assert evaluation is not None
    folds = services.evaluator.predictions(evaluation)
    found = evidence(services.task, folds, services.evaluator.features("search"))
    return {
        "step": record["step"],
        "code": record["code"],
        "score": evaluation["score"],
        "evaluation": services.artifacts.put_json(evaluation),
        "evidence": services.artifacts.put_json(found),
        "hypothesis": record["hypothesis"].get("statement", ""),
        "component": record["hypothesis"].get("component", "model"),
        "feedback": record["feedback"],
    }


def known_records(state: TraceState, services: RunServices) -> list[StepRecord]:
    """The run's finished steps, as far as this trace may know of them, by (trace, step).

    Where traces meet at joins, siblings' steps of the running epoch are left out: whether they are done yet is chance.
    """
    records = services.history.records()
    if not services.config.sync_every:
        return records
    begun = state["until"] - services.config.sync_every
    return [r for r in records if r["trace"] == state["trace"] or r["step"] < begun]


def ranked(records: list[StepRecord], sign: int) -> list[StepRecord]:
    """Accepted steps, best search score first, one for each program; `sign` is -1 where smaller scores are better."""
    first: dict[str, StepRecord] = {}
    for record in sorted(_accepted(records), key=by_score(sign)):
        first.setdefault(str(record["code"]), record)
    return list(first.values())


def leader(records: list[StepRecord], sign: int) -> StepRecord | None:
    """The first of the ranked steps, None if none was accepted."""
    return min(_accepted(records), key=by_score(sign), default=None)


def _accepted(records: list[StepRecord]) -> list[StepRecord]:
    return [r for r in records if r["verdict"] == "accepted"]


def by_score(sign: int) -> Callable[[StepRecord], tuple[float, int, int]]:
    """The key by which steps with a score are ranked, the best one smallest; earlier steps and traces first in ties."""
    return lambda record: (-sign * score_value(record), record["step"], record["trace"])


def score_value(record: StepRecord) -> float:
    """The search score of a step that has one."""
    evaluation = record["evaluation"]
    assert evaluation is not None
    assert evaluation["score"] is not None
    return evaluation["score"]["value"]
