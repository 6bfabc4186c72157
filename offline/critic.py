"""Judgement by rules: the measurement decides; a tie goes to the cheaper or the less overfitted program."""

from gome.offline.case import Case
from gome.state.plain import JsonObject
from gome.tools.wording import change_words, gain_words, readable, share_words

CHEAPER, DEARER = 0.6, 2.5  # wide: wall time is noisy where programs run side by side
AS_GOOD, LIKELY_BETTER = 0.4, 0.6
QUICK = 0.05  # of the program's time limit: below it, cost does not count


def judge(case: Case) -> JsonObject:
    """The reply to `judge`."""
    comparison, hypothesis = case.context.get("comparison"), case.context["hypothesis"]
    statement = readable(hypothesis["statement"]).rstrip(".")
    if comparison is None:
        score = case.context["candidate"]
        return _reply(
            True,
            "first valid program of the trace",
            f"The baseline scores {score['value']:.5g} ± {score['stderr']:.2g}; the next step starts from here.",
            f"{statement}: {case.metric} {score['value']:.5g}.",
        )
    scores = case.metric, case.incumbent.get("score"), case.context["candidate"].get("value")
    figures = change_words(*scores, comparison["gain"], comparison["stderr"])
    predicted = float(hypothesis.get("predicted_gain") or 0)
    confirmed = comparison["gain"] >= 0.5 * predicted and comparison["p_better"] > 0.8
    word = "confirmed" if confirmed else "not confirmed"
    feedback = f"{figures}; predicted was {gain_words(predicted)}: {word}. {_cost_line(case)}"
    if case.context.get("tie"):
        accept, reason = _settle(case)
    else:
        accept = bool(case.context.get("clearly_better"))
        reason = "the measurement decides"
    lesson = f"{statement}: {figures}, {'worth having' if accept else 'not worth its cost'} here."
    return _reply(accept, reason, feedback, lesson)


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


def _cost_line(case: Case) -> str:
    return f"It takes {_cost_ratio(case):.1f} times the time of the incumbent."


def _reply(accept: bool, reason: str, feedback: str, lesson: str) -> JsonObject:
    leakage = {"found": False, "severity": "none", "where": ""}
    return {"accept": accept, "reason": reason, "feedback": feedback, "lesson": lesson, "leakage": leakage}
