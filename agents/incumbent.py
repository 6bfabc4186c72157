"""Incumbents: the program that a trace's next step starts from, with all that prompts say of it."""

from collections import deque
from itertools import groupby
from operator import itemgetter
from typing import Any

from gome.state.records import StepRecord
from gome.state.schema import TraceState
from gome.tools.bench import Bench
from gome.tools.evaluation.evidence import evidence


def incumbent_of(record: StepRecord, bench: Bench) -> dict[str, Any]:
    """A step with a score as an incumbent; the same for the same record, whichever trace takes it over."""
    evaluation = record["evaluation"]
    assert evaluation is not None
    folds = bench.evaluator.predictions(evaluation)
    found = evidence(bench.task, folds, bench.evaluator.features("search"))
    return {
        "step": record["step"],
        "code": record["code"],
        "score": evaluation["score"],
        "evaluation": bench.artifacts.put_json(evaluation),
        "evidence": bench.artifacts.put_json(found),
        "hypothesis": record["hypothesis"].get("statement", ""),
        "component": record["hypothesis"].get("component", "model"),
        "feedback": record["feedback"],
    }


def known_records(state: TraceState, bench: Bench) -> list[StepRecord]:
    """The run's finished steps, as far as this trace may know of them, by (trace, step).

    Where traces meet at joins, siblings' steps of the running epoch are left out: whether they are done yet is chance.
    """
    records = bench.history.records()
    every = bench.config.sync_every
    begun = state["until"] - every if every else None
    return [r for r in records if begun is None or r["trace"] == state["trace"] or r["step"] < begun]


def last_steps(records: list[StepRecord], count: int) -> list[StepRecord]:
    """The last so many steps of each trace, of records by (trace, step)."""
    by_trace = groupby(records, key=itemgetter("trace"))
    return [record for _, steps in by_trace for record in deque(steps, maxlen=count)]


def ranked(records: list[StepRecord], sign: int) -> list[StepRecord]:
    """Accepted steps, best search score first, one for each program; `sign` is -1 where smaller scores are better."""
    rows = [r for r in records if r["verdict"] == "accepted"]
    rows.sort(key=lambda r: (-sign * score_value(r), r["step"], r["trace"]))
    first: dict[str, StepRecord] = {}
    for record in rows:
        first.setdefault(str(record["code"]), record)
    return list(first.values())


def score_value(record: StepRecord) -> float:
    """The search score of a step that has one."""
    evaluation = record["evaluation"]
    assert evaluation is not None
    assert evaluation["score"] is not None
    return evaluation["score"]["value"]
