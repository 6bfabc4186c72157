"""What stands beside a run's score, in words: the naive score, and the score on the rows that were kept aside."""

from gome.formatting import NONE, gain_words, is_number, score_only, score_text
from gome.run_folder import RunFolder
from gome.state.parts import Score
from gome.state.result import KeptAside
from gome.tools.records.naive_file import naive_line

WITHIN_NOISE_SE = 2.0
"""Standard errors within which two scores on different rows agree."""


def score_line(score: Score | None) -> str:
    """A score to the precision that its standard error allows; '–' where there is none."""
    return score_text(score["value"], score["stderr"]) if score else NONE


def naive_beside(naive: Score | None) -> str:
    """' (naive 4.18)', to stand behind a score; '' where there is no such score."""
    return f" (naive {score_only(naive['value'], naive['stderr'])})" if naive else ""


def naive_text(folder: RunFolder, score: Score | None) -> str:
    """What the best constant prediction scores on the search part, and how far `score` is from it; '' for a run that
    does not know."""
    if not folder.naive:
        return ""
    text = naive_line(str(folder.task.get("metric", "score")), folder.naive)
    naive = folder.naive.get("search")
    if not (naive and score and is_number(naive["value"]) and is_number(score["value"])):
        return text
    gain = gain_words(folder.sign * (score["value"] - naive["value"]), score["stderr"])
    return f"{text}; the best is {gain.partition(' ± ')[0]}"


def kept_aside_text(folder: RunFolder) -> str:
    """The score on the rows that Gome kept aside from one table, and what it is worth; '' where it kept none."""
    test = folder.result.get("test")
    if not test:
        return ""
    score = test["score"]
    said = f"{folder.task.get('metric', 'score')} {score_text(score['value'], score['stderr'])}"
    return f"{said}{naive_beside(test.get('naive'))}, on {worth_text(test)}"


def worth_text(test: KeptAside) -> str:
    """What the test score is worth beside the held-back one."""
    drift, why = test.get("drift_se"), f"{test.get('rows')} rows that no step and no choice has seen"
    if not is_number(drift):
        return why
    if abs(drift) < WITHIN_NOISE_SE:
        return f"{why}; it agrees with the held-back score"
    side = "better" if drift > 0 else "worse"
    return f"{why}; it is {abs(drift):.1f} standard errors {side} than the held-back score: trust this one"
