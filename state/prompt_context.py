"""The context of a prompt: the JSON at its end, all of it measured by the harness or read from records.

The offline reasoner reads nothing else; a model reads it beside program and description. `previews` stand in the words of
a prompt alone.
"""

from typing import Any, NotRequired

from typing_extensions import TypedDict

from gome.state.evidence import Evidence
from gome.state.parts import Hypothesis, Stage
from gome.state.profile import DataProfile, Preview


class Hardware(TypedDict):
    """What the machine gives: cores, memory, and the names of its cards, None without one."""

    cpus: int
    memory_gb: float
    gpu: str | None


class TaskContext(TypedDict, total=False):
    """The task as prompts tell it: see `gome.state.task.Task`. `form` says in words what to write into the submission,
    `tree` what lies in `input/` where train and test are no tables, `self_reported` why programs have to score
    themselves, where they have."""

    name: str
    metric: str
    direction: str
    problem: str
    train: str
    test: str
    sample: str
    id: str
    ids: list[str]
    target: list[str]
    prediction: list[str]
    classes: list[str]
    positive: str | None
    dates: dict[str, str]
    text_columns: list[str]
    group: str | None
    time: str | None
    drop: list[str]
    form: str
    tree: list[str]
    self_reported: str


class BudgetContext(TypedDict):
    """What is left of the search's budget, which share of the cap that ends the trace first is used, and the limit of one
    program run: one fold. `steps_left` is None without a cap."""

    steps_left: int | None
    seconds_left: float
    used: float
    program_time_limit_s: float


class SplitContext(TypedDict):
    """How many `folds` a split has, and how many rows a program `trains_on` and is `graded` on in the first of them."""

    folds: int
    trains_on: int
    graded: int


class IncumbentContext(TypedDict):
    """What is known of the program that the step starts from; `facts` as the program logged. What its step's line in the
    history says is left out where that is shown."""

    step: int
    score: float
    stderr: float
    folds: list[float]
    fold_seconds: float
    fold_cpu_seconds: float | None
    peak_mb: float
    gpu_peak_mb: float | None
    component: NotRequired[str]
    hypothesis: NotRequired[str]
    facts: dict[str, Any]
    problems: list[str]
    feedback: NotRequired[str]


class RejectedContext(TypedDict):
    """What is known of the last step's program where the trace did not take it over; `facts` as the program logged."""

    step: int
    score: float | None
    folds: list[float]
    fold_seconds: float
    facts: dict[str, Any]


class StepContext(TypedDict, total=False):
    """A step of this trace, of a sibling or out of the momentum, with as much of it as the call needs."""

    id: str
    trace: int
    step: int
    hypothesis: str
    component: str
    verdict: str
    tie: bool
    gain: float | None
    gain_se: float | None
    predicted_gain: float | None
    score: float | None
    fold_seconds: float | None
    problems: list[str]
    feedback: str
    lesson: str
    findings: str
    run: str
    task: str
    metric: str
    direction: str


class HypothesisChoice(Hypothesis, total=False):
    """A hypothesis among those to choose from, with its weighted scores and the gain that such predictions brought."""

    index: int
    weighted: float
    calibrated_gain: float


class PromptContext(TypedDict, total=False):
    """All parts of a context; each call has some of them."""

    call: str
    trace: int
    traces: int
    step: int
    stage: Stage
    seed: int
    task: TaskContext
    hardware: Hardware
    budget: BudgetContext
    splits: dict[str, SplitContext]
    stalled: int | None
    packages: dict[str, str]
    incumbent: IncumbentContext | None
    rejected: RejectedContext
    advice: list[str] | None
    evidence: Evidence
    reliability: Any
    data: DataProfile
    previews: list[Preview]
    tuning: bool
    history: list[StepContext]
    siblings: list[StepContext]
    starts: list[StepContext]
    claimed: list[StepContext]
    momentum: list[StepContext]
    choices: list[HypothesisChoice]
    hypothesis: Hypothesis
    repairs: list[str] | None
    plan: list[str]
    other: dict[str, Any]
    error: dict[str, Any]
    candidate: dict[str, Any]
    comparison: Any
    tie: bool
    clearly_better: bool
    checks: list[str] | None
