"""What the models are asked to reply, as schemas. Lenient where a slip is harmless, strict where it is not."""

import re
from collections.abc import Sequence
from textwrap import shorten
from typing import Any, Literal, cast

from pydantic import BaseModel, Field, ValidationError, field_validator

from gome.agents.prompts.edits import read_blocks
from gome.state.in_flight import Proposal
from gome.state.parts import SCORE_WEIGHTS, Component, Hypothesis, weighted
from gome.tools.models.parsing import fenced_blocks, without_thoughts

_COMPONENTS = ("data", "features", "model", "ensemble", "workflow")
_WHOLE_PROGRAM_MIN_LINES = 3
SAID_CHARS = 400
TRY = "try"
"""The tool by which the coder tries a program, and the language of the block in which it is called as text."""
_STEP = re.compile(r"[0-9]{1,9}:[0-9]{1,9}")
_CODE_BEGINS = re.compile(r"^[ \t]*(?:`{3,}|<{5,})", re.MULTILINE)


class Challenge(BaseModel):
    """What stands between the incumbent and a better score."""

    caption: str
    statement: str
    category: str = ""
    source: str = "history"
    reasoning: str = ""
    expected_effect: str = ""


class HypothesisReply(BaseModel):
    """One testable statement with its five scores (1 to 10) and the gain it predicts (metric's units, > 0 better)."""

    statement: str = Field(min_length=8)
    component: Component = "model"
    challenge: str = ""
    expected_effect: str = ""
    scores: dict[str, float] = Field(default_factory=dict)
    predicted_gain: float = 0.0
    predicted_low: float = 0.0
    predicted_high: float = 0.0
    probe: int | None = None

    @field_validator("component", mode="before")
    @classmethod
    def _known_component(cls, value: Any) -> Any:
        text = str(value).strip().lower()
        return next((c for c in _COMPONENTS if c[:5] in text), "model")

    @field_validator("scores", mode="before")
    @classmethod
    def _clean_scores(cls, value: Any) -> dict[str, float]:
        given = value if isinstance(value, dict) else {}
        numbers = {str(k).lower().replace("-", "_"): _number(v) for k, v in given.items()}
        return {k: min(10.0, max(1.0, numbers.get(k) or 5.0)) for k in SCORE_WEIGHTS}

    @field_validator("predicted_gain", "predicted_low", "predicted_high", mode="before")
    @classmethod
    def _plain_number(cls, value: Any) -> float:
        return _number(value) or 0.0

    @field_validator("probe", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> int | None:
        return _whole_number(value)

    def as_hypothesis(self) -> Hypothesis:
        """The hypothesis as records keep it."""
        return cast(Hypothesis, self.model_dump(exclude_none=True))

    def weighted(self) -> float:
        """The five scores by the method's weights .2, .4, .2, .1, .1."""
        return weighted(self.scores, missing=5.0)


def _number(value: Any) -> float | None:
    if isinstance(value, dict):  # {"score": 7, "reason": ...}
        value = next((v for v in value.values() if isinstance(v, int | float)), None)
    try:
        number = float(str(value).strip().lstrip("+"))
    except ValueError:
        return None
    return number if abs(number) < 1e300 else None


def _whole_number(value: Any) -> int | None:
    number = _number(value)
    return None if number is None else int(number)


class Plan(BaseModel):
    """How the direction of the step was come to, and what the coder is to do. `takes_from` is the step, 'trace:step', out
    of whose program something is taken over."""

    decision: Literal["select", "modify", "create"] = "select"
    reason: str = ""
    plan: list[str] = Field(min_length=1, max_length=20)
    takes_from: str | None = None

    @field_validator("takes_from", mode="before")
    @classmethod
    def _step(cls, value: Any) -> str | None:
        text = str(value).strip()
        return text if _STEP.fullmatch(text) else None

    @field_validator("decision", mode="before")
    @classmethod
    def _lower(cls, value: Any) -> str:
        text = str(value).strip().lower()
        return text if text in ("select", "modify", "create") else "modify"

    @field_validator("plan", mode="before")
    @classmethod
    def _lines(cls, value: Any) -> Any:
        if isinstance(value, str):
            return [line.strip() for line in value.splitlines() if line.strip()]
        return [v if isinstance(v, str) else str(v) for v in value] if isinstance(value, list) else value


class Choice(Plan):
    """The direction of the step and its plan; reply to `propose`."""

    hypothesis: HypothesisReply

    def as_proposal(self) -> Proposal:
        """The choice as the coder is given it."""
        return cast(Proposal, self.model_dump(exclude_none=True))


class Pick(Plan):
    """Reply to `choose`: the `index` of a hypothesis that is taken as it is, or another `hypothesis`; and the plan."""

    index: int | None = None
    hypothesis: HypothesisReply | None = None

    @field_validator("index", mode="before")
    @classmethod
    def _whole(cls, value: Any) -> int | None:
        return _whole_number(value)

    def among(self, hypotheses: Sequence[HypothesisReply]) -> Choice:
        """The choice that is meant. ValueError if it names none of the hypotheses and gives none."""
        taken = self.hypothesis
        if taken is None:
            if self.index is None or not 0 <= self.index < len(hypotheses):
                raise ValueError(f"neither a hypothesis nor an index from 0 to {len(hypotheses) - 1}")
            taken = HypothesisReply.model_validate(hypotheses[self.index].model_dump())
        return Choice(**self.model_dump(exclude={"index", "hypothesis"}), hypothesis=taken)

    def check(self, hypotheses: Sequence[HypothesisReply]) -> None:
        """Raises ValueError where `among` would."""
        self.among(hypotheses)


class Diagnosis(BaseModel):
    """Reply to `diagnose`: the gradient, and the choice where it can be made at once."""

    diagnosis: str
    lesson: str = ""
    findings: str = ""
    challenges: list[Challenge] = Field(min_length=1, max_length=5)
    hypotheses: list[HypothesisReply] = Field(min_length=1, max_length=8)
    choice: Pick | None = None

    @field_validator("challenges", mode="before")
    @classmethod
    def _at_most_five(cls, value: Any) -> Any:
        return value[:5] if isinstance(value, list) else value

    @field_validator("choice", mode="before")
    @classmethod
    def _or_none(cls, value: Any) -> Pick | None:
        """What is no choice costs a turn, not the diagnosis."""
        try:
            return Pick.model_validate(value) if isinstance(value, dict) else None
        except ValidationError:
            return None


class Criticised(HypothesisReply):
    """A hypothesis after its critique, rewritten by it."""

    critique: str = ""


class Critique(BaseModel):
    """Reply to `critique`: the same hypotheses in the same order, each criticised and rewritten."""

    hypotheses: list[Criticised] = Field(min_length=1, max_length=8)


class Leakage(BaseModel):
    """The critic's answer where executed checks found something that they cannot settle."""

    found: bool = False
    severity: Literal["none", "minor", "severe"] = "none"
    where: str = ""


class Judgement(BaseModel):
    """Reply to `judge`."""

    accept: bool
    reason: str
    leakage: Leakage = Field(default_factory=Leakage)


class CodeReply(BaseModel):
    """Reply to `draft`, `edit`, `debug`, `merge`: a whole program, or search/replace blocks. Not JSON. `said` is the text
    before them."""

    said: str = ""
    program: str | None = None
    blocks: list[tuple[str, str]] = Field(default_factory=list)

    @classmethod
    def from_text(cls, text: str) -> "CodeReply":
        """Search/replace blocks if there are any, else the longest fenced block. ValueError if there is neither."""
        plain = without_thoughts(text)
        said = shorten(_CODE_BEGINS.split(plain, maxsplit=1)[0], SAID_CHARS, placeholder=" [...]")
        blocks = read_blocks(plain)
        if blocks:
            return cls(said=said, blocks=blocks)
        fences = [
            body for language, body in fenced_blocks(text) if language in ("", "python", "py", "python3")
        ]
        program = max(fences, key=len, default="")
        if program.count("\n") < _WHOLE_PROGRAM_MIN_LINES:
            raise ValueError("no search/replace block and no whole program in a ```python block was found")
        return cls(said=said, program=program)

    @classmethod
    def from_call(cls, text: str) -> "CodeReply":
        """As `from_text`, of the argument of a tool, which may be the program itself."""
        try:
            return cls.from_text(text)
        except ValueError:
            if _CODE_BEGINS.search(text) or text.count("\n") < _WHOLE_PROGRAM_MIN_LINES:
                raise
            return cls(program=text)


class HandIn(CodeReply):
    """The last reply after trials: a change of the program that was tried, or none: it is right as it is."""

    @classmethod
    def from_text(cls, text: str) -> "HandIn":
        """As for `CodeReply`, also out of a call of `TRY` that came too late; a text without code changes nothing."""
        called = [body for language, body in fenced_blocks(text) if language == TRY]
        try:
            return cls(**CodeReply.from_text(text).model_dump())
        except ValueError:
            if called:
                return cls(**CodeReply.from_call(called[-1]).model_dump())
            return cls(said=shorten(without_thoughts(text), SAID_CHARS, placeholder=" [...]"))
