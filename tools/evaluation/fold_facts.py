"""What the runs of one program on all folds say together: means, what differs between folds, and what one alone said."""

from collections.abc import Callable, Sequence
from typing import Any, Literal

import pandas as pd

from gome.state.parts import Evaluation, Race, Status, is_number
from gome.state.plain import JsonObject
from gome.state.task import Task
from gome.tools.evaluation.submission import check_submission
from gome.tools.execution.exit_status import failure_line, gpu_peak_mb, status_of
from gome.tools.execution.job import Outcome
from gome.tools.execution.program_log import parse_log
from gome.tools.records.results import FoldResult

MOST_NOTES = 40
_SUMMED_UP = ("stages", "notes", "importance")


def fold_result(
    outcome: Outcome, status: Status, problems: list[str], log: str, facts: JsonObject
) -> FoldResult:
    """What results/ keeps of a run beside its predictions; `log` is an artifact reference."""
    return {
        "status": status,
        "problems": problems,
        "log": log,
        "seconds": round(outcome.seconds, 3),
        "cpu_seconds": None if outcome.cpu_seconds is None else round(outcome.cpu_seconds, 2),
        "peak_mb": round(outcome.peak_mb, 1),
        "gpu_peak_mb": gpu_peak_mb(outcome, facts),
        "facts": facts,
    }


def graded_run(
    outcome: Outcome, sample: Callable[[], pd.DataFrame], task: Task, log: str
) -> tuple[FoldResult, pd.DataFrame | None]:
    """The result of a run whose `log` is kept, and its predictions in the order of `sample()` if they are valid."""
    facts = parse_log(outcome.log)
    status, problems, frame = status_of(outcome), [], None
    if status != "ok":
        problems = [failure_line(outcome, facts)]
    elif outcome.submission is None:
        status, problems = "format", ["the program ended without writing submission.csv as a plain file"]
    else:
        frame, problems = check_submission(outcome.submission, sample(), task)
        status = "ok" if frame is not None else "format"
    return fold_result(outcome, status, problems, log, facts), frame


def evaluation_of_folds(
    name: str, split: str, seed: int, results: Sequence[FoldResult], race: Race | None
) -> Evaluation:
    """What the runs on the folds come to, without predictions and score; of a failure, the last one, what it said."""
    last = results[-1]
    told = results if last["status"] == "ok" else [last]
    return Evaluation(
        key=name,
        split=split,
        seed=seed,
        status=last["status"],
        score=None,
        problems=list(dict.fromkeys(p for r in results for p in r["problems"])),
        log=last["log"],
        predictions=None,
        seconds=sum(r["seconds"] for r in results),
        fold_seconds=_mean_of(told, "seconds") or 0.0,
        fold_cpu_seconds=_mean_of(told, "cpu_seconds"),
        peak_mb=max(r["peak_mb"] for r in results),
        gpu_peak_mb=max((mb for r in results if (mb := r.get("gpu_peak_mb")) is not None), default=None),
        facts=facts_of_folds([r["facts"] for r in told]),
        race=race,
    )


def _mean_of(results: Sequence[FoldResult], name: Literal["seconds", "cpu_seconds"]) -> float | None:
    """The mean over the runs that know it, None if none does."""
    known = [value for r in results if (value := r.get(name)) is not None]
    return round(sum(known) / len(known), 3) if known else None


def facts_of_folds(rows: Sequence[JsonObject]) -> JsonObject:
    """The facts of one program's folds, `rows` in their order, merged so that the merge can be seen.

    folds: how many there are, where they are several. Numbers are the mean over the folds that said them; by_fold =
    {key: one value a fold, null where it said none} where they differ. stages, importance: means over folds, an
    importance that a fold did not print counts as 0 there. notes: those of one fold begin with its number. All else is
    of the last fold that said it; of_last_fold names what other folds said otherwise, or not at all.
    """
    if len(rows) < 2:
        return dict(rows[0]) if rows else {}
    merged: JsonObject = {"folds": len(rows)}
    by_fold: dict[str, list[float | None]] = {}
    last: list[str] = []
    for key in dict.fromkeys(key for row in rows for key in row if key not in _SUMMED_UP):
        values = [row.get(key) for row in rows]
        known = [value for value in values if value is not None]
        if all(map(is_number, known)):
            merged[key] = sum(known) / len(known)
            if any(value != values[0] for value in values):
                by_fold[key] = values
        else:
            merged[key] = known[-1]
            if any(value != known[-1] for value in values):
                last.append(key)
    merged |= _together(rows)
    return merged | ({"by_fold": by_fold} if by_fold else {}) | ({"of_last_fold": last} if last else {})


def _together(rows: Sequence[JsonObject]) -> JsonObject:
    """What is put together by its parts: times, importances and notes."""
    times = [row["stages"] for row in rows if row.get("stages")]
    used = [row["importance"] for row in rows if isinstance(row.get("importance"), dict)]
    found: JsonObject = {
        "stages": {name: round(value, 3) for name, value in _means(times, absent=False).items()},
        "importance": _means(used, absent=True),
        "notes": _notes([row.get("notes", []) for row in rows]),
    }
    return {key: value for key, value in found.items() if value}


def _means(rows: Sequence[JsonObject], *, absent: bool) -> dict[str, float]:
    """The mean of each name's numbers; a row without it counts as 0 if `absent`, else not."""
    names = dict.fromkeys(name for row in rows for name in row)
    values = {name: [row[name] for row in rows if is_number(row.get(name))] for name in names}
    return {name: sum(v) / (len(rows) if absent else len(v)) for name, v in values.items() if v}


def _notes(folds: Sequence[Sequence[Any]]) -> list[str]:
    """Each note once: as it is if every fold has it, else behind the numbers (from 1) of those that have."""
    where: dict[str, list[int]] = {}
    for number, notes in enumerate(folds, start=1):
        for note in dict.fromkeys(map(str, notes)):
            where.setdefault(note, []).append(number)
    lines = [note if len(at) == len(folds) else f"{_places(at)}: {note}" for note, at in where.items()]
    left = len(lines) - MOST_NOTES
    return [*lines[:MOST_NOTES], f"[{left} more notes left out]"] if left > 0 else lines


def _places(numbers: Sequence[int]) -> str:
    return f"fold{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
