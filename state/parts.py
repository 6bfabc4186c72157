"""The parts of a step: hypothesis, evaluation, comparison, usage. Plain JSON, as checkpoints and artifacts hold it.

A gain is positive where the candidate is better, whatever the metric's direction; it is turned into standard errors here
and nowhere else.
"""

from collections.abc import Mapping
from math import isfinite
from typing import Any, Literal, NotRequired, TypeGuard, cast

from typing_extensions import TypedDict

from gome.state.plain import JsonObject
from gome.state.task import Direction

Status = Literal["ok", "error", "timeout", "memory", "output", "format", "void"]
Verdict = Literal["accepted", "rejected", "failed"]
Stage = Literal["draft", "improve", "ensemble"]
StepKind = Literal["draft", "edit", "merge", "restart", "tune"]
Component = Literal["data", "features", "model", "ensemble", "workflow"]

SCORE_WEIGHTS = {"alignment": 0.2, "impact": 0.4, "novelty": 0.2, "feasibility": 0.1, "risk_reward": 0.1}
"""The five scores of a hypothesis, and what each weighs (docs/method.md, one step, 2)."""


def weighted(scores: Mapping[str, float], *, missing: float = 0.0) -> float:
    """The five scores of a hypothesis put together; a score that is not there counts as `missing`."""
    return sum(weight * scores.get(name, missing) for name, weight in SCORE_WEIGHTS.items())


def sign_of(direction: Direction) -> int:
    """+1 where larger scores are better, -1 where smaller ones are."""
    return 1 if direction == "maximize" else -1


def gain_of(direction: Direction, candidate: float, incumbent: float) -> float:
    """How much better the candidate's score is than the incumbent's: positive is better, whatever the direction."""
    return sign_of(direction) * (candidate - incumbent)


def better(direction: Direction, a: float, b: float) -> bool:
    """Whether score `a` beats score `b`."""
    return gain_of(direction, a, b) > 0


class Score(TypedDict):
    """A metric value with its noise. `stderr` in the metric's units; `folds` one value per fold."""

    value: float
    stderr: float
    folds: list[float]


class Race(TypedDict):
    """Of an evaluation that was stopped as the program was plainly worse than the incumbent: how many `folds` were run,
    the first ones `of` all, and the mean scores of both on these."""

    folds: int
    of: int
    candidate: float
    incumbent: float


class Evaluation(TypedDict):
    """One program, run and graded on all folds of one split with one seed; on the first of them, if it was stopped.

    `status` 'ok' has a score and predictions; every other status has `problems`, one line each. Where a `race` stopped
    it, there is no score: one on some of the folds says nothing beside others.
    `log`, `predictions` are artifact references. `facts` are what the program logged, over all folds, or on the one that
    failed (see docs: program log). `seconds` are of all folds together; `fold_seconds` and `fold_cpu_seconds` the mean of
    one, or those of the fold that failed; the latter None where nobody counts them.
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
    fold_seconds: NotRequired[float]
    fold_cpu_seconds: NotRequired[float | None]
    peak_mb: float
    gpu_peak_mb: NotRequired[float | None]
    facts: JsonObject
    race: NotRequired[Race | None]


def race_words(race: Race) -> str:
    """'stopped after 1 of 5 folds'."""
    return f"stopped after {race['folds']} of {race['of']} folds"


def fold_seconds(evaluation: Evaluation) -> float:
    """Wall-clock seconds of one run of the program; also of an evaluation of an earlier version."""
    folds = len(evaluation["score"]["folds"]) if evaluation["score"] else 1
    return round(evaluation.get("fold_seconds", evaluation["seconds"] / max(1, folds)), 2)


class Comparison(TypedDict):
    """Paired bootstrap of a candidate against the incumbent on the same rows.

    `gain` is in the metric's units, positive is better whatever the direction; `stderr` its standard error;
    `p_better` the share of resamples in which the candidate is better; `low`, `high` the 90 % interval. `unlocked`: on
    the rows that probes have not locked, as variants were judged on those.
    """

    gain: float
    stderr: float
    p_better: float
    low: float
    high: float
    unlocked: NotRequired[bool]


def gain_se(comparison: Comparison | None) -> float | None:
    """The gain in units of its standard error; None without a comparison, 0 without noise."""
    if comparison is None:
        return None
    return comparison["gain"] / comparison["stderr"] if comparison["stderr"] > 0 else 0.0


class Hypothesis(TypedDict, total=False):
    """One testable statement, with scores from 1 to 10 (docs/method.md, one step, 2) and the gain it predicts. `probe` is
    the number, from 1, of the step's probe whose variant it is."""

    statement: str
    component: Component
    challenge: str
    expected_effect: str
    scores: dict[str, float]
    predicted_gain: float  # metric's units, positive is better
    predicted_low: float
    predicted_high: float
    probe: int


class Probe(TypedDict):
    """A small program that the researcher ran before it chose, and what it was shown of it. `program` and `log` are
    artifact references."""

    program: str
    log: str
    output: str
    seconds: float


class Trial(TypedDict):
    """A run on the smoke split that the coder looked at before it handed a program in, and what it was shown of it.
    `program` and `log` are artifact references; `problems` is empty where it ran to its end and has the form."""

    program: str
    log: str | None
    problems: list[str]
    output: str
    seconds: float


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


def no_usage() -> Usage:
    """Usage of no call."""
    return Usage(calls=0, tokens_in=0, tokens_out=0, usd=0.0, unpriced=0)


def evaluation_from_json(row: Any) -> Evaluation | None:
    """An evaluation out of a file; what it lacks is blank, a score that is no number is none."""
    if not isinstance(row, Mapping):
        return None
    blank = Evaluation(
        key="",
        split="",
        seed=0,
        status="error",
        score=None,
        problems=[],
        log=None,
        predictions=None,
        seconds=0.0,
        peak_mb=0.0,
        facts={},
    )
    known = {name: value for name, value in row.items() if value is not None}
    return cast(
        Evaluation, {**blank, **known, "score": _score(row.get("score")), "race": _race(row.get("race"))}
    )


def comparison_from_json(row: Any) -> Comparison | None:
    """A comparison out of a file; None if its gain is no number."""
    if not isinstance(row, Mapping) or not is_number(row.get("gain")):
        return None
    gain = row["gain"]
    blank = Comparison(gain=gain, stderr=0.0, p_better=0.5, low=gain, high=gain)
    known = {name: value for name, value in row.items() if is_number(value)}
    return cast(Comparison, {**blank, **known, **({"unlocked": True} if row.get("unlocked") is True else {})})


def _race(row: Any) -> Race | None:
    known = isinstance(row, Mapping) and all(is_number(row.get(name)) for name in Race.__annotations__)
    return cast(Race, dict(row)) if known else None


def _score(row: Any) -> Score | None:
    if not isinstance(row, Mapping) or not is_number(row.get("value")):
        return None
    stderr, folds = row.get("stderr"), row.get("folds")
    return Score(
        value=row["value"],
        stderr=stderr if is_number(stderr) else 0.0,
        folds=[v for v in folds if is_number(v)] if isinstance(folds, list) else [],
    )


def is_number(value: Any) -> TypeGuard[float]:
    """True for a finite int or float; false for None, text, booleans, NaN and infinities."""
    return isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
