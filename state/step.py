"""The typed step: one record of it, and the brief form that state, momentum and prompts share."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from textwrap import shorten
from typing import Any, NotRequired, cast

from typing_extensions import TypedDict

from gome.state.parts import (
    Comparison,
    Component,
    Evaluation,
    Hypothesis,
    Probe,
    Race,
    Review,
    Score,
    Stage,
    StepKind,
    Trial,
    Usage,
    Verdict,
    fold_seconds,
    gain_se,
)
from gome.state.plain import JsonObject
from gome.state.task import Direction


class StepBrief(TypedDict):
    """A step in the few words that state, momentum and prompts carry; as momentum upserted under `id` = 'trace:step'.

    `gain` is in the metric's units, `gain_se` in its standard errors; both None where nothing was compared.
    """

    id: str
    trace: int
    step: int
    hypothesis: str
    component: Component
    verdict: Verdict
    tie: bool
    gain: float | None
    gain_se: float | None
    predicted_gain: float | None
    score: float | None
    fold_seconds: float | None
    problems: list[str]
    feedback: str
    lesson: str
    code: str | None
    reviews: NotRequired[list[Review]]
    advice: NotRequired[list[str]]
    repairs: NotRequired[list[str]]
    findings: NotRequired[str]


class EarlierStep(StepBrief):
    """A step of an earlier run, from a file of lessons: its id is 'run/trace:step'; it has neither score nor code.

    `direction` says which way the run's metric is better; lines of older versions do not have it.
    """

    run: str
    task: str
    metric: str
    direction: NotRequired[Direction]


PROBLEMS_IN_BRIEF, FEEDBACK_IN_BRIEF = 3, 600


@dataclass(frozen=True)
class StepRecord:
    """A line of history.jsonl: one step, whole. References point into the run's artifacts.

    `source` is the step that was merged in, or from which the trace restarted, `takes_from` the one whose program the
    coder had beside its own, to take something over. `worst_rows`, of an accepted step, is the reference of how it does
    on the rows that its parent predicted worst. `checks` is what the executed alignment checks found, a line each;
    `findings` what the `probes` of the step have shown, in the model's words; `trials` the smoke runs that the coder
    looked at; `repairs` what the coder said of each change after a failure, which may have changed what was tested;
    `advice` what a person had said that this step's diagnosis was the first of its trace to read. A line of an earlier
    version, or one that lacks fields, reads as well: see `from_json`.
    """

    id: str
    trace: int
    step: int
    verdict: Verdict
    stage: Stage = "draft"
    optimizer: str = "gradient"
    kind: StepKind = "draft"
    source: str | None = None
    diagnosis: str = ""
    findings: str = ""
    probes: list[Probe] = field(default_factory=list)
    challenges: list[dict[str, str]] = field(default_factory=list)
    hypotheses: list[Hypothesis] = field(default_factory=list)
    hypothesis: Hypothesis = field(default_factory=Hypothesis)
    plan: list[str] = field(default_factory=list)
    recalled: list[str] = field(default_factory=list)
    takes_from: str | None = None
    parent: str | None = None
    code: str | None = None
    tie: bool = False
    reason: str = ""
    feedback: str = ""
    lesson: str = ""
    evaluation: Evaluation | None = None
    comparison: Comparison | None = None
    worst_rows: str | None = None
    checks: list[str] = field(default_factory=list)
    trials: list[Trial] = field(default_factory=list)
    debug_rounds: int = 0
    repairs: list[str] = field(default_factory=list)
    reviews: list[Review] = field(default_factory=list)
    advice: list[str] = field(default_factory=list)
    seconds: float = 0.0
    usage: Usage = field(
        default_factory=lambda: Usage(calls=0, tokens_in=0, tokens_out=0, usd=0.0, unpriced=0)
    )

    @classmethod
    def from_json(cls, row: Mapping[str, Any]) -> "StepRecord":
        """The record that a line of history.jsonl holds. ValueError if it does not say which step it is."""
        known = {name: value for name, value in upgraded(row).items() if name in _NAMES and value is not None}
        try:
            return cls(**{"id": f"{row['trace']}:{row['step']}", "verdict": "failed", **known})
        except (KeyError, TypeError) as error:
            raise ValueError(f"no step record: {error}") from None

    def to_json(self) -> JsonObject:
        """The line of history.jsonl. What the fields hold is shared with the record: not to be changed."""
        return {name: getattr(self, name) for name in _NAMES}

    @property
    def accepted(self) -> bool:
        """Whether the trace took the program over."""
        return self.verdict == "accepted"

    @property
    def score(self) -> Score | None:
        """The search score, also of a voided one; None if the program was not graded."""
        return self.evaluation["score"] if self.evaluation else None

    @property
    def value(self) -> float | None:
        """The value of the search score, None without one."""
        return self.score["value"] if self.score else None

    @property
    def counts(self) -> bool:
        """Whether there is a score that stands: neither failed nor voided for leakage."""
        return self.value is not None and self.evaluation is not None and self.evaluation["status"] == "ok"

    @property
    def race(self) -> Race | None:
        """The race that stopped the program's evaluation, None where all of its folds ran."""
        return self.evaluation.get("race") if self.evaluation else None

    @property
    def gain(self) -> float | None:
        """Measured gain on the parent, in the metric's units; None where nothing was compared."""
        return self.comparison["gain"] if self.comparison else None

    @property
    def gain_se(self) -> float | None:
        """Measured gain in units of its standard error."""
        return gain_se(self.comparison)

    @property
    def statement(self) -> str:
        """What the step tried, in words."""
        return self.hypothesis.get("statement", "")

    @property
    def component(self) -> Component:
        """Which part of the program it changed."""
        return self.hypothesis.get("component", "model")

    def brief(self) -> StepBrief:
        """The step in the few words that state, momentum and prompts carry."""
        brief = StepBrief(
            id=self.id,
            trace=self.trace,
            step=self.step,
            hypothesis=self.statement,
            component=self.component,
            verdict=self.verdict,
            tie=self.tie,
            gain=self.gain,
            gain_se=self.gain_se,
            predicted_gain=self.hypothesis.get("predicted_gain"),
            score=self.value if self.counts else None,
            fold_seconds=fold_seconds(self.evaluation) if self.evaluation else None,
            problems=self.evaluation["problems"][:PROBLEMS_IN_BRIEF] if self.evaluation else [self.reason],
            feedback=shorten(self.feedback, FEEDBACK_IN_BRIEF, placeholder=" [...]"),
            lesson=self.lesson,
            code=self.code,
        )
        if self.reviews:
            brief["reviews"] = self.reviews
        if self.repairs:
            brief["repairs"] = self.repairs
        if self.advice:
            brief["advice"] = self.advice
        if self.findings:
            brief["findings"] = shorten(self.findings, FEEDBACK_IN_BRIEF, placeholder=" [...]")
        return brief


_NAMES = tuple(f.name for f in fields(StepRecord))
_RENAMED = {"move": "kind"}
"""Fields that version 0.1 called otherwise: {old: new}."""


def upgraded(row: Mapping[str, Any]) -> JsonObject:
    """The row under the names of this version."""
    return {_RENAMED.get(name, name): value for name, value in row.items()}


def brief_from_json(row: Mapping[str, Any]) -> StepBrief:
    """A brief that was stored, also one of version 0.1: it said `accepted` and knew no verdict beside it, and its
    `seconds` were those of all folds."""
    blank = StepBrief(
        id=f"{row['trace']}:{row['step']}",
        trace=row["trace"],
        step=row["step"],
        hypothesis="",
        component="model",
        verdict="accepted" if row.get("accepted") else "rejected",
        tie=False,
        gain=None,
        gain_se=None,
        predicted_gain=None,
        score=None,
        fold_seconds=None,
        problems=[],
        feedback="",
        lesson="",
        code=None,
    )
    kept = {name: value for name, value in row.items() if name not in ("accepted", "seconds")}
    return cast(StepBrief, {**blank, **kept})
