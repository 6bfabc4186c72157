"""Acceptance: what the paired comparison alone decides, and what is left to the critic's judgement."""

from dataclasses import dataclass

from gome.state.parts import Comparison

CLEARLY_BETTER = 0.9
"""Share of paired resamples in which the candidate must win for the measurement alone to decide."""
CLEARLY_WORSE = 0.25
"""Below this share a tie-break on soundness is not worth the likely loss: not symmetric on purpose."""


@dataclass(frozen=True)
class Measured:
    """What the measurement says: `clear`ly better, or a `tie`, or neither: clearly worse."""

    clear: bool
    tie: bool


def measured_verdict(comparison: Comparison | None) -> Measured:
    """The verdict of the paired bootstrap; None, a trace's first valid solution, is clearly better than nothing."""
    if comparison is None:
        return Measured(clear=True, tie=False)
    p = comparison["p_better"]
    return Measured(clear=p >= CLEARLY_BETTER, tie=CLEARLY_WORSE <= p < CLEARLY_BETTER)


def reason_of(comparison: Comparison | None, measured: Measured, judgement: str) -> str:
    """The verdict's reason in one sentence; `judgement` is the critic's, which counts in a tie."""
    if comparison is None:
        return "first valid solution of the trace"
    figures = (
        f"gain {comparison['gain']:+.5g} ± {comparison['stderr']:.2g}, better in {comparison['p_better']:.0%}"
    )
    if measured.tie:
        return f"tie ({figures} of resamples), decided on soundness: {judgement}"
    return f"clearly {'better' if measured.clear else 'worse'} ({figures} of resamples)"
