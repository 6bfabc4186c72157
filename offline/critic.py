"""Judgement by rules: the measurement decides; a tie goes to the cheaper program, or the one that is likely better."""

from gome.offline.case import Case
from gome.state.plain import JsonObject
from gome.tools.wording import share_words

CHEAPER, DEARER = 0.6, 2.5  # wide: wall time is noisy where programs run side by side
AS_GOOD, LIKELY_BETTER = 0.4, 0.6
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
    """A tie: accept what costs less, or what is likely better and is quick or does not cost much more."""
    ratio = _cost_ratio(case)
    likely = case.context["comparison"]["p_better"]
    if ratio <= CHEAPER and likely >= AS_GOOD:
        return True, f"as good and takes {ratio:.0%} of the time"
    if likely >= LIKELY_BETTER and (ratio <= DEARER or _is_quick(case)):
        return True, f"better in {share_words(likely)} of resamples at {ratio:.1f} times the time"
    return (
        False,
        f"better in only {share_words(likely)} of resamples at {ratio:.1f} times the time: the incumbent stays",
    )


def _cost_ratio(case: Case) -> float:
    before = float(case.incumbent.get("fold_seconds") or 1.0)
    return float(case.context["candidate"]["fold_seconds"]) / max(before, 0.1)


def _is_quick(case: Case) -> bool:
    limit = float(case.context["budget"]["program_time_limit_s"])
    return float(case.context["candidate"]["fold_seconds"]) < QUICK * limit
