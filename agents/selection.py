"""What the run hands over: an ensemble from stored predictions, finalists on the held-back part, the final fit."""

import shutil
from pathlib import Path
from typing import Any

import pandas as pd

from gome.agents.incumbent import ranked
from gome.state.records import Evaluation, Score, StepRecord
from gome.tools.bench import Bench
from gome.tools.data.tables import write_table
from gome.tools.evaluation.bootstrap import FoldPredictions, compare, score
from gome.tools.evaluation.ensemble import combine, greedy_ensemble
from gome.tools.evaluation.submission import check_submission
from gome.tools.parallel import in_parallel
from gome.tools.records.jsonl import write_json

ENSEMBLE_POOL = 8
ENSEMBLE_ID = "ensemble"


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

    `ended` says for each trace why it took no further step.
    """
    ranked = accepted_by_score(bench)
    programs = {r["id"]: r for r in ranked}
    finalists = list(dict.fromkeys([r["id"] for r in ranked[: bench.config.finalists]] + list(weights)))
    runs = _selection_runs(bench, [programs[i] for i in finalists])
    candidates = _candidates(bench, programs, weights, runs)
    order = _preference(bench, candidates)
    result = _final(bench, programs, candidates, order)
    result["finalists"] = [
        {"id": name, "search": c["search"], "selection": c["selection"]} for name, c in candidates.items()
    ]
    return _finish(bench, {**result, "ended": ended})


def _selection_runs(bench: Bench, finalists: list[StepRecord]) -> dict[str, list[Evaluation]]:
    """Each finalist on the selection part with each seed, side by side where slots are free; failed runs are left out,
    and a finalist without any other."""

    def run(job: tuple[StepRecord, int]) -> Evaluation:
        record, seed = job
        bench.emit("select", f"{record['id']} on the selection part, seed {seed}")
        program = bench.artifacts.get_text(str(record["code"]))
        return bench.evaluator.evaluate(
            program, "selection", seed=seed, trace=record["trace"], step=record["step"]
        )

    jobs = [(record, seed) for record in finalists for seed in range(bench.config.selection_seeds)]
    most, runs = bench.evaluator.scheduler.slots, dict[str, list[Evaluation]]()
    for (record, _), evaluation in zip(jobs, in_parallel(run, jobs, most), strict=True):
        if evaluation["status"] == "ok":
            runs.setdefault(record["id"], []).append(evaluation)
    return runs


def _candidates(
    bench: Bench,
    programs: dict[str, StepRecord],
    weights: dict[str, float],
    runs: dict[str, list[Evaluation]],
) -> dict[str, dict[str, Any]]:
    """Singles and the ensemble: weights, search score, and selection score over folds × seeds."""
    found: dict[str, dict[str, Any]] = {}
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
) -> dict[str, Any]:
    return {
        "weights": weights,
        "search": search,
        "selection": score(bench.task, folds, seed=bench.config.seed),
        "folds": folds,
    }


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


def _preference(bench: Bench, candidates: dict[str, dict[str, Any]]) -> list[str]:
    """Candidates, preferred first: by selection score; within its noise of the best, the ensemble, then search score.

    The ensemble is preferred in a tie because averaging lowers the variance that a single split cannot show.
    """
    if not candidates:
        return []
    sign = bench.sign
    by_selection = sorted(candidates, key=lambda k: -sign * candidates[k]["selection"]["value"])
    best = candidates[by_selection[0]]
    tied = [k for k in by_selection if not _clearly_worse(bench, best["folds"], candidates[k]["folds"])]
    tied.sort(key=lambda k: (k != ENSEMBLE_ID, -sign * candidates[k]["search"]["value"]))
    return tied + [k for k in by_selection if k not in tied]


def _clearly_worse(bench: Bench, best: list[FoldPredictions], other: list[FoldPredictions]) -> bool:
    if len(best) != len(other):
        return True
    comparison = compare(bench.task, best, other, seed=bench.config.seed)
    return comparison["gain"] < -comparison["stderr"]


def _final(
    bench: Bench, programs: dict[str, StepRecord], candidates: dict[str, dict[str, Any]], order: list[str]
) -> dict[str, Any]:
    """Fit the preferred candidate on all of the data; if it fails there, the next one, down to the last."""
    problems: list[str] = []
    if not candidates:
        problems.append("no accepted program ran on the selection part")
    for name in order:
        chosen = candidates[name]
        bench.emit("final", f"fitting {name} on all of the data")
        submission = _final_submission(bench, programs, chosen["weights"], problems)
        if submission is None:
            continue
        path = _write_solution(bench, programs, chosen["weights"], submission)
        kept, notes = check_submission(path, bench.evaluator.inputs.sample("final", 0), bench.task)
        members = [{"id": k, "code": programs[k]["code"], "weight": w} for k, w in chosen["weights"].items()]
        best = {
            "kind": "ensemble" if len(members) > 1 else "single",
            "members": members,
            "search": chosen["search"],
            "selection": chosen["selection"],
        }
        ok = kept is not None
        return {"best": best, "submission": str(path), "submission_ok": ok, "problems": problems + notes}
    return {"best": None, "submission": None, "submission_ok": False, "problems": problems}


def _final_submission(
    bench: Bench, programs: dict[str, StepRecord], weights: dict[str, float], problems: list[str]
) -> pd.DataFrame | None:
    def fit(name: str) -> Evaluation:
        record = programs[name]
        program = bench.artifacts.get_text(str(record["code"]))
        return bench.evaluator.evaluate(program, "final", trace=record["trace"], step=record["step"])

    fits = in_parallel(fit, weights, bench.evaluator.scheduler.slots)
    for name, evaluation in zip(weights, fits, strict=True):
        if evaluation["status"] != "ok":
            problems.append(f"{name} failed on all of the data: {evaluation['problems'][0]}")
            return None
    parts = [bench.evaluator.submission(evaluation) for evaluation in fits]
    return parts[0] if len(parts) == 1 else combine(bench.task, parts, list(weights.values()))


def _write_solution(
    bench: Bench, programs: dict[str, StepRecord], weights: dict[str, float], submission: pd.DataFrame
) -> Path:
    folder = bench.run_dir / "solution"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    leading = max(weights, key=lambda k: weights[k])
    (folder / "main.py").write_text(bench.artifacts.get_text(str(programs[leading]["code"])))
    if len(weights) > 1:
        (folder / "members").mkdir()
        for name in weights:
            member = folder / "members" / f"{name.replace(':', '-')}.py"
            member.write_text(bench.artifacts.get_text(str(programs[name]["code"])))
        write_json(folder / "weights.json", {name.replace(":", "-"): w for name, w in weights.items()})
    path = folder / "submission.csv"
    write_table(submission, path)
    return path


def _finish(bench: Bench, result: dict[str, Any]) -> dict[str, Any]:
    records = bench.history.records()
    result = {
        **result,
        "accepted": sum(r["verdict"] == "accepted" for r in records),
        "steps": len(records),
        "usage": bench.asker.journal.usage(),
        "seconds": round(bench.clock.beat(), 1),
        "reasoner": reasoner_name(bench.config.model),
    }
    write_json(bench.run_dir / "result.json", result)
    bench.emit("done", "result written")
    return result


def reasoner_name(model: str) -> str:
    """How the reasoner is called wherever it is shown."""
    return "offline reasoner (rules, not a language model)" if model == "offline" else model
