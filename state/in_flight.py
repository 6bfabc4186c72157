"""The step in flight and where its trace stands: references and small parts, as the nodes pass them on in the state."""

from collections.abc import Mapping
from typing import Any, NotRequired, cast

from typing_extensions import TypedDict

from gome.state.parts import Component, Hypothesis, Probe, Review, Score, Stage, Status, StepKind
from gome.state.step import StepBrief, upgraded


class MergedProgram(TypedDict):
    """The program that a merge takes in: whose it is, the accepted ideas on its path, and what either side refuted."""

    trace: int
    step: int
    code: str
    score: float
    hypothesis: str
    accepted: list[StepBrief]
    refuted: NotRequired[list[StepBrief]]


class Proposal(TypedDict, total=False):
    """What the researcher hands to the coder, kept as an artifact. `recalled` are ids of steps that were shown,
    `findings` what the `probes` have shown, in words, `takes_from` the step whose program lies beside the plan."""

    diagnosis: str
    findings: str
    probes: list[Probe]
    challenges: list[dict[str, str]]
    hypotheses: list[Hypothesis]
    hypothesis: Hypothesis
    decision: str
    reason: str
    plan: list[str]
    recalled: list[str]
    takes_from: str | None
    other: MergedProgram


class FailedRun(TypedDict):
    """A run of the step's program that failed and went back to the coder. `log` is an artifact reference, `stages` the
    seconds of each stage that the program finished and told of."""

    split: str
    status: Status
    problems: list[str]
    log: str | None
    seconds: float
    cpu_seconds: NotRequired[float | None]
    stages: NotRequired[dict[str, float]]


class ShownHypothesis(TypedDict):
    """What the state shows of a proposal; to change it there makes a fork."""

    statement: str
    component: Component
    plan: list[str]


class Incumbent(TypedDict):
    """The program that a trace's next step starts from. `code`, `evaluation`, `evidence` are artifact references."""

    step: int
    code: str
    score: Score
    evaluation: str
    evidence: str
    hypothesis: str
    component: Component
    feedback: str


class StepInFlight(TypedDict, total=False):
    """The step at hand, as the nodes pass it on. `proposal`, `trials`, `code`, `evaluation` and `decision` are artifact
    references.

    `home` is where the trace stands if the step is not accepted. `errors` are failed runs, oldest first, `rounds` repairs
    made, `repairs` what the coder said of them. `failure` says why the step was lost, `declined` why a person rejected
    it.
    """

    stage: Stage
    optimizer: str
    kind: StepKind
    source: str | None
    home: Incumbent | None
    hypothesis: ShownHypothesis
    proposal: str
    started: float
    rounds: int
    repairs: list[str]
    trials: str
    code: str | None
    evaluation: str | None
    errors: list[FailedRun]
    failure: str | None
    declined: str
    reviews: list[Review]
    advice: list[str]
    decision: str


class TraceSummary(TypedDict, total=False):
    """Where a trace stands after its last step: the next step's number, how its steps ended, and why it ended itself.

    `stalled` steps in a row brought no accepted one, `lost` in a row got no usable reply of the model. `out_of_time`: it
    ended because the time of the search was up, and would go on if there was more.
    """

    step: int
    accepted: int
    rejected: int
    failed: int
    stalled: int
    lost: int
    incumbent: Incumbent | None
    ended: str | None
    out_of_time: bool


def step_in_flight(row: Mapping[str, Any]) -> StepInFlight:
    """The step in flight of a checkpoint, also of one that version 0.1 wrote."""
    return cast(StepInFlight, upgraded(row))
