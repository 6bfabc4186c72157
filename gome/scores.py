"""What stands beside a run's score, in words: the naive score, and the score on the rows that were kept aside."""

from collections.abc import Mapping
from typing import Any

from gome.formatting import gain_words, is_number, score_only, score_text
from gome.run_folder import RunFolder
from gome.tools.records.naive_file import naive_line

WITHIN_NOISE_SE = 2.0
"""Standard errors within which two scores on different rows agree."""


def naive_beside(naive: Mapping[str, Any] | None) -> str:
    """' (naive 4.18)', to stand behind a score; '' where there is no such score."""
    return f" (naive {score_only(naive.get('value'), naive.get('stderr'))})" if naive else ""


def naive_text(folder: RunFolder, score: Mapping[str, Any]) -> str:
    """What the best constant prediction scores on the search part, and how far `score` is from it; '' for a run that
    does not know."""
    if not folder.naive:
        return ""
    text = naive_line(str(folder.task.get("metric", "score")), folder.naive)
    naive = folder.naive.get("search") or {}
    if not (is_number(naive.get("value")) and is_number(score.get("value"))):
        return text
    gain = gain_words(folder.sign * (score["value"] - naive["value"]), score.get("stderr"))
    return f"{text}; the best is {gain.partition(' ± ')[0]}"


def kept_aside_text(folder: RunFolder) -> str:
    """The score on the rows that Gome kept aside from one table, and what it is worth; '' where it kept none."""
    test = folder.result.get("test")
    if not test:
        return ""
    score = test.get("score") or {}
    said = f"{folder.task.get('metric', 'score')} {score_text(score.get('value'), score.get('stderr'))}"
    return f"{said}{naive_beside(test.get('naive'))}, on {worth_text(test)}"


def worth_text(test: Mapping[str, Any]) -> str:
    """What the test score is worth beside the held-back one."""
    drift, why = test.get("drift_se"), f"{test.get('rows')} rows that no step and no choice has seen"
    if not is_number(drift):
        return why
    if abs(drift) < WITHIN_NOISE_SE:
        return f"{why}; it agrees with the held-back score"
    side = "better" if drift > 0 else "worse"
    return f"{why}; it is {abs(drift):.1f} standard errors {side} than the held-back score: trust this one"
