"""Momentum: which remembered steps a new hypothesis is shown, by similarity, path length and gain.

The kernel of the method (docs/method.md, "Momentum") with one change: the score difference is measured in units of the
incumbent's standard error, so that the same formula serves RMSE in thousands and AUC in thousandths.
"""

import math
from collections.abc import Sequence

import numpy as np

from gome.optimizer.tfidf import Similarity, cosine_tfidf
from gome.state.step import StepBrief

HALF_LIFE_STEPS = 30
CLAMP = 2.0
SAMPLED_PER_CANDIDATE = 2


def kernel_logits(similarity: np.ndarray, delta_se: np.ndarray, path_length: int) -> np.ndarray:
    """logit_ij = cos_ij * exp(-ln 2 / 30 * L) + tanh(delta_j), clamped to [-2, 2].

    `similarity` has shape (candidates, entries); `delta_se` (entries,) is the signed score difference of entry j to
    the path's incumbent in standard errors, positive is better.
    """
    decay = math.exp(-math.log(2) / HALF_LIFE_STEPS * path_length)
    return np.clip(similarity * decay + np.tanh(delta_se)[None, :], -CLAMP, CLAMP)


def deltas(entries: Sequence[StepBrief], incumbent: float | None, stderr: float, sign: int) -> np.ndarray:
    """Signed score differences (entries,) in standard errors; 0 where either side has no score."""
    scale = stderr if stderr > 0 else 1.0
    if incumbent is None:
        return np.zeros(len(entries))
    scores = np.array([incumbent if e["score"] is None else e["score"] for e in entries], dtype=float)
    return sign * (scores - incumbent) / scale


def recall(
    candidates: Sequence[str],
    entries: Sequence[StepBrief],
    *,
    incumbent: float | None,
    stderr: float,
    sign: int,
    path_length: int,
    rng: np.random.Generator,
    trace: int | None = None,
    similarity: Similarity = cosine_tfidf,
) -> list[StepBrief]:
    """Remembered steps to show beside `candidates`: the best accepted one, up to two sampled per candidate by the softmax
    of the kernel over accepted ones, and the nearest to each candidate of those that failed or were rejected: one of
    `trace` itself and one of the others, whose dead ends it has not seen. No duplicates; best first, ties to the more
    recent step. The best one has a score, if any has: entries of earlier runs, which have none, come after.
    """
    accepted = [e for e in entries if e["verdict"] == "accepted"]
    failed = [e for e in entries if e["verdict"] != "accepted"]
    chosen: dict[str, StepBrief] = {}
    if accepted:
        delta = deltas(accepted, incumbent, stderr, sign)
        best = accepted[_best(accepted, delta)]
        chosen[best["id"]] = best
        logits = kernel_logits(
            similarity(list(candidates), [e["hypothesis"] for e in accepted]), delta, path_length
        )
        for row in logits:
            weights = np.exp(row - row.max())
            count = min(SAMPLED_PER_CANDIDATE, len(accepted))
            for j in rng.choice(len(accepted), size=count, replace=False, p=weights / weights.sum()):
                chosen.setdefault(accepted[j]["id"], accepted[j])
    own = [e["trace"] == trace and "run" not in e for e in failed]
    for side in (True, False):
        chosen |= _nearest(
            candidates, [e for e, mine in zip(failed, own, strict=True) if mine is side], similarity
        )
    return sorted(
        chosen.values(), key=lambda e: (e["verdict"] != "accepted", -(e["gain_se"] or 0.0), -e["step"])
    )


def _nearest(
    candidates: Sequence[str], entries: Sequence[StepBrief], similarity: Similarity
) -> dict[str, StepBrief]:
    """The entry that is most like each candidate, by id; none for a candidate that none is like."""
    if not entries or not candidates:
        return {}
    near = similarity(list(candidates), [e["hypothesis"] for e in entries])
    places = [int(row.argmax()) for row in near if row.max() > 0]
    return {entries[j]["id"]: entries[j] for j in places}


def _best(entries: Sequence[StepBrief], delta: np.ndarray) -> int:
    """Where the best entry is: one with a score before those without, then by score, gain, and the more recent step."""
    scored = [e["score"] is not None for e in entries]
    gains, steps = [e["gain_se"] or 0.0 for e in entries], [e["step"] for e in entries]
    first = -np.arange(len(entries))
    return int(np.lexsort(np.array([first, steps, gains, delta, scored], dtype=float))[-1])
