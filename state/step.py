"""Records: what is written down of evaluations, hypotheses, steps and memories. Plain JSON types throughout."""

from typing import Literal, NotRequired

from typing_extensions import TypedDict

Status = Literal["ok", "error", "timeout", "memory", "output", "format", "void"]
Verdict = Literal["accepted", "rejected", "failed"]
Move = Literal["draft", "edit", "merge", "restart"]
Component = Literal["data", "features", "model", "ensemble", "workflow"]


SCORE_WEIGHTS = {"alignment": 0.2, "impact": 0.4, "novelty": 0.2, "feasibility": 0.1, "risk_reward": 0.1}
"""The five scores of a hypothesis, and what each weighs (method.md, one step, 3)."""


class Score(TypedDict):
    """A metric value with its noise. `stderr` in the metric's units; `folds` one value per fold."""

    value: float
    stderr: float
    folds: list[float]


class Evaluation(TypedDict):
    """One program, run and graded on all folds of one split with one seed.

    `status` 'ok' has a score and predictions; every other status has `problems`, one line each.
    `log`, `predictions` are artifact references. `facts` are what the program logged (see docs: program log).
    """

    key: str
    split: str
    seed: int
    status: Status
    score: Score | None
    problems: list[str]
    log: str | None
    predictions: str | None
    seconds: float
    peak_mb: float
    gpu_peak_mb: NotRequired[float | None]
    facts: dict


class Comparison(TypedDict):
    """Paired bootstrap of a candidate against the incumbent on the same rows.

    `gain` is in the metric's units, positive is better whatever the direction; `stderr` its standard error;
    `p_better` the share of resamples in which the candidate is better; `low`, `high` the 90 % interval.
    """

    gain: float
    stderr: float
    p_better: float
    low: float
    high: float


class Hypothesis(TypedDict, total=False):
    """One testable statement, with scores from 1 to 10 (method.md, one step, 3) and the gain it predicts."""

    statement: str
    component: Component
    challenge: str
    expected_effect: str
    scores: dict[str, float]
    predicted_gain: float  # metric's units, positive is better
    predicted_low: float
    predicted_high: float


class MemoryEntry(TypedDict):
    """An entry of the success memory, upserted under `id` = 'trace:step'."""

    id: str
    trace: int
    step: int
    hypothesis: str
    component: str
    accepted: bool
    gain: float  # metric's units, positive is better; 0 for a first solution and for a failure
    gain_se: float  # gain in units of its standard error
    score: float | None
    code: str | None
    lesson: str


class EarlierMemory(MemoryEntry):
    """An entry of an earlier run, from a memory file: its id is 'run/trace:step'; it has neither score nor code."""

    run: str
    task: str
    metric: str


class Usage(TypedDict):
    """Model usage: calls, tokens, US dollars of the calls whose price is known, and how many had none known."""

    calls: int
    tokens_in: int
    tokens_out: int
    usd: float
    unpriced: int


class Review(TypedDict):
    """What a person decided: on the `hypothesis` or the `program`, accept, edit, replace or reject, and why."""

    of: str
    action: str
    reason: str


class StepRecord(TypedDict):
    """A line of history.jsonl: one step, whole. References point into the run's artifacts.

    `checks` is what the executed alignment checks found, a line each; `advice` what a person had said that this step's
    diagnosis was the first of its trace to read.
    """

    id: str
    trace: int
    step: int
    stage: str
    optimizer: str  # gradient or tree
    move: Move
    source: str | None  # id of the step that was merged in, or from which the trace restarted
    diagnosis: str
    challenges: list[dict]
    hypotheses: list[Hypothesis]
    hypothesis: Hypothesis
    plan: list[str]
    recalled: list[str]
    parent: str | None
    code: str | None
    verdict: Verdict
    tie: bool
    reason: str
    feedback: str
    lesson: str
    evaluation: Evaluation | None
    comparison: Comparison | None
    checks: list[str]
    debug_rounds: int
    reviews: list[Review]
    advice: list[str]
    seconds: float
    usage: Usage
