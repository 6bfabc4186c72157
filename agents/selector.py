"""The last choice: an ensemble from stored predictions, the finalists on the held-back part, the order of preference."""

import time
from collections.abc import Sequence
from itertools import chain, islice, product, repeat, takewhile
from statistics import median
from typing import Any

from gome.agents.finalize import finalize, write_result
from gome.optimizer.ensemble import combine_folds, greedy_ensemble
from gome.optimizer.ranking import accepted_by_score
from gome.optimizer.selection import ENSEMBLE_ID, Candidate, drift_line, drift_se, preference, unselected
from gome.state.errors import BudgetReached
from gome.state.parts import Evaluation, Score
from gome.state.result import Result
from gome.state.step import StepRecord
from gome.tools.evaluation.bootstrap import FoldPredictions, score
from gome.tools.parallel import in_parallel
from gome.tools.services import RunServices

ENSEMBLE_POOL = 8
LAST_STEPS = 10
"""By these the time of another step is told."""


def ensemble(services: RunServices) -> dict[str, float]:
    """The weights of the ensemble, told to whoever watches."""
    pool = list(islice(accepted_by_score(services), ENSEMBLE_POOL))
    services.emit("ensemble", f"{len(pool)} accepted programs")
    weights = _noted_weights(services, pool)
    services.emit("ensemble", ", ".join(f"{k} × {w:.2f}" for k, w in weights.items()))
    return weights


def renew_ensemble(services: RunServices, accepted: StepRecord) -> None:
    """Count on the ensemble as it is with one more accepted program, if that is good enough to be asked for it."""
    pool = list(islice(accepted_by_score(services), ENSEMBLE_POOL))
    if any(r.id == accepted.id for r in pool):
        _noted_weights(services, pool)


def _noted_weights(services: RunServices, pool: Sequence[StepRecord]) -> dict[str, float]:
    """The weights of the ensemble of `pool`, best first; the budget learns which programs the end has to fit for it, and
    how long it took to find out. The pool is read once: a sibling may record the same program meanwhile."""
    began = time.monotonic()
    weights = _weights(services, pool)
    programs = {r.id: r for r in pool}
    members = {evaluation["key"].split("-")[0] for k in weights if (evaluation := programs[k].evaluation)}
    services.budget.note_ensemble(members, time.monotonic() - began)
    return weights


def _weights(services: RunServices, pool: Sequence[StepRecord]) -> dict[str, float]:
    """Weights of the greedy ensemble of accepted programs, `pool`, on the search predictions; no model call, no training.

    At most `finalists` members, those with the largest weights: each is trained again for the selection and the end.
    """
    if len(pool) < 2 or not services.config.has("ensemble") or services.task.self_reported:
        return {r.id: 1.0 for r in pool[:1]}
    members = {r.id: services.evaluator.predictions(r.evaluation) for r in pool if r.evaluation}
    greedy = greedy_ensemble(services.task, members, seed=services.config.seed)
    kept = sorted(greedy, key=lambda k: -greedy[k])[: services.config.finalists]
    return {k: greedy[k] / sum(greedy[k] for k in kept) for k in kept}


def select(
    services: RunServices, weights: dict[str, float], ended: dict[str, str], *, may_go_on: bool = False
) -> Result | None:
    """Re-run the finalists on the selection part, choose, fit on all of the data, and write the result.

    What the time that is left has no room for is left out: seeds, then finalists. `ended` says for each trace why it took
    no further step. None, if the search `may_go_on` and the runs left over time for another step: what they found is
    kept, and no choice is made by it before the search has ended for good. Of programs that report their own scores, the
    one that says most of itself is handed over.
    """
    ranked = list(accepted_by_score(services))
    programs = {r.id: r for r in ranked}
    finalists = list(dict.fromkeys([r.id for r in ranked[: services.config.finalists]] + list(weights)))
    runs = _selection_runs(services, [] if services.task.self_reported else [programs[i] for i in finalists])
    if may_go_on and time_for_a_step(services):
        return None
    candidates = _candidates(services, programs, weights, runs)
    order = [candidates[name] for name in preference(services.task, candidates, seed=services.config.seed)]
    order += [unselected(r) for r in ranked if r.id not in candidates]
    result = finalize(services, programs, order)
    result["finalists"] = [
        {
            "id": name,
            "search": c["search"],
            "selection": c["selection"],
            "drift_se": drift_se(services.task.direction, c),
        }
        for name, c in candidates.items()
    ]
    result["problems"] += [line for c in order[:1] if (line := drift_line(services.task.direction, c))]
    return write_result(services, {**result, "ended": ended})


def time_for_a_step(services: RunServices) -> bool:
    """Whether the time beyond what the end still needs holds another step, as long as the last ones took."""
    steps = [r.seconds for r in services.history.records()[-LAST_STEPS:]]
    return bool(steps) and services.budget.search_seconds_left() > median(steps)


def _selection_runs(services: RunServices, finalists: list[StepRecord]) -> dict[str, list[Evaluation]]:
    """Each finalist on the selection part with each seed, the first seed first, as many at a time as there are slots.

    Finalists that fail with a seed are out. A seed for which the time did not suffice counts for none of them: all that
    are left have the same seeds. Of the first seed those count that come before the first without time: a program must
    not lose to one behind it only because it is slow.
    """
    kept: dict[str, list[Evaluation]] = {r.id: [] for r in finalists}
    seeds = range(services.config.selection_seeds)

    def run(place: tuple[int, StepRecord]) -> Evaluation | None:
        return _selection_run(services, place[1], seed=place[0])

    places = list(product(seeds, finalists))
    all_done = in_parallel(run, places, services.evaluator.scheduler.slots)
    found = {(seed, r.id): evaluation for (seed, r), evaluation in zip(places, all_done, strict=True)}
    for seed in seeds:
        going = [r for r in finalists if r.id in kept]
        done = [found[seed, r.id] for r in going]
        if seed and None in done:
            break
        in_time = chain(takewhile(bool, done), repeat(None))
        for record, evaluation in zip(going, in_time, strict=False):
            if evaluation is not None and evaluation["status"] == "ok":
                kept[record.id].append(evaluation)
            else:
                del kept[record.id]
    return kept


def _selection_run(services: RunServices, record: StepRecord, *, seed: int) -> Evaluation | None:
    """One run on the selection part; None if there is no time for it."""
    program = services.artifacts.get_text(str(record.code))
    services.emit("select", f"{record.id} on the selection part, seed {seed}")
    try:
        return services.evaluator.evaluate(
            program, "selection", seed=seed, trace=record.trace, step=record.step
        )
    except BudgetReached as reached:
        services.emit("select", f"{record.id}, seed {seed}: {reached}")
        return None


def _candidates(
    services: RunServices,
    programs: dict[str, StepRecord],
    weights: dict[str, float],
    runs: dict[str, list[Evaluation]],
) -> dict[str, Candidate]:
    """Singles and the ensemble: weights, search score, and selection score over folds × seeds."""
    found: dict[str, Candidate] = {}
    for name in runs:
        folds = [pair for e in runs[name] for pair in services.evaluator.predictions(e)]
        found[name] = _candidate(services, {name: 1.0}, programs[name].score, folds)
    present = {k: w for k, w in weights.items() if k in runs}
    if len(present) > 1:
        search = _blend(services, present, {k: [programs[k].evaluation] for k in present})
        found[ENSEMBLE_ID] = _candidate(
            services,
            present,
            score(services.task, search, seed=services.config.seed),
            _blend(services, present, runs),
        )
    return found


def _candidate(
    services: RunServices, weights: dict[str, float], search: Score | None, folds: list[FoldPredictions]
) -> Candidate:
    selection = score(services.task, folds, seed=services.config.seed)
    return Candidate(weights=weights, search=search, selection=selection, folds=folds)


def _blend(
    services: RunServices, weights: dict[str, float], runs: dict[str, list[Any]]
) -> list[FoldPredictions]:
    """The members' predictions combined, run by run (seed by seed) and fold by fold."""
    count = min(len(runs[k]) for k in weights)
    members = [[services.evaluator.predictions(e) for e in runs[k][:count]] for k in weights]
    return combine_folds(services.task, [list(chain(*folds)) for folds in members], list(weights.values()))
