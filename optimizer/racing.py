"""Racing: a candidate that is plainly worse than the incumbent on the folds so far is not run on the others.

After each fold but the last the candidate is compared with the incumbent on the same rows. One hypothesis is tested, that
it is no worse, and only "worse" ends the race: nothing is accepted before all folds have run. As every look is another
chance to err, each spends its part of the whole error rate (alpha spending, Lan and DeMets 1983), equal parts, so that
their sum bounds the rate whatever the folds have to do with one another (Bonferroni). The gain over its bootstrapped
standard error is taken to have Student's distribution. What a fold's fit has of luck is not in that error.
"""

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
from scipy import stats

from gome.state.errors import GomeError
from gome.state.parts import Comparison, Evaluation, Race
from gome.tools.evaluation.bootstrap import FoldPredictions, compare
from gome.tools.evaluation.grading import aligned, measured, metric_of
from gome.tools.fold_race import Look
from gome.tools.services import RunServices

ERROR_RATE = 0.05
"""Share of programs exactly as good as the incumbent that may be stopped; of better ones it is less."""
RESAMPLES = 200


def plainly_worse(comparison: Comparison, folds: int, rows: int) -> bool:
    """Whether the comparison on `rows` rows of some of so many folds ends the race."""
    return comparison["stderr"] > 0 and comparison["gain"] / comparison["stderr"] < _bound(folds, rows)


def compared(services: RunServices, incumbent: Evaluation, candidate: Evaluation) -> Comparison:
    """Paired bootstrap of two graded programs: on all folds, or on those that the candidate had before a race ended; once
    variants were judged in this run on the rows that probes have locked, without these (`Comparison.unlocked`)."""
    ours, theirs = services.evaluator.predictions(incumbent), services.evaluator.predictions(candidate)
    same = ours[: len(theirs)] if candidate.get("race") else ours
    if not services.probes.judged:
        return compare(services.task, same, theirs, seed=services.config.seed)
    left = services.evaluator.locked.without
    found = compare(services.task, left(same), left(theirs), seed=services.config.seed)
    return {**found, "unlocked": True}


@lru_cache(maxsize=256)
def _bound(folds: int, rows: int) -> float:
    return float(stats.t.ppf(ERROR_RATE / (folds - 1), max(1, rows - 1)))


def race_against(services: RunServices, incumbent: str) -> Look | None:
    """Looks at a candidate's folds beside those of the incumbent, whose evaluation is the artifact `incumbent`. None
    where there is no race: folds that are windows of time are not alike, and claims are not of rows."""
    if not services.config.has("racing") or services.task.self_reported or services.task.time:
        return None
    task, seed = services.task, services.config.seed
    metric = metric_of(task)
    theirs: list[FoldPredictions] = []

    def value(folds: Sequence[FoldPredictions]) -> float:
        return float(np.mean([measured(metric, task, a, aligned(task, a, s)) for a, s in folds]))

    def look(candidate: Sequence[FoldPredictions], folds: int) -> Race | None:
        try:
            if not theirs:
                theirs.extend(services.evaluator.predictions(services.artifacts.get_json(incumbent)))
            same = theirs[: len(candidate)]
            if len(theirs) != folds:
                return None
            comparison = compare(task, same, list(candidate), seed=seed, resamples=RESAMPLES)
            if not plainly_worse(comparison, folds, sum(len(answers) for answers, _ in same)):
                return None
            return Race(folds=len(candidate), of=folds, candidate=value(candidate), incumbent=value(same))
        except (GomeError, OSError):  # the user's and the machine's
            raise
        except Exception:  # what a program wrote: all of it is graded at the end, where it is told
            return None

    return look
