"""Hindsight: the last step of a trace as the diagnosis after it sees it, and the lesson that it draws."""

from dataclasses import replace
from heapq import nlargest
from textwrap import shorten

from gome.agents.prompts.edits import diff
from gome.state.parts import fold_seconds, is_number
from gome.state.plain import JsonObject
from gome.state.prompt_context import RejectedContext
from gome.state.schema import TraceState
from gome.state.step import FEEDBACK_IN_BRIEF, StepRecord
from gome.tools.services import RunServices

MOST_USED = 15
LINES = 150
"""Lines of the last change that a diagnosis is shown; its figures stand in the history."""


def last_step(state: TraceState, services: RunServices) -> StepRecord | None:
    """The step of this trace before the one at hand, None where there is none."""
    return services.history.record(state["trace"], state["step"] - 1)


def last_change(state: TraceState, services: RunServices) -> str:
    """What the last step changed, as a diff against the program that it started from; '' where it changed none."""
    last = last_step(state, services)
    if last is None or not last.parent or not last.code:
        return ""
    return diff(services.artifacts.get_text(last.parent), services.artifacts.get_text(last.code), most=LINES)


def rejected(state: TraceState, services: RunServices) -> RejectedContext | None:
    """What the last step's program showed, where it was graded and not taken over: only its figures tell why not."""
    last = last_step(state, services)
    if last is None or last.accepted or not last.evaluation or not last.comparison:
        return None
    return {
        "step": last.step,
        "score": last.value if last.counts else None,
        "folds": last.score["folds"] if last.score else [],
        "fold_seconds": fold_seconds(last.evaluation),
        "facts": _most_used(last.evaluation["facts"]),
    }


def _most_used(facts: JsonObject) -> JsonObject:
    """The facts with the largest importances alone: each fold has printed those of its own."""
    used = facts.get("importance")
    if not isinstance(used, dict):
        return facts
    rows = nlargest(MOST_USED, ((value, name) for name, value in used.items() if is_number(value)))
    return {**facts, "importance": {name: value for value, name in rows}}


def learn(state: TraceState, services: RunServices, lesson: str) -> TraceState:
    """Put `lesson` in the place of what the last step's figures said by themselves: in the history, in the momentum, and
    in the update of the state that comes back."""
    lesson = shorten(lesson, FEEDBACK_IN_BRIEF, placeholder=" [...]")
    last = last_step(state, services)
    if last is None or not lesson:
        return {}
    record = replace(last, lesson=lesson)
    if record != last:
        services.history.append(record)
        services.momentum.put(record.brief())
    return {"records": [record.brief()], "momentum": [record.brief()]}
