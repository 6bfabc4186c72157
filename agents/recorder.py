"""The recorder: whatever follows from a verdict. History, momentum, provisional submission, compaction, folding."""

from gome.agents.critic import Decision
from gome.agents.selector import renew_ensemble
from gome.optimizer.incumbent import incumbent_of
from gome.optimizer.stopping import nothing_left
from gome.optimizer.traces import fold
from gome.state.in_flight import Incumbent, Proposal, TraceSummary
from gome.state.schema import TraceState
from gome.state.step import StepRecord
from gome.tools.evaluation.row_changes import row_changes
from gome.tools.services import RunServices

PARKED_AFTER = 3
"""Steps in a row lost to the model, after which a trace asks it no more: it would only go on paying."""
KEPT_WHOLE = 20
"""Last steps of a trace whose predictions are kept though they were not accepted: after a kill the step needs them."""


def recorder(state: TraceState, services: RunServices) -> TraceState:
    """Write the step down, renew what rests on it, and say whether the trace goes on."""
    record = _record(state, services)
    services.history.append(record)
    brief = record.brief()
    services.momentum.put(brief)
    incumbent = incumbent_of(record, services) if record.accepted else _home(state)
    summary = _summary(state, record, incumbent)
    _announce(services, record)
    if record.accepted:
        _renew_submission(services, record)
    _compact(services, record)
    ended = _ended(state, services, summary["lost"])
    ended = ended or nothing_left(state, services) or fold(state, services, incumbent, summary["stalled"])
    if not ended and services.budget.search_seconds_left() <= 0:
        ended, summary["out_of_time"] = services.budget.time_is_up(), True
    summary["ended"] = ended
    step = state["step"] + 1
    return {
        "step": step,
        "work": {},
        "incumbent": incumbent,
        "records": [brief],
        "momentum": [brief],
        "traces": {str(state["trace"]): summary},
        "next": "end" if ended or step >= state["until"] else "researcher",
    }


def _home(state: TraceState) -> Incumbent | None:
    """Where the trace stands if the step was not accepted: a step may have started from another trace's program."""
    work = state["work"]
    return work["home"] if "home" in work else state.get("incumbent")


def _record(state: TraceState, services: RunServices) -> StepRecord:
    work, trace, step = state["work"], state["trace"], state["step"]
    incumbent = state.get("incumbent")
    decision: Decision = services.artifacts.get_json(work["decision"])
    proposal: Proposal = services.artifacts.get_json(work["proposal"]) if work.get("proposal") else {}
    now = services.clock.elapsed()
    return StepRecord(
        id=f"{trace}:{step}",
        trace=trace,
        step=step,
        verdict=decision["verdict"],
        stage=work.get("stage", "draft"),
        optimizer=work.get("optimizer", "tree" if services.config.optimizer == "tree" else "gradient"),
        kind=work.get("kind", "draft"),
        source=work.get("source"),
        diagnosis=proposal.get("diagnosis", ""),
        findings=proposal.get("findings", ""),
        probes=proposal.get("probes", []),
        challenges=proposal.get("challenges", []),
        hypotheses=proposal.get("hypotheses", []),
        hypothesis=proposal.get("hypothesis", {}),
        plan=proposal.get("plan", []),
        recalled=proposal.get("recalled", []),
        takes_from=proposal.get("takes_from"),
        parent=incumbent["code"] if incumbent else None,
        code=work.get("code"),
        tie=decision["tie"],
        reason=decision["reason"],
        feedback=decision["feedback"],
        lesson=decision["lesson"],
        evaluation=decision["evaluation"],
        comparison=decision["comparison"],
        worst_rows=_worst_rows(state, services, decision),
        checks=decision["checks"],
        trials=services.artifacts.get_json(work["trials"]) if work.get("trials") else [],
        debug_rounds=work.get("rounds", 0),
        repairs=work.get("repairs", []),
        reviews=work.get("reviews", []),
        advice=work.get("advice", []),
        seconds=round(now - work.get("started", now), 2),
        usage=services.asker.journal.usage_of(trace, step),
    )


def _worst_rows(state: TraceState, services: RunServices, decision: Decision) -> str | None:
    """The reference of how an accepted program does on the rows that the one before it predicted worst."""
    incumbent, evaluation = state.get("incumbent"), decision["evaluation"]
    if decision["verdict"] != "accepted" or not (incumbent and evaluation) or services.task.self_reported:
        return None
    before = services.evaluator.predictions(services.artifacts.get_json(incumbent["evaluation"]))
    after = services.evaluator.predictions(evaluation)
    features, cells = services.evaluator.features("search"), not services.config.private
    found = row_changes(services.task, before, after, features, cells=cells)
    return services.artifacts.put_json(found) if found else None


def _summary(state: TraceState, record: StepRecord, incumbent: Incumbent | None) -> TraceSummary:
    old = state.get("traces", {}).get(str(state["trace"]), TraceSummary())
    fresh = record.accepted or record.kind == "restart"
    return TraceSummary(
        step=state["step"] + 1,
        accepted=old.get("accepted", 0) + (record.verdict == "accepted"),
        rejected=old.get("rejected", 0) + (record.verdict == "rejected"),
        failed=old.get("failed", 0) + (record.verdict == "failed"),
        stalled=0 if fresh else old.get("stalled", 0) + 1,
        lost=old.get("lost", 0) + 1 if state["work"].get("failure") else 0,
        incumbent=incumbent,
        out_of_time=False,
    )


def _renew_submission(services: RunServices, record: StepRecord) -> None:
    """Count on the accepted program for the end of the run, and keep its submission if it is the best so far."""
    goodness, seconds = services.note_accepted(record)
    renew_ensemble(services, record)
    said = services.provisional.offer(record, goodness, seconds)
    if said:
        services.emit("provisional", said, record.trace, record.step)


def _compact(services: RunServices, record: StepRecord) -> None:
    """Let go of the predictions of the one step of the trace that is now long past, if it was not accepted."""
    past = services.history.record(record.trace, record.step - KEPT_WHOLE)
    if past and not past.accepted and past.evaluation:
        services.evaluator.results.compact(past.evaluation["key"])


def _ended(state: TraceState, services: RunServices, lost: int) -> str | None:
    """Why the trace takes no further step, or None. `lost` steps in a row went without a usable reply of the model."""
    if state["step"] + 1 >= services.allowance(state["trace"]):
        return "steps"
    if lost >= PARKED_AFTER:
        return f"parked: {lost} steps in a row were lost; the last one: {state['work']['failure']}"
    return None


def _announce(services: RunServices, record: StepRecord) -> None:
    score, usage = record.score, record.usage
    services.emit(
        "critic",
        f"{record.verdict}: {record.reason}",
        record.trace,
        record.step,
        verdict=record.verdict,
        hypothesis=record.hypothesis.get("statement"),
        score=score["value"] if score else None,
        stderr=score["stderr"] if score else None,
        tokens=usage["tokens_in"] + usage["tokens_out"],
        usd=usage["usd"],
    )
