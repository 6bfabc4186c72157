"""The last choice: an ensemble from stored predictions, the finalists on the held-back part, the order of preference."""

import math
from functools import partial
from itertools import chain, repeat, takewhile
from typing import Any, Literal

from gome.agents.finalize import Candidate, finalize, unselected, write_result
from gome.optimizer.ensemble import combine, greedy_ensemble
from gome.optimizer.incumbent import ranked
from gome.state.errors import BudgetReached
from gome.state.step import Evaluation, Score, StepRecord
from gome.tools.evaluation.bootstrap import FoldPredictions, compare, score
from gome.tools.parallel import in_parallel
from gome.tools.services import RunServices

ENSEMBLE_POOL = 8
ENSEMBLE_ID = "ensemble"
DRIFTED_SE = 3.0
"""Standard errors by which the chosen program may do worse on rows that no step was chosen by, before the run says so."""


def accepted_by_score(services: RunServices) -> list[StepRecord]:
    """Accepted steps of all traces, best search score first, one for each program."""
    return ranked(services.history.records(), services.sign)


def ensemble(services: RunServices) -> dict[str, float]:
    """Weights of the greedy ensemble of accepted programs on the search predictions; no model call, no training.

    At most `finalists` members, those with the largest weights: each is trained again for the selection and the end.
    """
    pool = accepted_by_score(services)[:ENSEMBLE_POOL]
    services.emit("ensemble", f"{len(pool)} accepted programs")
    if len(pool) < 2 or not services.config.has("ensemble"):
        return {r["id"]: 1.0 for r in pool[:1]}
    members = {r["id"]: services.evaluator.predictions(r["evaluation"]) for r in pool if r["evaluation"]}
    greedy = greedy_ensemble(services.task, members, seed=services.config.seed)
    kept = sorted(greedy, key=lambda k: -greedy[k])[: services.config.finalists]
    weights = {k: greedy[k] / sum(greedy[k] for k in kept) for k in kept}
    services.emit("ensemble", ", ".join(f"{k} × {w:.2f}" for k, w in weights.items()))
    return weights


def select(services: RunServices, weights: dict[str, float], ended: dict[str, str]) -> dict[str, Any]:
    """Re-run the finalists on the selection part, choose, fit on all of the data, and write the result.

    What the time that is left has no room for is left out: seeds, then finalists. `ended` says for each trace why it took
    no further step.
    """
    ranked = accepted_by_score(services)
    programs = {r["id"]: r for r in ranked}
    finalists = list(dict.fromkeys([r["id"] for r in ranked[: services.config.finalists]] + list(weights)))
    runs = _selection_runs(services, [programs[i] for i in finalists])
    candidates = _candidates(services, programs, weights, runs)
    order = [candidates[name] for name in _preference(services, candidates)]
    order += [unselected(r) for r in ranked if r["id"] not in candidates]
    result = finalize(services, programs, order)
    result["finalists"] = [
        {
            "id": name,
            "search": c["search"],
            "selection": c["selection"],
            "drift_se": drift_se(services.sign, c),
        }
        for name, c in candidates.items()
    ]
    result["problems"] += [line for c in order[:1] if (line := _drifted(services, c))]
    return write_result(services, {**result, "ended": ended})


def drift_se(sign: int, candidate: Candidate) -> float | None:
    """By how many standard errors the selection score is better than the search score (below 0: worse); None if one is
    missing. Better is usual: there the program has learned from more rows."""
    search, selection = candidate["search"], candidate["selection"]
    if search is None or selection is None:
        return None
    noise = math.hypot(search["stderr"], selection["stderr"])
    return sign * (selection["value"] - search["value"]) / noise if noise > 0 else None


def _drifted(services: RunServices, candidate: Candidate) -> str | None:
    drift = drift_se(services.sign, candidate)
    if drift is None or drift > -DRIFTED_SE:
        return None
    return (
        f"the score of {', '.join(candidate['weights'])} is {-drift:.1f} standard errors worse on held-back rows than "
        "on the search part: the steps have fitted that, or the two are not alike"
    )


def _selection_runs(services: RunServices, finalists: list[StepRecord]) -> dict[str, list[Evaluation]]:
    """Each finalist on the selection part, seed by seed, as many at a time as there are slots.

    Finalists that fail with a seed are out. A seed for which the time did not suffice counts for none of them: all that
    are left have the same seeds. Of the first seed those count that come before the first without time: a program must
    not lose to one behind it only because it is slow.
    """
    kept: dict[str, list[Evaluation]] = {r["id"]: [] for r in finalists}
    for seed in range(services.config.selection_seeds):
        going = [r for r in finalists if r["id"] in kept]
        run = partial(_selection_run, services, seed=seed)
        done = in_parallel(run, going, services.evaluator.scheduler.slots)
        if seed and None in done:
            break
        in_time = chain(takewhile(bool, done), repeat(None))
        for record, evaluation in zip(going, in_time, strict=False):
            if evaluation is not None and evaluation["status"] == "ok":
                kept[record["id"]].append(evaluation)
            else:
                del kept[record["id"]]
    return kept


def _selection_run(services: RunServices, record: StepRecord, *, seed: int) -> Evaluation | None:
    """One run on the selection part; None if there is no time for it."""
    program = services.artifacts.get_text(str(record["code"]))
    services.emit("select", f"{record['id']} on the selection part, seed {seed}")
    try:
        return services.evaluator.evaluate(
            program, "selection", seed=seed, trace=record["trace"], step=record["step"]
        )
    except BudgetReached as reached:
        services.emit("select", f"{record['id']}, seed {seed}: {reached}")
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
        evaluation = programs[name]["evaluation"]
        assert evaluation is not None
        found[name] = _candidate(services, {name: 1.0}, evaluation["score"], folds)
    present = {k: w for k, w in weights.items() if k in runs}
    if len(present) > 1:
        search = _blend(services, present, {k: [programs[k]["evaluation"]] for k in present})
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
    blended: list[FoldPredictions] = []
    for i in range(count):
        folds = {k: services.evaluator.predictions(runs[k][i]) for k in weights}
        for parts in zip(*folds.values(), strict=True):
            combined = combine(services.task, [submission for _, submission in parts], list(weights.values()))
            blended.append((parts[0][0], combined))
    return blended


def _preference(services: RunServices, candidates: dict[str, Candidate]) -> list[str]:
    """Candidates, preferred first: by selection score; within its noise of the best, the ensemble, then search score.

    The ensemble is preferred in a tie because averaging lowers the variance that a single split cannot show.
    """
    if not candidates:
        return []

    def badness(name: str, part: Literal["search", "selection"]) -> float:
        found = candidates[name][part]
        return -services.sign * found["value"] if found else float("inf")

    by_selection = sorted(candidates, key=lambda k: badness(k, "selection"))
    best = candidates[by_selection[0]]
    tied = [k for k in by_selection if not _clearly_worse(services, best["folds"], candidates[k]["folds"])]
    tied.sort(key=lambda k: (k != ENSEMBLE_ID, badness(k, "search")))
    return tied + [k for k in by_selection if k not in tied]


def _clearly_worse(services: RunServices, best: list[FoldPredictions], other: list[FoldPredictions]) -> bool:
    if len(best) != len(other):
        return True
    comparison = compare(services.task, best, other, seed=services.config.seed)
    return comparison["gain"] < -comparison["stderr"]
