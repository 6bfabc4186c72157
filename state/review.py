"""What passes between a run and the person who reviews it: the question of an interrupt, and the answer to it."""

from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator, model_validator
from typing_extensions import TypedDict

from gome.state.evidence import Evidence
from gome.state.parts import Component, Hypothesis
from gome.state.prompt_context import HypothesisChoice, IncumbentContext, StepContext

Subject = Literal["hypothesis", "program", "task"]
Action = Literal["accept", "edit", "replace", "reject"]


class Question(TypedDict, total=False):
    """The value of an interrupt. `evidence`, `incumbent`, `candidates`, `recalled`: what the choice rests on.

    `program` and `diff` (against the incumbent) are there where a program is reviewed; `problem` says why the last
    answer could not be used; `how` says in words what an answer may hold. Where the task is reviewed there is no step
    yet: `program` is the adapter, and `facts` are lines on what it makes of the task.
    """

    review: Subject
    trace: int
    step: int
    stage: str
    hypothesis: Hypothesis
    plan: list[str]
    reason: str
    diagnosis: str
    candidates: list[HypothesisChoice]
    recalled: list[StepContext]
    incumbent: IncumbentContext | None
    evidence: Evidence
    program: str
    diff: str
    error: str
    facts: list[str]
    how: str
    problem: str


def where_of(question: Question) -> str:
    """What is to be decided on, and where in the run, in words."""
    if question["review"] == "task":
        return "the task"
    return f"the {question['review']} of trace {question['trace']}, step {question['step']}"


def past(action: Action) -> str:
    """The action as done: accepted, edited, replaced, rejected."""
    return f"{action.removesuffix('e')}ed"


class Answer(BaseModel):
    """A person's answer. What an action does not need is left out; a reason is always welcome and is kept."""

    model_config = ConfigDict(extra="forbid")

    action: Action = Field(description="accept, edit (in part), replace (whole) or reject (the step ends).")
    reason: str = Field(default="", description="Why; needed to reject. The next diagnosis reads it.")
    statement: str | None = Field(default=None, min_length=8, description="The hypothesis in other words.")
    component: Component | None = Field(default=None, description="Which part of the program it changes.")
    plan: list[str] | None = Field(
        default=None, min_length=1, max_length=20, description="Plan, in sentences."
    )
    program: str | None = Field(
        default=None, description="The program as it shall run, or search/replace blocks that edit it."
    )

    @field_validator("plan", mode="before")
    @classmethod
    def _lines(cls, value: Any) -> Any:
        return (
            [line.strip() for line in value.splitlines() if line.strip()] if isinstance(value, str) else value
        )

    @model_validator(mode="after")
    def _whole(self) -> "Answer":
        if self.action == "reject" and not self.reason.strip():
            raise ValueError("to reject, give a reason: the next diagnosis reads it")
        return self


def read_answer(given: Any) -> Answer:
    """An answer from what a terminal, Studio or the SDK sent: a mapping, or the bare word `accept`.

    Raises ValueError with one readable line.
    """
    try:
        return Answer.model_validate({"action": given} if isinstance(given, str) else given)
    except ValidationError as error:
        rows = [
            ": ".join([*map(str, e["loc"]), e["msg"].removeprefix("Value error, ")]) for e in error.errors()
        ]
        raise ValueError("; ".join(rows)) from None
