"""Acceptance: what the paired comparison alone decides, what is left to the critic's judgement, and how it is told."""

from dataclasses import dataclass

from scipy.special import ndtri

from gome.state.in_flight import Incumbent
from gome.state.parts import (
    Comparison,
    Evaluation,
    Hypothesis,
    Verdict,
    fold_seconds,
    gain_of,
    gain_se,
    race_words,
)
from gome.state.task import Direction, Task
from gome.tools.wording import change_words, gain_words, readable, score_text, share_words, waiting_words

CLEARLY_BETTER = 0.9
"""Share of paired resamples in which the candidate must win for the measurement alone to decide."""
CLEARLY_WORSE = 0.25
"""Below this share a tie-break on soundness is not worth the likely loss: not symmetric on purpose."""

MARGIN = 0.005
"""Share of the larger one by which two scores that programs report have to differ: their noise is not known."""


@dataclass(frozen=True)
class MeasuredVerdict:
    """What the measurement says: `clear`ly better, or a `tie`, or neither: clearly worse."""

    clear: bool
    tie: bool


def measured_verdict(comparison: Comparison | None) -> MeasuredVerdict:
    """The verdict of the paired bootstrap; None, a trace's first valid solution, is clearly better than nothing."""
    if comparison is None:
        return MeasuredVerdict(clear=True, tie=False)
    p = comparison["p_better"]
    return MeasuredVerdict(clear=p >= CLEARLY_BETTER, tie=CLEARLY_WORSE <= p < CLEARLY_BETTER)


def clear_of_luck(comparison: Comparison | None, tried: int) -> bool:
    """Whether the best of so many that were tried is better for sure: as clearly as any candidate has to be, with the
    chance to err shared among all of them (Bonferroni), as the best of many is good by luck."""
    return (gain_se(comparison) or 0.0) >= -ndtri((1 - CLEARLY_BETTER) / max(1, tried))


def by_margin(direction: Direction, incumbent: float, candidate: float) -> Comparison:
    """Two scores that programs report themselves, compared: the margin stands where the standard error would, and a gain
    within it is a tie."""
    gain, margin = gain_of(direction, candidate, incumbent), MARGIN * max(abs(incumbent), abs(candidate))
    p_better = 0.5 if abs(gain) <= margin else float(gain > 0)
    return Comparison(gain=gain, stderr=margin, p_better=p_better, low=gain - margin, high=gain + margin)


def change_of(
    task: Task, incumbent: Incumbent | None, candidate: Evaluation, comparison: Comparison | None
) -> str | None:
    """What was measured, in words: 'rmse 54.70 → 54.46 (better by 0.24 ± 0.10), better in 98 % of resamples', or
    'rmse 54.70 → 54.46 (better by 0.24), self-reported, with a margin of 0.27', or, on the folds that ran, 'stopped after
    1 of 5 folds, there rmse 54.70 → 58.11 (worse by 3.41 ± 0.80), better in 0 % of resamples'. A gain that is measured
    without the locked part stands apart from the scores.

    None where nothing was compared, as for a trace's first solution.
    """
    if comparison is None or incumbent is None:
        return None
    score = candidate["score"]
    scores = incumbent["score"]["value"], score["value"] if score else None
    if task.self_reported:
        change = change_words(task.metric, *scores, comparison["gain"])
        return f"{change}, self-reported, with a margin of {comparison['stderr']:.2g}"
    if race := candidate.get("race"):
        scores = race["incumbent"], race["candidate"]
    gain, stderr, apart = comparison["gain"], comparison["stderr"], comparison.get("unlocked")
    change = change_words(task.metric, *scores, None if apart else gain, stderr)
    change = f"{race_words(race)}, there {change}" if race else change
    if apart:  # other rows than those of the scores: a gain in brackets behind these could contradict them
        change += "" if race else " over all folds"
        change += f"; on the rows that no probe was judged on {gain_words(gain, stderr)}"
    return f"{change}, better in {share_words(comparison['p_better'])} of resamples"


def reason_of(change: str | None, measured: MeasuredVerdict, judgement: str) -> str:
    """The verdict's reason in one sentence; `judgement` is the critic's, which counts in a tie."""
    if change is None:
        return "first valid solution of the trace"
    if measured.tie:
        return f"tie: {change}; decided on soundness: {judgement}"
    return f"clearly {'better' if measured.clear else 'worse'}: {change}"


def feedback_of(
    change: str | None,
    hypothesis: Hypothesis,
    candidate: Evaluation,
    before: Evaluation | None,
    comparison: Comparison | None,
) -> str:
    """What the next step is told of a graded one: `change` beside the gain that was predicted, and the seconds of a fold
    beside those of the program `before`."""
    seconds = fold_seconds(candidate)
    if change is None or comparison is None:
        score = candidate["score"]
        value = score_text(score["value"], score["stderr"]) if score else score_text(None)
        return f"The first valid program of the trace scores {value}; a fold takes {seconds:.3g} s."
    predicted = gain_words(hypothesis.get("predicted_gain", 0.0))
    told = f"{change}; predicted was {predicted}{_range_words(hypothesis, comparison['gain'])}."
    if before is None or not (earlier := fold_seconds(before)):
        return told
    longer = f"{seconds / earlier:.1f} times as long as before{_cpu_words(candidate, before)}"
    return f"{told} A fold takes {seconds:.3g} s, {longer}."


def _cpu_words(candidate: Evaluation, before: Evaluation) -> str:
    """What a fold takes of CPU time, where one of both programs waited: the wall time then tells of the machine."""
    used, earlier = candidate.get("fold_cpu_seconds"), before.get("fold_cpu_seconds")
    waited = any(waiting_words(fold_seconds(e), e.get("fold_cpu_seconds")) for e in (candidate, before))
    return (
        f"; of CPU time {used:.3g} s, {used / earlier:.1f} times as much"
        if waited and used and earlier
        else ""
    )


def lesson_of(hypothesis: Hypothesis, feedback: str, verdict: Verdict) -> str:
    """What a step says to later ones until a diagnosis has put it better: what was tried and what came of it."""
    statement = readable(hypothesis.get("statement", "")).rstrip(".")
    return f"{statement}: {verdict}; {feedback}" if statement else f"{verdict}; {feedback}"


def _range_words(hypothesis: Hypothesis, gain: float) -> str:
    low, high = hypothesis.get("predicted_low", 0.0), hypothesis.get("predicted_high", 0.0)
    if low >= high:
        return ""
    place = "below" if gain < low else "above" if gain > high else "in"
    return f", 80 % range {low:+.4g} to {high:+.4g}: {place} it"
