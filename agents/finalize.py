"""What the run hands over: the preferred candidate fitted on all of the data, or what stands already; the result."""

from pathlib import Path

from gome.agents.final_fit import FinalFit
from gome.optimizer.selection import Candidate, unselected
from gome.state.parts import Score, sign_of
from gome.state.result import Best, FirstDraft, KeptAside, Member, Result
from gome.state.step import StepRecord
from gome.tools.evaluation.kept_aside import grade_kept_aside
from gome.tools.evaluation.submission import check_submission
from gome.tools.provisional import write_solution
from gome.tools.records.by_step import first_draft
from gome.tools.records.jsonl import write_json
from gome.tools.records.naive_file import read_naive
from gome.tools.services import RunServices


def finalize(services: RunServices, programs: dict[str, StepRecord], order: list[Candidate]) -> Result:
    """Fit the first candidate of `order` on all of the data; if it fails or takes too long there, see `FinalFit`. When
    the time is up, the submission that stands is handed over. Returns the result, for `write_result`.
    """
    problems: list[str] = []
    if not order:
        records = services.history.records()
        last = f"; the last step {records[-1].verdict}: {records[-1].reason}" if records else ""
        problems.append(f"no program was accepted{last}")
    result = _fitted(services, programs, order, problems) or _provisional(services, order, problems)
    return _finish(services, result)


def _fitted(
    services: RunServices, programs: dict[str, StepRecord], order: list[Candidate], problems: list[str]
) -> Result | None:
    final = FinalFit(services, programs)
    fitted = final.first_of(order)
    problems += final.problems
    if fitted is None:
        return None
    weights = fitted.chosen["weights"]
    texts = {k: services.artifacts.get_text(str(programs[k].code)) for k in weights}
    path = write_solution(services.run_dir, services.task, texts, weights, fitted.submission)
    result = _result(services, programs, fitted.chosen, path, problems)
    if result["best"] and fitted.split != "final":
        result["best"]["fitted_on"] = fitted.split
    return result


def _provisional(services: RunServices, order: list[Candidate], problems: list[str]) -> Result:
    """The submission that was made while the run went on, if there is one."""
    stands = services.provisional.record()
    path = services.run_dir / "solution" / "submission.csv"
    if not path.is_file():
        return {"best": None, "submission": None, "submission_ok": False, "problems": problems}
    if stands is None:
        return _constant(services, path, problems)
    services.emit("final", f"the submission of {stands['id']}, made on the way, is handed over")
    records = {r.id: r for r in services.history.records()}
    known = next((c for c in order if list(c["weights"]) == [stands["id"]]), None)
    chosen = known or unselected(records[stands["id"]])
    return _result(services, records, chosen, path, problems)


def _constant(services: RunServices, path: Path, problems: list[str]) -> Result:
    """The constant prediction that has stood since the start: no program came to be better."""
    kept, notes = check_submission(path, services.evaluator.inputs.sample("final", 0), services.task)
    what, ok = read_naive(services.run_dir).get("what") or "the same for every row", kept is not None
    problems.append(f"the submission is a constant prediction ({what}), not that of a program")
    problems += [] if ok else notes
    return {"best": None, "submission": str(path), "submission_ok": ok, "problems": problems}


def _result(
    services: RunServices, programs: dict[str, StepRecord], chosen: Candidate, path: Path, problems: list[str]
) -> Result:
    weights = chosen["weights"]
    kept, notes = check_submission(path, services.evaluator.inputs.sample("final", 0), services.task)
    best = Best(
        kind="ensemble" if len(weights) > 1 else "single",
        members=[Member(id=k, code=programs[k].code, weight=w) for k, w in weights.items()],
        search=chosen["search"],
        selection=chosen["selection"],
    )
    ok = kept is not None
    return {"best": best, "submission": str(path), "submission_ok": ok, "problems": problems + notes}


def _finish(services: RunServices, result: Result) -> Result:
    records = services.history.records()
    best, path = result["best"], result["submission"]
    drafted = first_draft(records, sign_of(services.task.direction))
    return {
        **result,
        "handed_over": best["kind"] if best else "naive" if path else None,
        "self_reported": services.task.self_reported or None,
        "naive": read_naive(services.run_dir),
        "first_draft": FirstDraft(id=drafted.id, score=drafted.score) if drafted else None,
        "test": _test_score(services, Path(path), best["selection"] if best else None) if path else None,
        "accepted": sum(r.accepted for r in records),
        "steps": len(records),
        "usage": services.asker.journal.usage(),
        "seconds": round(services.clock.beat(), 1),
        "reasoner": reasoner_name(services.config.model),
    }


def _test_score(services: RunServices, submission: Path, held_back: Score | None) -> KeptAside | None:
    inputs, seed = services.evaluator.inputs, services.config.seed
    return grade_kept_aside(services.run_dir, services.task, inputs, submission, held_back, seed=seed)


def write_result(services: RunServices, result: Result) -> Result:
    """Write result.json: from then on the run is finished."""
    write_json(services.run_dir / "result.json", result)
    services.emit("done", "result written")
    return result


def reasoner_name(model: str) -> str:
    """How the reasoner is called wherever it is shown."""
    return "offline reasoner (rules, not a language model)" if model == "offline" else model
