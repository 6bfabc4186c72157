"""The critic: hierarchical validation. Format was settled by the runner; alignment and comparison are settled here."""

from dataclasses import dataclass
from typing import TypedDict

from gome.agents.alignment import Findings, align
from gome.agents.prompts.context import base_context, incumbent_context
from gome.agents.prompts.edits import diff
from gome.agents.prompts.render import render
from gome.agents.prompts.replies import Judgement
from gome.optimizer.acceptance import (
    MeasuredVerdict,
    by_margin,
    change_of,
    feedback_of,
    lesson_of,
    measured_verdict,
    reason_of,
)
from gome.optimizer.racing import compared
from gome.state.errors import BudgetReached, GomeError, RunStopped, StepFailed
from gome.state.in_flight import Proposal
from gome.state.parts import Comparison, Evaluation, Verdict, fold_seconds
from gome.state.plain import JsonObject
from gome.state.prompt_context import PromptContext
from gome.state.schema import TraceState
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


@dataclass(frozen=True)
class Graded:
    """A program that ran: its evaluation and that of the incumbent `before` it, the comparison of both, what the figures
    alone say, and what the alignment checks found."""

    evaluation: Evaluation
    before: Evaluation | None
    comparison: Comparison | None
    measured: MeasuredVerdict
    findings: Findings


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
        graded = _graded(state, services, evaluation)
    except (GomeError, OSError, RunStopped):  # the user's and the machine's
        raise
    except Exception as error:  # what a program wrote ends no run
        unread = services.evaluator.unread(evaluation, error)
        return _decision("failed", unread["problems"][-1], unread)
    asked = is_asked(graded.measured, graded.findings, self_reported=bool(services.task.self_reported))
    return _decided(state, services, graded, _judge(state, services, graded) if asked else None)


def _graded(state: TraceState, services: RunServices, evaluation: Evaluation) -> Graded:
    """What is measured and checked; a program that is clearly worse needs no checks."""
    incumbent = state.get("incumbent")
    before: Evaluation | None = services.artifacts.get_json(incumbent["evaluation"]) if incumbent else None
    comparison = _compare(state, services, evaluation, before)
    measured, findings = measured_verdict(comparison), Findings([])
    if evaluation.get("race"):
        measured = MeasuredVerdict(clear=False, tie=False)
    if measured.clear or measured.tie:
        program = services.artifacts.get_text(str(state["work"]["code"]))
        findings = align(services, program, evaluation, before, state["trace"], state["step"])
    return Graded(evaluation, before, comparison, measured, findings)


def is_asked(measured: MeasuredVerdict, findings: Findings, *, self_reported: bool) -> bool:
    """Whether a model's judgement can change what becomes of the step: in a tie, and where a program that would be
    accepted is under suspicion, or nobody but itself has scored it. A severe leak that was found is beyond question."""
    suspicious = bool(findings.lines) or self_reported
    return not findings.severe and (measured.tie or (measured.clear and suspicious))


def _decided(
    state: TraceState, services: RunServices, graded: Graded, judgement: Judgement | None
) -> Decision:
    """The decision on a graded program, from what was measured, checked and, where it was asked for, judged."""
    proposal: Proposal = services.artifacts.get_json(state["work"]["proposal"])
    evaluation, comparison, measured = graded.evaluation, graded.comparison, graded.measured
    change = change_of(services.task, state.get("incumbent"), evaluation, comparison)
    feedback = feedback_of(change, proposal["hypothesis"], evaluation, graded.before, comparison)
    if leak := graded.findings.severe or _severe(judgement):
        evaluation = Evaluation(**{**evaluation, "status": "void"})
        accept, reason = False, f"leakage: {leak}"
        feedback = reason
    else:
        accept = judgement.accept if measured.tie and judgement else measured.clear
        reason = reason_of(change, measured, judgement.reason if judgement else "")
        feedback += f" The critic: {judgement.reason}" if judgement else ""
    verdict: Verdict = "accepted" if accept else "rejected"
    return Decision(
        verdict=verdict,
        tie=measured.tie,
        reason=reason,
        feedback=feedback,
        lesson=lesson_of(proposal["hypothesis"], feedback, verdict),
        checks=graded.findings.lines,
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


def _compare(
    state: TraceState, services: RunServices, evaluation: Evaluation, before: Evaluation | None
) -> Comparison | None:
    """Paired bootstrap of the candidate against the incumbent, or what the programs say of themselves; None for a trace's
    first valid solution."""
    incumbent, score = state.get("incumbent"), evaluation["score"]
    if not incumbent or before is None:
        return None
    if services.task.self_reported and score:
        return by_margin(services.task.direction, incumbent["score"]["value"], score["value"])
    return compared(services, before, evaluation)


def _severe(judgement: Judgement | None) -> str | None:
    if judgement is None or judgement.leakage.severity != "severe":
        return None
    return judgement.leakage.where or judgement.reason


def _judge(state: TraceState, services: RunServices, graded: Graded) -> Judgement:
    """The model's judgement; if it cannot give one, or may not be asked, the measurement decides and ties are rejected:
    what was measured is not lost. A tie is judged by the change, a suspicion by the whole program."""
    proposal: Proposal = services.artifacts.get_json(state["work"]["proposal"])
    program = services.artifacts.get_text(str(state["work"]["code"]))
    incumbent = state.get("incumbent")
    context: PromptContext = {
        **base_context(services, state),
        "hypothesis": proposal["hypothesis"],
        "repairs": state["work"].get("repairs") or None,
        "candidate": _candidate_context(graded.evaluation),
        "comparison": graded.comparison,
        "tie": graded.measured.tie,
        "clearly_better": graded.measured.clear,
        "checks": graded.findings.lines or None,
        "incumbent": incumbent_context(services, incumbent) if incumbent else None,
    }
    services.emit("critic", "judging", state["trace"], state["step"])
    prompt = render(
        ROLE,
        "judge",
        context,
        private=services.private(ROLE),
        description=services.task.description,
        program=program if graded.findings.lines or services.task.self_reported else "",
        diff=diff(services.artifacts.get_text(incumbent["code"]), program) if incumbent else "",
    )
    try:
        return services.asker.ask(ROLE, prompt, Judgement, key=f"{state['trace']}:{state['step']}:judge")
    except (StepFailed, BudgetReached) as error:
        return Judgement(accept=False, reason=f"no judgement ({error}); the measurement decides")


def _candidate_context(evaluation: Evaluation) -> JsonObject:
    return {
        **(evaluation["score"] or {}),
        "fold_seconds": fold_seconds(evaluation),
        "fold_cpu_seconds": evaluation.get("fold_cpu_seconds"),
        "peak_mb": evaluation["peak_mb"],
        "gpu_peak_mb": evaluation.get("gpu_peak_mb"),
        "facts": evaluation["facts"],
        "problems": evaluation["problems"],
    }
