"""The last choice: an ensemble from stored predictions, the finalists on the held-back part, the order of preference."""

import math
from functools import partial
from itertools import chain, repeat, takewhile
from typing import Any, Literal

from gome.agents.handover import Candidate, hand_over, unselected, write_result
from gome.agents.incumbent import ranked
from gome.state.errors import BudgetReached
from gome.state.records import Evaluation, Score, StepRecord
from gome.tools.bench import Bench
from gome.tools.evaluation.bootstrap import FoldPredictions, compare, score
from gome.tools.evaluation.ensemble import combine, greedy_ensemble
from gome.tools.parallel import in_parallel

ENSEMBLE_POOL = 8
ENSEMBLE_ID = "ensemble"
DRIFTED_SE = 3.0
"""Standard errors by which the chosen program may do worse on rows that no step was chosen by, before the run says so."""


def accepted_by_score(bench: Bench) -> list[StepRecord]:
    """Accepted steps of all traces, best search score first, one for each program."""
    return ranked(bench.history.records(), bench.sign)


def ensemble(bench: Bench) -> dict[str, float]:
    """Weights of the greedy ensemble of accepted programs on the search predictions; no model call, no training.

    At most `finalists` members, those with the largest weights: each is trained again for the selection and the end.
    """
    pool = accepted_by_score(bench)[:ENSEMBLE_POOL]
    bench.emit("ensemble", f"{len(pool)} accepted programs")
    if len(pool) < 2 or not bench.config.has("ensemble"):
        return {r["id"]: 1.0 for r in pool[:1]}
    members = {r["id"]: bench.evaluator.predictions(r["evaluation"]) for r in pool if r["evaluation"]}
    greedy = greedy_ensemble(bench.task, members, seed=bench.config.seed)
    kept = sorted(greedy, key=lambda k: -greedy[k])[: bench.config.finalists]
    weights = {k: greedy[k] / sum(greedy[k] for k in kept) for k in kept}
    bench.emit("ensemble", ", ".join(f"{k} × {w:.2f}" for k, w in weights.items()))
    return weights


def select(bench: Bench, weights: dict[str, float], ended: dict[str, str]) -> dict[str, Any]:
    """Re-run the finalists on the selection part, choose, fit on all of the data, and write the result.

    What the time that is left has no room for is left out: seeds, then finalists. `ended` says for each trace why it took
    no further step.
    """
    ranked = accepted_by_score(bench)
    programs = {r["id"]: r for r in ranked}
    finalists = list(dict.fromkeys([r["id"] for r in ranked[: bench.config.finalists]] + list(weights)))
    runs = _selection_runs(bench, [programs[i] for i in finalists])
    candidates = _candidates(bench, programs, weights, runs)
    order = [candidates[name] for name in _preference(bench, candidates)]
    order += [unselected(r) for r in ranked if r["id"] not in candidates]
    result = hand_over(bench, programs, order)
    result["finalists"] = [
        {"id": name, "search": c["search"], "selection": c["selection"], "drift_se": drift_se(bench.sign, c)}
        for name, c in candidates.items()
    ]
    result["problems"] += [line for c in order[:1] if (line := _drifted(bench, c))]
    return write_result(bench, {**result, "ended": ended})


def drift_se(sign: int, candidate: Candidate) -> float | None:
    """By how many standard errors the selection score is better than the search score (below 0: worse); None if one is
    missing. Better is usual: there the program has learned from more rows."""
    search, selection = candidate["search"], candidate["selection"]
    if search is None or selection is None:
        return None
    noise = math.hypot(search["stderr"], selection["stderr"])
    return sign * (selection["value"] - search["value"]) / noise if noise > 0 else None


def _drifted(bench: Bench, candidate: Candidate) -> str | None:
    drift = drift_se(bench.sign, candidate)
    if drift is None or drift > -DRIFTED_SE:
        return None
    return (
        f"the score of {', '.join(candidate['weights'])} is {-drift:.1f} standard errors worse on held-back rows than "
        "on the search part: the steps have fitted that, or the two are not alike"
    )


def _selection_runs(bench: Bench, finalists: list[StepRecord]) -> dict[str, list[Evaluation]]:
    """Each finalist on the selection part, seed by seed, as many at a time as there are slots.

    Finalists that fail with a seed are out. A seed for which the time did not suffice counts for none of them: all that
    are left have the same seeds. Of the first seed those count that come before the first without time: a program must
    not lose to one behind it only because it is slow.
    """
    kept: dict[str, list[Evaluation]] = {r["id"]: [] for r in finalists}
    for seed in range(bench.config.selection_seeds):
        going = [r for r in finalists if r["id"] in kept]
        run = partial(_selection_run, bench, seed=seed)
        done = in_parallel(run, going, bench.evaluator.scheduler.slots)
        if seed and None in done:
            break
        in_time = chain(takewhile(bool, done), repeat(None))
        for record, evaluation in zip(going, in_time, strict=False):
            if evaluation is not None and evaluation["status"] == "ok":
                kept[record["id"]].append(evaluation)
            else:
                del kept[record["id"]]
    return kept


def _selection_run(bench: Bench, record: StepRecord, *, seed: int) -> Evaluation | None:
    """One run on the selection part; None if there is no time for it."""
    program = bench.artifacts.get_text(str(record["code"]))
    bench.emit("select", f"{record['id']} on the selection part, seed {seed}")
    try:
        return bench.evaluator.evaluate(
            program, "selection", seed=seed, trace=record["trace"], step=record["step"]
        )
    except BudgetReached as reached:
        bench.emit("select", f"{record['id']}, seed {seed}: {reached}")
        return None


def _candidates(
    bench: Bench,
    programs: dict[str, StepRecord],
    weights: dict[str, float],
    runs: dict[str, list[Evaluation]],
) -> dict[str, Candidate]:
    """Singles and the ensemble: weights, search score, and selection score over folds × seeds."""
    found: dict[str, Candidate] = {}
    for name in runs:
        folds = [pair for e in runs[name] for pair in bench.evaluator.predictions(e)]
        evaluation = programs[name]["evaluation"]
        assert evaluation is not None
        found[name] = _candidate(bench, {name: 1.0}, evaluation["score"], folds)
    present = {k: w for k, w in weights.items() if k in runs}
    if len(present) > 1:
        search = _blend(bench, present, {k: [programs[k]["evaluation"]] for k in present})
        found[ENSEMBLE_ID] = _candidate(
            bench, present, score(bench.task, search, seed=bench.config.seed), _blend(bench, present, runs)
        )
    return found


def _candidate(
    bench: Bench, weights: dict[str, float], search: Score | None, folds: list[FoldPredictions]
) -> Candidate:
    selection = score(bench.task, folds, seed=bench.config.seed)
    return Candidate(weights=weights, search=search, selection=selection, folds=folds)


def _blend(bench: Bench, weights: dict[str, float], runs: dict[str, list[Any]]) -> list[FoldPredictions]:
    """The members' predictions combined, run by run (seed by seed) and fold by fold."""
    count = min(len(runs[k]) for k in weights)
    blended: list[FoldPredictions] = []
    for i in range(count):
        folds = {k: bench.evaluator.predictions(runs[k][i]) for k in weights}
        for parts in zip(*folds.values(), strict=True):
            combined = combine(bench.task, [submission for _, submission in parts], list(weights.values()))
            blended.append((parts[0][0], combined))
    return blended


def _preference(bench: Bench, candidates: dict[str, Candidate]) -> list[str]:
    """Candidates, preferred first: by selection score; within its noise of the best, the ensemble, then search score.

    The ensemble is preferred in a tie because averaging lowers the variance that a single split cannot show.
    """
    if not candidates:
        return []

    def badness(name: str, part: Literal["search", "selection"]) -> float:
        found = candidates[name][part]
        return -bench.sign * found["value"] if found else float("inf")

    by_selection = sorted(candidates, key=lambda k: badness(k, "selection"))
    best = candidates[by_selection[0]]
    tied = [k for k in by_selection if not _clearly_worse(bench, best["folds"], candidates[k]["folds"])]
    tied.sort(key=lambda k: (k != ENSEMBLE_ID, badness(k, "search")))
    return tied + [k for k in by_selection if k not in tied]


def _clearly_worse(bench: Bench, best: list[FoldPredictions], other: list[FoldPredictions]) -> bool:
    if len(best) != len(other):
        return True
    comparison = compare(bench.task, best, other, seed=bench.config.seed)
    return comparison["gain"] < -comparison["stderr"]
