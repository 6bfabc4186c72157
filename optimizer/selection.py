"""The last choice among finalists: by the rows that no step was chosen by, noise counted."""

from collections.abc import Mapping
from typing import Literal

from typing_extensions import TypedDict

from gome.state.parts import Score, sign_of
from gome.state.step import StepRecord
from gome.state.task import Direction, Task
from gome.tools.evaluation.bootstrap import FoldPredictions, compare, drift_between

ENSEMBLE_ID = "ensemble"
DRIFTED_SE = 3.0
"""Standard errors by which the chosen program may do worse on rows that no step was chosen by, before the run says so."""


class Candidate(TypedDict):
    """What may be handed over: one program or several with weights, its scores, and its predictions on the selection
    part; without a selection score it was not run there."""

    weights: dict[str, float]
    search: Score | None
    selection: Score | None
    folds: list[FoldPredictions]


def unselected(record: StepRecord) -> Candidate:
    """An accepted program without a selection score, for when nothing better can be handed over."""
    return Candidate(weights={record.id: 1.0}, search=record.score, selection=None, folds=[])


def preference(task: Task, candidates: Mapping[str, Candidate], *, seed: int) -> list[str]:
    """Candidates, preferred first: by selection score; within its noise of the best, the ensemble, then search score.

    The ensemble is preferred in a tie because averaging lowers the variance that a single split cannot show.
    """
    if not candidates:
        return []

    def badness(name: str, part: Literal["search", "selection"]) -> float:
        found = candidates[name][part]
        return -sign_of(task.direction) * found["value"] if found else float("inf")

    by_selection = sorted(candidates, key=lambda k: badness(k, "selection"))
    best = candidates[by_selection[0]]
    tied = [k for k in by_selection if not clearly_worse(task, best, candidates[k], seed=seed)]
    tied.sort(key=lambda k: (k != ENSEMBLE_ID, badness(k, "search")))
    return tied + [k for k in by_selection if k not in tied]


def clearly_worse(task: Task, best: Candidate, other: Candidate, *, seed: int) -> bool:
    """Whether the other one does worse than the best on the selection part by more than noise, or was not run there as
    often, or neither was."""
    if not best["folds"] or len(best["folds"]) != len(other["folds"]):
        return True
    comparison = compare(task, best["folds"], other["folds"], seed=seed)
    return comparison["gain"] < -comparison["stderr"]


def drift_se(direction: Direction, candidate: Candidate) -> float | None:
    """By how many standard errors the selection score is better than the search score (below 0: worse); None if one is
    missing. Better is usual: there the program has learned from more rows."""
    return drift_between(direction, candidate["search"], candidate["selection"])


def drift_line(direction: Direction, candidate: Candidate) -> str | None:
    """The line that warns of a score that does not hold on rows that no step was chosen by; None if it holds."""
    drift = drift_se(direction, candidate)
    if drift is None or drift > -DRIFTED_SE:
        return None
    return (
        f"the score of {', '.join(candidate['weights'])} is {-drift:.1f} standard errors worse on held-back rows than "
        "on the search part: the steps have fitted that, or the two are not alike"
    )
