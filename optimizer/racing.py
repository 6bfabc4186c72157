"""Racing: a candidate that is plainly worse than the incumbent on the folds so far is not run on the others.

After each fold but the last the candidate is compared with the incumbent on the same rows. One hypothesis is tested, that
it is no worse, and only "worse" ends the race: nothing is accepted before all folds have run. As every look is another
chance to err, the level of each is such that all together err at the whole rate (group sequential test, Pocock 1977), by
a test that few, skewed and discrete rows do not mislead (`sequential_test`). What a fold's fit has of luck is not in it.
"""

from collections.abc import Sequence

import numpy as np

from gome.optimizer.sequential_test import chance_of_no_loss, level_of_a_look, most_gain
from gome.state.errors import GomeError
from gome.state.parts import Comparison, Evaluation, Race
from gome.tools.evaluation.bootstrap import FoldPredictions, compare
from gome.tools.evaluation.grading import aligned, measured, metric_of
from gome.tools.evaluation.unit_gains import PairedUnits, UnitGains
from gome.tools.fold_race import Look
from gome.tools.services import RunServices

ERROR_RATE = 0.05
"""Share of programs exactly as good as the incumbent that may be stopped; of better ones it is less."""


def plainly_worse(found: UnitGains | None, folds: int) -> bool:
    """Whether what single rows of some of so many folds have gained ends the race."""
    if found is None:
        return False
    most = most_gain(found.gains, found.room, found.whole_room)
    return chance_of_no_loss(found.gains, most) < level_of_a_look(ERROR_RATE, folds - 1)


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


def race_against(services: RunServices, incumbent: str) -> Look | None:
    """Looks at a candidate's folds beside those of the incumbent, whose evaluation is the artifact `incumbent`. None
    where there is no race: folds that are windows of time are not alike, and claims are not of rows."""
    if not services.config.has("racing") or services.task.self_reported or services.task.time:
        return None
    task, metric = services.task, metric_of(services.task)
    theirs: list[FoldPredictions] = []
    paired: list[PairedUnits] = []

    def value(folds: Sequence[FoldPredictions]) -> float:
        return float(np.mean([measured(metric, task, a, aligned(task, a, s)) for a, s in folds]))

    def look(candidate: Sequence[FoldPredictions], folds: int) -> Race | None:
        try:
            if not theirs:
                theirs.extend(services.evaluator.predictions(services.artifacts.get_json(incumbent)))
                paired.append(PairedUnits(task, theirs, seed=services.config.seed))
            if len(theirs) != folds or not plainly_worse(paired[0].of(candidate), folds):
                return None
            same = value(theirs[: len(candidate)])
            return Race(folds=len(candidate), of=folds, candidate=value(candidate), incumbent=same)
        except (GomeError, OSError):  # the user's and the machine's
            raise
        except Exception:  # what a program wrote: all of it is graded at the end, where it is told
            return None

    return look
