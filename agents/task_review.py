"""The reviewer of a task: a person decides on the adapter that the surveyor has written, before anything runs by it."""

from collections.abc import Callable, Iterator
from pathlib import Path

from langgraph.types import interrupt

from gome.agents import surveyor
from gome.agents.reviewer import edited
from gome.state.errors import GomeError
from gome.state.review import Answer, Question, past, read_answer
from gome.tools.adapters.adapter import FILE
from gome.tools.services import RunServices

HOW = (
    "action: accept | edit (program: the adapter, as search/replace blocks or whole) | replace (program: the adapter, "
    "whole) | reject (reason; nothing is held back then: programs score themselves)"
)


def decide(services: RunServices, carry_out: Callable[[Answer], None]) -> str:
    """Show a person the adapter and what it makes of the task, wait, and have the decision carried out; a GomeError or a
    ValueError of that is shown, and asked again. Returns the decision in words."""
    question = Question(review="task", facts=[*_facts(services)], program=_source(services), how=HOW)
    while True:
        given = interrupt(question, response_schema=Answer.model_json_schema())
        try:
            answer = read_answer(given)
            with services.clock.working():
                carry_out(answer)
        except (ValueError, GomeError) as error:
            question["problem"] = str(error)
        else:
            return f"{past(answer.action)} in review{f': {answer.reason}' if answer.reason else ''}"


def with_changes(services: RunServices, answer: Answer) -> surveyor.Found:
    """The task by the adapter as the person wants it, which has passed the same checks. ValueError: the answer holds no
    adapter that Python can read; GomeError: it fails a check, and the one from before is laid out again."""
    before, wanted = _source(services), edited(answer, _source(services), "adapter")
    try:
        return _laid_out(services, wanted)
    except GomeError:
        _laid_out(services, before)
        raise


def _laid_out(services: RunServices, source: str) -> surveyor.Found:
    try:
        return surveyor.laid_out(services, source)
    except GomeError as error:
        file = services.run_dir / surveyor.SURVEY / FILE
        raise GomeError(str(error).replace(f"{file}: ", "")) from error


def _source(services: RunServices) -> str:
    return Path(services.task.adapter).read_text(encoding="utf-8")


def _facts(services: RunServices) -> Iterator[str]:
    """What the adapter makes of the task, in lines."""
    task, inputs = services.task, services.evaluator.inputs
    yield f"{task.name}: {task.problem}, judged by {task.metric} ({task.direction})"
    yield inputs.plan.reason
    answers = inputs.answers("search", 0)
    yield f"the first search fold grades {len(answers):,} rows of {task.sample}; the first of their answers:"
    yield from answers.head(3).to_csv(index=False).splitlines()
    yield from inputs.notes
