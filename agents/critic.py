"""The critic: hierarchical validation. Format was settled by the runner; alignment and comparison are settled here."""

from typing import Any

from gome.agents.alignment import Findings, align
from gome.agents.compaction import compact_before
from gome.agents.prompts.context import base_context, brief, incumbent_context
from gome.agents.prompts.edits import diff
from gome.agents.prompts.render import render
from gome.agents.prompts.replies import Judgement
from gome.optimizer.incumbent import incumbent_of
from gome.optimizer.restart import fold
from gome.state.errors import BudgetReached, StepFailed
from gome.state.schema import TraceState
from gome.state.step import Comparison, Evaluation, MemoryEntry, StepRecord, Verdict
from gome.tools.evaluation.bootstrap import compare
from gome.tools.services import RunServices

ROLE = "critic"
CLEARLY_BETTER = 0.9
"""Share of paired resamples in which the candidate must win for the measurement alone to decide."""
CLEARLY_WORSE = 0.25
"""Below this share a tie-break on soundness is not worth the likely loss: not symmetric on purpose."""
PARKED_AFTER = 3
"""Steps in a row lost to the model, after which a trace asks it no more: it would only go on paying."""


def critic(state: TraceState, services: RunServices) -> dict[str, Any]:
    """Decide the step, write it down, and say whether the trace goes on."""
    record = _decide(state, services)
    services.history.append(record)
    entry = _memory_entry(record)
    services.memory.put(entry)
    incumbent = state["work"].get("home", state.get("incumbent"))
    if record["verdict"] == "accepted":
        incumbent = incumbent_of(record, services)
    summary = _summary(state, record, incumbent)
    _announce(services, record)
    if record["verdict"] == "accepted":
        _let_stand(services, record)
    compact_before(services, state["trace"], state["step"])
    ended = _ended(state, services, summary["lost"]) or fold(state, services, incumbent, summary["stalled"])
    step = state["step"] + 1
    return {
        "step": step,
        "work": {},
        "incumbent": incumbent,
        "records": [brief(record)],
        "momentum": [dict(entry)],
        "traces": {str(state["trace"]): {**summary, "ended": ended}},
        "next": "end" if ended or step >= state["until"] else "researcher",
    }


def _decide(state: TraceState, services: RunServices) -> StepRecord:
    work = state["work"]
    kept = work.get("evaluation")
    evaluation: Evaluation | None = services.artifacts.get_json(kept) if kept else None
    if declined := work.get("declined"):
        return _record(
            state,
            services,
            "rejected",
            declined,
            evaluation,
            None,
            _plain_judgement(False, declined),
            tie=False,
        )
    failure = work.get("failure")
    if failure or evaluation is None or evaluation["status"] != "ok":
        reason = failure or _failure_reason(evaluation)
        return _record(
            state, services, "failed", reason, evaluation, None, _plain_judgement(False, reason), tie=False
        )
    comparison = _compare(state, services, evaluation)
    clear, tie = _measured_verdict(comparison)
    findings = _align(state, services, evaluation) if clear or tie else Findings([])
    judgement = _judge(state, services, evaluation, comparison, findings, clear, tie)
    checks = findings.lines
    if leak := _severe_leak(findings, judgement):
        voided = Evaluation(**{**evaluation, "status": "void"})
        return _record(
            state, services, "rejected", f"leakage: {leak}", voided, comparison, judgement, checks, tie=tie
        )
    accepted = judgement.accept if tie else clear
    reason = _reason(comparison, clear, tie, judgement)
    verdict: Verdict = "accepted" if accepted else "rejected"
    return _record(state, services, verdict, reason, evaluation, comparison, judgement, checks, tie=tie)


def _align(state: TraceState, services: RunServices, evaluation: Evaluation) -> Findings:
    incumbent = state.get("incumbent")
    before = services.artifacts.get_json(incumbent["evaluation"]) if incumbent else None
    program = services.artifacts.get_text(state["work"]["code"])
    return align(services, program, evaluation, before, state["trace"], state["step"])


def _severe_leak(findings: Findings, judgement: Judgement) -> str | None:
    if findings.severe:
        return findings.severe
    leakage = judgement.leakage
    return leakage.where or judgement.reason if leakage.severity == "severe" else None


def _failure_reason(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "no program came of the step"
    return f"the program failed on the {evaluation['split']} split: {evaluation['problems'][0]}"


def _compare(state: TraceState, services: RunServices, evaluation: Evaluation) -> Comparison | None:
    """Paired bootstrap of the candidate against the incumbent; None for a trace's first valid solution."""
    incumbent = state.get("incumbent")
    if not incumbent:
        return None
    before = services.evaluator.predictions(services.artifacts.get_json(incumbent["evaluation"]))
    return compare(
        services.task, before, services.evaluator.predictions(evaluation), seed=services.config.seed
    )


def _measured_verdict(comparison: Comparison | None) -> tuple[bool, bool]:
    """(clearly better, tie). A first valid solution is clearly better than nothing."""
    if comparison is None:
        return True, False
    p = comparison["p_better"]
    return p >= CLEARLY_BETTER, CLEARLY_WORSE <= p < CLEARLY_BETTER


def _reason(comparison: Comparison | None, clear: bool, tie: bool, judgement: Judgement) -> str:
    if comparison is None:
        return "first valid solution of the trace"
    figures = (
        f"gain {comparison['gain']:+.5g} ± {comparison['stderr']:.2g}, better in {comparison['p_better']:.0%}"
    )
    if tie:
        return f"tie ({figures} of resamples), decided on soundness: {judgement.reason}"
    return f"clearly {'better' if clear else 'worse'} ({figures} of resamples)"


def _plain_judgement(accept: bool, reason: str) -> Judgement:
    return Judgement(accept=accept, reason=reason, feedback=reason, lesson=reason)


def _judge(
    state: TraceState,
    services: RunServices,
    evaluation: Evaluation,
    comparison: Comparison | None,
    findings: Findings,
    clear: bool,
    tie: bool,
) -> Judgement:
    """The model's judgement. If the model cannot give one, or may not be asked, the measurement decides and ties are
    rejected: what was measured is not lost. Where the checks found a severe leak there is nothing to ask."""
    if findings.severe:
        return _plain_judgement(False, findings.severe)
    work = state["work"]
    proposal = services.artifacts.get_json(work["proposal"])
    program = services.artifacts.get_text(work["code"])
    incumbent = state.get("incumbent")
    facts = {
        **base_context(services, state),
        "hypothesis": proposal["hypothesis"],
        "candidate": {
            **(evaluation["score"] or {}),
            "seconds": evaluation["seconds"],
            "peak_mb": evaluation["peak_mb"],
            "gpu_peak_mb": evaluation.get("gpu_peak_mb"),
            "facts": evaluation["facts"],
            "problems": evaluation["problems"],
        },
        "comparison": comparison,
        "tie": tie,
        "clearly_better": clear,
        "checks": findings.lines or None,
        "incumbent": incumbent_context(services, incumbent) if incumbent else None,
    }
    services.emit("critic", "judging", state["trace"], state["step"])
    prompt = render(
        ROLE,
        "judge",
        facts,
        description=services.task.description,
        program=program,
        diff=diff(services.artifacts.get_text(incumbent["code"]), program) if incumbent else "",
    )
    try:
        return services.asker.ask(ROLE, prompt, Judgement, key=f"{state['trace']}:{state['step']}:judge")
    except (StepFailed, BudgetReached) as error:
        return _plain_judgement(clear, f"no judgement ({error}); the measurement decides")


def _record(
    state: TraceState,
    services: RunServices,
    verdict: Verdict,
    reason: str,
    evaluation: Evaluation | None,
    comparison: Comparison | None,
    judgement: Judgement,
    checks: list[str] | None = None,
    *,
    tie: bool,
) -> StepRecord:
    work, trace, step = state["work"], state["trace"], state["step"]
    incumbent = state.get("incumbent")
    proposal = services.artifacts.get_json(work["proposal"]) if work.get("proposal") else {}
    return StepRecord(
        id=f"{trace}:{step}",
        trace=trace,
        step=step,
        stage=work.get("stage", "draft"),
        optimizer=work.get("optimizer", "tree" if services.config.optimizer == "tree" else "gradient"),
        move=work.get("move", "draft"),
        source=work.get("source"),
        diagnosis=proposal.get("diagnosis", ""),
        challenges=proposal.get("challenges", []),
        hypotheses=proposal.get("hypotheses", []),
        hypothesis=proposal.get("hypothesis", {}),
        plan=proposal.get("plan", []),
        recalled=proposal.get("recalled", []),
        parent=incumbent["code"] if incumbent else None,
        code=work.get("code"),
        verdict=verdict,
        tie=tie,
        reason=reason,
        feedback=judgement.feedback,
        lesson=judgement.lesson,
        evaluation=evaluation,
        comparison=comparison,
        checks=checks or [],
        debug_rounds=work.get("rounds", 0),
        reviews=work.get("reviews", []),
        advice=work.get("advice", []),
        seconds=round(services.clock.elapsed() - work.get("started", services.clock.elapsed()), 2),
        usage=services.asker.journal.usage_of(trace, step),
    )


def _memory_entry(record: StepRecord) -> MemoryEntry:
    comparison, evaluation = record["comparison"], record["evaluation"]
    score = evaluation["score"] if evaluation else None
    gain = comparison["gain"] if comparison else 0.0
    return MemoryEntry(
        id=record["id"],
        trace=record["trace"],
        step=record["step"],
        hypothesis=record["hypothesis"].get("statement", ""),
        component=record["hypothesis"].get("component", "model"),
        accepted=record["verdict"] == "accepted",
        gain=gain,
        gain_se=gain / comparison["stderr"] if comparison and comparison["stderr"] > 0 else 0.0,
        score=score["value"] if score and evaluation and evaluation["status"] == "ok" else None,
        code=record["code"],
        lesson=record["lesson"],
    )


def _summary(state: TraceState, record: StepRecord, incumbent: dict[str, Any] | None) -> dict[str, Any]:
    old = state.get("traces", {}).get(str(state["trace"]), {})
    counts = {k: old.get(k, 0) + (record["verdict"] == k) for k in ("accepted", "rejected", "failed")}
    lost = old.get("lost", 0) + 1 if state["work"].get("failure") else 0
    fresh = record["verdict"] == "accepted" or record["move"] == "restart"
    stalled = 0 if fresh else old.get("stalled", 0) + 1
    return {"step": state["step"] + 1, **counts, "stalled": stalled, "lost": lost, "incumbent": incumbent}


def _let_stand(services: RunServices, record: StepRecord) -> None:
    """Count on the accepted program for the end of the run, and keep its submission if it is the best so far."""
    goodness, seconds = services.note_accepted(record)
    if said := services.provisional.offer(record, goodness, seconds):
        services.emit("provisional", said, record["trace"], record["step"])


def _ended(state: TraceState, services: RunServices, lost: int) -> str | None:
    """Why the trace takes no further step, or None. `lost` steps in a row went without a usable reply of the model."""
    if state["step"] + 1 >= services.allowance(state["trace"]):
        return "steps"
    if lost >= PARKED_AFTER:
        return f"parked: {lost} steps in a row were lost; the last one: {state['work']['failure']}"
    return "time" if services.budget.search_seconds_left() <= 0 else None


def _announce(services: RunServices, record: StepRecord) -> None:
    evaluation = record["evaluation"]
    score = evaluation["score"] if evaluation else None
    usage = record["usage"]
    services.emit(
        "critic",
        f"{record['verdict']}: {record['reason']}",
        record["trace"],
        record["step"],
        verdict=record["verdict"],
        hypothesis=record["hypothesis"].get("statement"),
        score=score["value"] if score else None,
        stderr=score["stderr"] if score else None,
        tokens=usage["tokens_in"] + usage["tokens_out"],
    )
