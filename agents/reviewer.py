"""The reviewer: a person. The run stops at an interrupt that shows the choice with its evidence, and takes the answer."""

from typing import cast

from langgraph.types import interrupt

from gome.agents.forking import shown_hypothesis
from gome.agents.prompts.context import incumbent_context, momentum_context
from gome.agents.prompts.edits import diff, read_blocks
from gome.agents.prompts.replies import CodeReply, HypothesisReply
from gome.agents.trying import updated
from gome.state.in_flight import Proposal, StepInFlight
from gome.state.parts import Hypothesis, Review
from gome.state.prompt_context import IncumbentContext
from gome.state.review import Answer, Question, Subject, past, read_answer
from gome.state.schema import TraceState
from gome.tools.services import RunServices
from gome.tools.wording import readable, tagged_as

HOW: dict[Subject, str] = {
    "hypothesis": "action: accept | edit (statement, component, plan; what is left out stays) | "
    "replace (statement, plan) | reject (reason; the step ends with it)",
    "program": "action: accept | edit (program: search/replace blocks, or whole) | replace (program: whole) | "
    "reject (reason; the step ends with it)",
}
_NEXT: dict[Subject, str] = {"hypothesis": "coder", "program": "runner"}
_INCUMBENT = ("step", "score", "stderr", "fold_seconds", "component", "hypothesis", "feedback")


def reviewer(state: TraceState, services: RunServices) -> TraceState:
    """Show a person the step's hypothesis or program with its evidence, wait, and take the decision over."""
    subject: Subject = "program" if state["work"]["code"] else "hypothesis"
    question = _question(state, services, subject)
    while True:
        given = interrupt(question, response_schema=Answer.model_json_schema())
        try:
            answer = read_answer(given)
            changes = _changes(state, services, subject, answer)
            break
        except ValueError as error:
            question["problem"] = str(error)
    said = f": {answer.reason}" if answer.reason else ""
    services.emit("reviewer", f"{subject} {past(answer.action)}{said}", state["trace"], state["step"])
    review = Review(of=subject, action=answer.action, reason=answer.reason)
    reviews = [*state["work"].get("reviews", []), review]
    work: StepInFlight = {**state["work"], **changes, "reviews": reviews}
    if answer.action == "reject":
        declined = f"{subject} rejected in review: {answer.reason}"
        return {"work": {**work, "declined": declined}, "next": "critic"}
    return {"work": work, "next": _NEXT[subject]}


def _question(state: TraceState, services: RunServices, subject: Subject) -> Question:
    work, incumbent = state["work"], state.get("incumbent")
    proposal = services.artifacts.get_json(work["proposal"])
    question = Question(
        review=subject,
        trace=state["trace"],
        step=state["step"],
        stage=work["stage"],
        hypothesis=proposal["hypothesis"],
        plan=proposal["plan"],
        incumbent=None,
        how=HOW[subject],
    )
    if incumbent:
        known = incumbent_context(services, incumbent)
        question["incumbent"] = cast(IncumbentContext, {k: v for k, v in known.items() if k in _INCUMBENT})
    if subject == "hypothesis":
        _add_choice(question, state, services, proposal)
        return Question(**readable(question))
    question = Question(**readable(question))
    _add_program(question, state, services)  # as it is: it may come back edited
    return question


def _add_choice(question: Question, state: TraceState, services: RunServices, proposal: Proposal) -> None:
    incumbent = state.get("incumbent")
    known = {entry["id"]: entry for entry in services.momentum.entries()}
    question["reason"] = proposal["reason"]
    question["diagnosis"] = proposal.get("diagnosis", "")
    question["candidates"] = [
        {**h, "weighted": round(HypothesisReply(**h).weighted(), 2)} for h in proposal.get("hypotheses", [])
    ]
    question["recalled"] = momentum_context(known[i] for i in proposal.get("recalled", []) if i in known)
    if incumbent and incumbent["evidence"]:
        question["evidence"] = services.artifacts.get_json(incumbent["evidence"])


def _add_program(question: Question, state: TraceState, services: RunServices) -> None:
    work, incumbent = state["work"], state.get("incumbent")
    question["program"] = services.artifacts.get_text(str(work["code"]))
    if incumbent:
        question["diff"] = diff(services.artifacts.get_text(incumbent["code"]), question["program"])
    if work["errors"]:
        question["error"] = work["errors"][-1]["problems"][0]


def _changes(state: TraceState, services: RunServices, subject: Subject, answer: Answer) -> StepInFlight:
    """What an edit or a replacement changes in `work`. ValueError if the answer lacks it or it cannot be used."""
    if answer.action in ("accept", "reject"):
        return {}
    if subject == "program":
        program = edited(answer, services.artifacts.get_text(str(state["work"]["code"])), subject)
        return {"code": services.artifacts.put_text(program, "py")}
    proposal: Proposal = services.artifacts.get_json(state["work"]["proposal"])
    given = answer.model_dump(include={"statement", "component"}, exclude_none=True)
    if answer.action == "replace":
        if not answer.statement:
            raise ValueError("to replace the hypothesis, give a statement")
        old, plan = Hypothesis(), answer.plan or [answer.statement]
    else:
        if not given and not answer.plan:
            raise ValueError("to edit the hypothesis, give a statement, a component or a plan")
        old, plan = proposal["hypothesis"], answer.plan or proposal["plan"]
        if "statement" in given:
            given["statement"] = tagged_as(old["statement"], given["statement"])
    hypothesis = HypothesisReply(**{**old, **given}).as_hypothesis()
    services.momentum.claim(state["trace"], state["step"], hypothesis["statement"], hypothesis["component"])
    decided: Proposal = {**proposal, "hypothesis": hypothesis, "plan": plan}
    return {"proposal": services.artifacts.put_json(decided), "hypothesis": shown_hypothesis(decided)}


def edited(answer: Answer, program: str, what: str) -> str:
    """`program`, called `what` here, as the answer has it: whole, or by blocks. ValueError if that is no Python."""
    if not answer.program:
        raise ValueError(f"to {answer.action} the {what}, give it in `program`")
    blocks = read_blocks(answer.program)
    if answer.action == "replace" and blocks:
        raise ValueError(f"to replace the {what}, give it whole")
    reply = CodeReply(blocks=blocks) if blocks else CodeReply(program=f"{answer.program.rstrip()}\n")
    return updated(reply, program)
