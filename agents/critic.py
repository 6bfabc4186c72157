"""The critic: hierarchical validation. Format was settled by the runner; alignment and comparison are settled here."""

from typing import TypedDict

from gome.agents.alignment import Findings, align
from gome.agents.prompts.context import base_context, incumbent_context
from gome.agents.prompts.edits import diff
from gome.agents.prompts.render import render
from gome.agents.prompts.replies import Judgement
from gome.optimizer.acceptance import MeasuredVerdict, by_margin, change_of, measured_verdict, reason_of
from gome.state.errors import BudgetReached, GomeError, RunStopped, StepFailed
from gome.state.in_flight import Proposal
from gome.state.parts import Comparison, Evaluation, Verdict, fold_seconds
from gome.state.plain import JsonObject
from gome.state.prompt_context import PromptContext
from gome.state.schema import TraceState
from gome.tools.evaluation.bootstrap import compare
from gome.tools.services import RunServices

ROLE = "critic"


class Decision(TypedDict):
    """What the critic decided and why, kept as an artifact for the recorder."""

    verdict: Verdict
    tie: bool
    reason: str
    feedback: str
    lesson: str
    checks: list[str]
    comparison: Comparison | None
    evaluation: Evaluation | None


def critic(state: TraceState, services: RunServices) -> TraceState:
    """Decide the step: failed, rejected or accepted, and say why."""
    decision = _decide(state, services)
    return {
        "work": {**state["work"], "decision": services.artifacts.put_json(decision)},
        "next": "recorder",
    }


def _decide(state: TraceState, services: RunServices) -> Decision:
    work = state["work"]
    ref = work.get("evaluation")
    evaluation: Evaluation | None = services.artifacts.get_json(ref) if ref else None
    if declined := work.get("declined"):
        return _decision("rejected", declined, evaluation)
    failure = work.get("failure")
    if failure or evaluation is None or evaluation["status"] != "ok":
        return _decision("failed", failure or _failure_reason(evaluation), evaluation)
    try:
        comparison = _compare(state, services, evaluation)
        measured = measured_verdict(comparison)
        findings = _align(state, services, evaluation) if measured.clear or measured.tie else Findings([])
    except (GomeError, OSError, RunStopped):  # the user's and the machine's
        raise
    except Exception as error:  # what a program wrote ends no run
        unread = services.evaluator.unread(evaluation, error)
        return _decision("failed", unread["problems"][-1], unread)
    judgement = _judge(state, services, evaluation, comparison, findings, measured)
    if leak := _severe_leak(findings, judgement):
        voided = Evaluation(**{**evaluation, "status": "void"})
        verdict: Verdict = "rejected"
        reason = f"leakage: {leak}"
        evaluation = voided
    else:
        verdict = "accepted" if (judgement.accept if measured.tie else measured.clear) else "rejected"
        change = change_of(services.task, state.get("incumbent"), evaluation, comparison)
        reason = reason_of(change, measured, judgement.reason)
    return Decision(
        verdict=verdict,
        tie=measured.tie,
        reason=reason,
        feedback=judgement.feedback,
        lesson=judgement.lesson,
        checks=findings.lines,
        comparison=comparison,
        evaluation=evaluation,
    )


def _decision(verdict: Verdict, reason: str, evaluation: Evaluation | None) -> Decision:
    """A decision that needs no comparison: the reason is also what there is to learn."""
    return Decision(
        verdict=verdict,
        tie=False,
        reason=reason,
        feedback=reason,
        lesson=reason,
        checks=[],
        comparison=None,
        evaluation=evaluation,
    )


def _failure_reason(evaluation: Evaluation | None) -> str:
    if evaluation is None:
        return "no program came of the step"
    return f"the program failed on the {evaluation['split']} split: {evaluation['problems'][0]}"


def _compare(state: TraceState, services: RunServices, evaluation: Evaluation) -> Comparison | None:
    """Paired bootstrap of the candidate against the incumbent, or what the programs say of themselves; None for a trace's
    first valid solution."""
    incumbent, score = state.get("incumbent"), evaluation["score"]
    if not incumbent:
        return None
    if services.task.self_reported and score:
        return by_margin(services.task.direction, incumbent["score"]["value"], score["value"])
    before = services.evaluator.predictions(services.artifacts.get_json(incumbent["evaluation"]))
    after = services.evaluator.predictions(evaluation)
    return compare(services.task, before, after, seed=services.config.seed)


def _align(state: TraceState, services: RunServices, evaluation: Evaluation) -> Findings:
    incumbent = state.get("incumbent")
    before = services.artifacts.get_json(incumbent["evaluation"]) if incumbent else None
    program = services.artifacts.get_text(str(state["work"]["code"]))
    return align(services, program, evaluation, before, state["trace"], state["step"])


def _severe_leak(findings: Findings, judgement: Judgement) -> str | None:
    if findings.severe:
        return findings.severe
    leakage = judgement.leakage
    return leakage.where or judgement.reason if leakage.severity == "severe" else None


def _judge(
    state: TraceState,
    services: RunServices,
    evaluation: Evaluation,
    comparison: Comparison | None,
    findings: Findings,
    measured: MeasuredVerdict,
) -> Judgement:
    """The model's judgement. If the model cannot give one, or may not be asked, the measurement decides and ties are
    rejected: what was measured is not lost. Where the checks found a severe leak there is nothing to ask."""
    if findings.severe:
        return _plain_judgement(False, findings.severe)
    proposal: Proposal = services.artifacts.get_json(state["work"]["proposal"])
    program = services.artifacts.get_text(str(state["work"]["code"]))
    incumbent = state.get("incumbent")
    context: PromptContext = {
        **base_context(services, state),
        "hypothesis": proposal["hypothesis"],
        "repairs": state["work"].get("repairs") or None,
        "candidate": _candidate_context(evaluation),
        "comparison": comparison,
        "tie": measured.tie,
        "clearly_better": measured.clear,
        "checks": findings.lines or None,
        "incumbent": incumbent_context(services, incumbent) if incumbent else None,
    }
    services.emit("critic", "judging", state["trace"], state["step"])
    prompt = render(
        ROLE,
        "judge",
        context,
        description=services.task.description,
        program=program,
        diff=diff(services.artifacts.get_text(incumbent["code"]), program) if incumbent else "",
    )
    try:
        return services.asker.ask(ROLE, prompt, Judgement, key=f"{state['trace']}:{state['step']}:judge")
    except (StepFailed, BudgetReached) as error:
        return _plain_judgement(measured.clear, f"no judgement ({error}); the measurement decides")


def _candidate_context(evaluation: Evaluation) -> JsonObject:
    return {
        **(evaluation["score"] or {}),
        "fold_seconds": fold_seconds(evaluation),
        "peak_mb": evaluation["peak_mb"],
        "gpu_peak_mb": evaluation.get("gpu_peak_mb"),
        "facts": evaluation["facts"],
        "problems": evaluation["problems"],
    }


def _plain_judgement(accept: bool, reason: str) -> Judgement:
    return Judgement(accept=accept, reason=reason, feedback=reason, lesson=reason)
