"""Medals by a leaderboard, as MLE-bench gives them: ranks by the number of teams, thresholds that count as reached."""

from collections.abc import Mapping, Sequence
from statistics import median

from gome.state.competition import Medal

MEDALS: tuple[Medal, ...] = ("gold", "silver", "bronze")


def medal_ranks(teams: int) -> dict[Medal, int]:
    """The last rank, from 1, that each medal goes to among so many teams (at least 1)."""
    tenth, fifth, two_fifths = (max(1, int(teams * share)) for share in (0.1, 0.2, 0.4))
    few = 10 + int(teams * 0.002)
    if teams < 100:
        return {"gold": tenth, "silver": fifth, "bronze": two_fifths}
    if teams < 250:
        return {"gold": 10, "silver": fifth, "bronze": two_fifths}
    if teams < 1000:
        return {"gold": few, "silver": 50, "bronze": 100}
    return {"gold": few, "silver": int(teams * 0.05), "bronze": tenth}


def lower_is_better(scores: Sequence[float]) -> bool:
    """Whether the first of a leaderboard's scores is below its last."""
    return scores[0] < scores[-1]


def thresholds(scores: Sequence[float]) -> dict[Medal, float]:
    """The score that reaches each medal; `scores` of a leaderboard from the best team to the last."""
    return {medal: float(scores[rank - 1]) for medal, rank in medal_ranks(len(scores)).items()}


def medal_of(score: float, needed: Mapping[Medal, float], *, lower: bool) -> Medal | None:
    """The best medal whose threshold is reached."""
    return next((m for m in MEDALS if (score <= needed[m] if lower else score >= needed[m])), None)


def above_median(score: float, scores: Sequence[float], *, lower: bool) -> bool:
    """Whether a score is better than the median team's, not just as good."""
    middle = median(scores)
    return score < middle if lower else score > middle
