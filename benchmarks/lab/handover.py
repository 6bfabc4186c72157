"""What a run would hand over: one program by its search score, by the selection part, or an ensemble."""

from collections.abc import Iterator, Sequence

from benchmarks.lab.world import World
from gome.agents.selector import ENSEMBLE_POOL
from gome.optimizer.ensemble import combine, combine_folds, greedy_ensemble
from gome.optimizer.selection import ENSEMBLE_ID, Candidate, preference
from gome.state.step import StepRecord
from gome.tools.evaluation.bootstrap import score
from gome.tools.evaluation.grading import grade
from gome.tools.records.best_first import BestFirst, one_each

FINALISTS = (1, 2, 3, 5, 8)


def handed_over(world: World, records: Sequence[StepRecord]) -> dict[str, float]:
    """The hidden worth of what each way to choose hands over; all of them by the predictions that the bank keeps."""
    accepted = BestFirst(world.task.direction, (r for r in records if r.accepted))
    best = {r.id: int(r.evaluation["facts"]["number"]) for r in one_each(accepted.all()) if r.evaluation}
    return {name: _worth(world, weights) for name, weights in _choices(world, best)}


def _choices(world: World, best: dict[str, int]) -> Iterator[tuple[str, dict[int, float]]]:
    """Each way to choose, and the weights of the programs that it chooses."""
    members = {name: world.predictions(number) for name, number in list(best.items())[:ENSEMBLE_POOL]}
    weights = greedy_ensemble(world.task, members, seed=0) if len(best) > 1 else {}
    for count in FINALISTS:
        pool = dict(list(best.items())[:count])
        singles = {name: _candidate(world, {name: number}, {name: 1.0}) for name, number in pool.items()}
        yield f"{count} by selection", {best[preference(world.task, singles, seed=0)[0]]: 1.0}
        if count < 2 or len(best) < 2:
            continue
        kept = sorted(weights, key=lambda name: -weights[name])[:count]
        shares = {name: weights[name] / sum(weights[k] for k in kept) for name in kept}
        together = {ENSEMBLE_ID: _candidate(world, best, shares)} if len(shares) > 1 else {}
        chosen = preference(world.task, {**singles, **together}, seed=0)[0]
        won = {best[k]: w for k, w in shares.items()} if chosen == ENSEMBLE_ID else {best[chosen]: 1.0}
        yield f"{count} or an ensemble", won


def _candidate(world: World, numbers: dict[str, int], weights: dict[str, float]) -> Candidate:
    search, selection = (
        combine_folds(
            world.task, [world.predictions(numbers[k], part) for k in weights], list(weights.values())
        )
        for part in ("search", "selection")
    )
    scores = [score(world.task, folds, seed=world.sample) for folds in (search, selection)]
    return Candidate(weights=weights, search=scores[0], selection=scores[1], folds=selection)


def _worth(world: World, weights: dict[int, float]) -> float:
    (answers, first), *others = (world.predictions(number, "hidden")[0] for number in weights)
    tables = [first, *(table for _, table in others)]
    whole = combine(world.task, tables, list(weights.values())) if others else first
    return float((world.sign * grade(world.task, whole, answers) - world.middle) / world.metric_unit)
