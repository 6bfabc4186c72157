"""The diagnosis in words: what the evidence says of the incumbent, a sentence each, every one on a figure."""

from gome.offline.case import Case, tag_of
from gome.tools.wording import gain_words

SLOW_SHARE = 0.25
_PARTS = {"model": "the models", "data": "the data", "ensemble": "averaging", "workflow": "decisions"}


def diagnosis_sentences(case: Case, answer: str) -> list[str]:
    """Sentences from the general to the particular; `answer` names the challenge that is taken up first."""
    score = case.incumbent
    said = [
        f"The incumbent ({', '.join(sorted(case.families))}) scores {score['score']:.5g} ± {score['stderr']:.2g}."
    ]
    said += [*_gap(case), *_folds(case), *case.errors.sentences(), *_time(case), *_past(case)]
    return [*said, f"Most is expected from this: {answer}."]


def _gap(case: Case) -> list[str]:
    if case.gap is None:
        return []
    meaning = (
        "it learns its training rows by heart" if case.overfits else "bias rather than variance limits it"
    )
    return [f"Its own training and validation scores differ by {case.gap:.0%}: {meaning}."]


def _folds(case: Case) -> list[str]:
    folds = case.incumbent.get("folds") or []
    if len(folds) < 2 or max(folds) - min(folds) < 4 * case.stderr:
        return []
    return [
        f"Folds range from {min(folds):.5g} to {max(folds):.5g}: single gains below {case.stderr:.2g} are noise."
    ]


def _time(case: Case) -> list[str]:
    limit, seconds = (
        case.context["budget"]["program_time_limit_s"],
        float(case.incumbent.get("fold_seconds") or 0),
    )
    if seconds < SLOW_SHARE * limit:
        return []
    stages = (case.incumbent.get("facts") or {}).get("stages") or {}
    slowest = max(stages, key=lambda name: stages[name]) if stages else "one part"
    return [
        f"A run takes {seconds:.0f} of {limit:.0f} s, most of it in {slowest}: costly changes are out of reach."
    ]


def _past(case: Case) -> list[str]:
    history = [row for row in case.context.get("history", []) if row.get("gain") is not None]
    lost = [row for row in history if row["verdict"] != "accepted"]
    said = []
    if gained := [row for row in history if row["verdict"] == "accepted" and (row["gain"] or 0) > 0]:
        best = max(gained, key=lambda row: row["gain"] or 0.0)
        said.append(
            f"Most so far came from {tag_of(best['hypothesis']) or best['component']}: {gain_words(best['gain'])}."
        )
    if lost:
        tags = ", ".join(
            tag_of(row["hypothesis"]) or _PARTS.get(row["component"], "features") for row in lost
        )
        said.append(f"Without gain: {tags}.")
    return said
