"""Judgement by rules: the measurement decides; a tie goes to the candidate, unless it takes much longer.

A trace that moves among programs of which none is better for sure finds more than one that stays (benchmarks/lab, "ties
from 0.25"); what is handed over is chosen among all that were accepted.
"""

from gome.offline.case import Case
from gome.state.plain import JsonObject

DEARER = 2.5  # wide: wall time is noisy where programs run side by side
QUICK = 0.05  # of the program's time limit: below it, cost does not count


def judge(case: Case) -> JsonObject:
    """The reply to `judge`."""
    if case.context.get("tie"):
        accept, reason = _settle(case)
    else:
        accept, reason = bool(case.context.get("clearly_better")), "the measurement decides"
    leakage = {"found": False, "severity": "none", "where": ""}
    return {"accept": accept, "reason": reason, "leakage": leakage}


def _settle(case: Case) -> tuple[bool, str]:
    """A tie: accept what is quick or does not cost much more."""
    ratio = _cost_ratio(case)
    if ratio <= DEARER or _is_quick(case):
        return True, f"not worse for sure, at {ratio:.1f} times the time"
    return False, f"not better for sure, at {ratio:.1f} times the time: the incumbent stays"


def _cost_ratio(case: Case) -> float:
    before = float(case.incumbent.get("fold_seconds") or 1.0)
    return float(case.context["candidate"]["fold_seconds"]) / max(before, 0.1)


def _is_quick(case: Case) -> bool:
    limit = float(case.context["budget"]["program_time_limit_s"])
    return float(case.context["candidate"]["fold_seconds"]) < QUICK * limit
