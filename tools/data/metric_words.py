"""A metric read out of a description in words. What is not said plainly is not read: then the user is asked.

A sentence counts if it says that submissions are judged, names one metric that the registry has, and says nothing that
would make another metric of it: "weighted AUC" and "the log of the MAE" are not AUC and MAE.
"""

import re
from dataclasses import dataclass

from gome.state.errors import GomeError
from gome.tools.evaluation.metrics import get

# Phrases -> names in the registry; '' for what the registry has not, or what the phrase does not say exactly enough; with
# '?' an example of how it is written once weights, groups or bounds are known.
# At each place the longest phrase counts: "root mean squared error" is not the "mean squared error" in it.
_PHRASES = (
    (r"mean average precision (?:@|at) ?(?:k ?= ?)?(\d+)|map ?@ ?(\d+)", "map@{}"),
    (
        r"mean average precision(?: ?(?:@|at) ?k)?|map ?@ ?k|lrap|label[- ]ranking average precision",
        "",
    ),
    (r"label[- ]weighted label[- ]ranking average precision|l[wω]l?rap", "lwlrap"),
    (r"kullback[- ]leibler divergence|kl[- ]divergence", "kl_divergence"),
    (r"(?:probabilistic f[-_ ]?1|pf[-_ ]?1)(?:[- ]scores?)?", "pf1"),
    (r"mean angular error", "angular_error"),
    (r"(?:mean )?levenshtein (?:edit )?distances?", "levenshtein"),
    (r"word[- ]level jaccard(?: (?:score|similarity|index))?", "word_jaccard"),
    (r"dice(?: (?:coefficient|score))?", "?dice"),
    (r"balanced log(?:arithmic)?[- ]?loss", "balanced_log_loss"),
    (
        r"weighted (?:(?:multi[- ]?(?:label|class)|binary) )?(?:log(?:arithmic)?[- ]?loss|cross[- ]entropy(?: loss)?)",
        "?weighted_log_loss@2,1,1",
    ),
    (r"weighted (?:roc[- ]?)?auc", "?weighted_auc@0.4=2,1=1"),
    (
        r"(?:pascal voc(?: \d{4})? )?mean average precision(?: \(map\))?,? (?:at|over|across|for) "
        r"(?:(?:different|several|various|an?|the) )?(?:intersection[- ]over[- ]union|iou)",
        "?box_map@0.5-0.95",
    ),
    (r"(?:mean )?(?:auc|auroc) (?:per|within each|of each) \w+", "?group_auc@COLUMN"),
    (
        r"kendall(?:'?s)? tau(?:[- ]b)?(?: rank)?(?: correlation)?(?: coefficient)?",
        "?kendall or kendall_order",
    ),
    (r"(?:generalized mean of the )?(?:bias|subgroup) aucs?", "?bias_auc@COLUMN,COLUMN"),
    (r"log(?:arithm)? of (?:the )?mean absolute error", "?log_mae@COLUMN"),
    (r"(?:(?:modified|version of) (?:the )?)?laplace log[- ]likelihood", "?laplace@70,1000"),
    (r"(?:normalized discounted cumulative gain|ndcg) ?(?:@|at) ?(?:k ?= ?)?(\d+)", "ndcg@{}"),
    (r"(?:normalized )?discounted cumulative gain|n?dcg", ""),
    (r"recall ?@ ?(\d+)", "recall@{}"),
    (r"quadratic(?:ally)? weighted kappa|qwk", "qwk"),
    (r"(?:cohen'?s )?(?:linear(?:ly)? )?(?:weighted )?kappa", ""),
    (
        r"(?:(?:mean )?column[- ]?wise )?(?:(?:roc|receiver operating characteristic)[- ]?)?(?:auc|auroc)(?:[- ]roc)?"
        r"(?: scores?)?",
        "auc",
    ),
    (r"average of the individual aucs of each (?:predicted )?column", "auc"),
    (
        r"area under (?:the )?(?:curve|roc|receiver operating characteristic)(?: ?\(?roc\)?)?(?: curve)?",
        "auc",
    ),
    (
        r"area under (?:the )?(?:precision[- ]recall|pr)(?: curve)?|pr[- ]?auc|auc[- ]?pr|auprc|"
        r"precision[- ]recall curve",
        "",
    ),
    (r"average precision(?: score)?", "average_precision"),
    (r"root[- ]mean[- ]squared?[- ]log(?:arithmic)?[- ]error|rmsle", "rmsle"),
    (
        r"(?:root )?mean squared? (?:percentage|relative|scaled) error|rmspe|rmsse|wrmsse|msle|"
        r"mean squared log(?:arithmic)? error",
        "",
    ),
    (
        r"(?:mean )?(?:column[- ]?wise )?(?:multi[- ]?class |binary |categorical )?"
        r"(?:log(?:arithmic)?[- ]?loss|cross[- ]entropy(?: loss)?)",
        "log_loss",
    ),
    (
        r"(?:mean column[- ]?wise )?root[- ]mean(?:ed)?[- ]squared?[- ]?(?:error|deviation)|mcrmse|rmse|rmsd",
        "rmse",
    ),
    (r"mean[- ]squared?[- ]error|mse", "mse"),
    (r"symmetric mean absolute percentage error|smape", "smape"),
    (r"mean absolute percentage error|mape", "mape"),
    (r"mean absolute scaled error|mase|wmae|weighted mean absolute error|huber(?: loss)?", ""),
    (r"(?:mean column[- ]?wise )?mean[- ]absolute[- ]error|mae", "mae"),
    (r"median absolute error|medae", "medae"),
    (r"macro(?:[- ]averaged)? f[-_ ]?1(?:[- ]scores?)?|f[-_ ]?1[- ]macro", "f1_macro"),
    (r"micro(?:[- ]averaged)? f[-_ ]?1(?:[- ]scores?)?|f[-_ ]?1[- ]micro", "f1_micro"),
    (r"(?:sample[- ]averaged|samples) f[-_ ]?1(?:[- ]scores?)?", "f1_samples"),
    (r"f[-_ ]?1(?:[- ]scores?)?", "f1"),
    (r"f[-_ ]?(?:beta ?= ?)?(0?\.5|2)(?:[- ]scores?)?", "fbeta@{}"),
    (r"(?:mean )?f[-_ ]?(?:beta|measure|score)", ""),
    (r"matthew'?s?'? correlation(?: coefficient)?|mcc", "mcc"),
    (r"balanced accuracy(?: score)?", "balanced_accuracy"),
    (
        r"(?:multi[- ]?class )?(?:classification|categorization|categorisation|prediction)? ?accuracy(?: score)?",
        "accuracy",
    ),
    (r"coefficient of determination|r[- ]?squared|r(?:\^|\*\*)?2(?: score)?", "r2"),
    (
        r"(?:mean column[- ]?wise )?spearman(?:'?s)?(?: rank)?(?:[- ]order)?(?: correlation)?(?: coefficient)?",
        "spearman",
    ),
    (r"pearson(?:'?s)?(?: product[- ]moment)?(?: correlation)?(?: coefficient)?", "pearson"),
    (r"normalized gini(?: coefficient| index)?", "gini_normalized"),
    (r"gini(?: coefficient| index)?", ""),
    (r"brier(?: score)?", "brier"),
    (
        r"intersection[- ]over[- ]union|iou|jaccard|dice|levenshtein|edit distance|word error rate|bleu|rouge|"
        r"perplexity|kullback|kl[- ]divergence|hamming|concordance|c-index|mean reciprocal rank|mrr|crps|"
        r"continuous ranked probability|pinball|quantile loss|sharpe|likelihood|hausdorff|error rate|misclassification|"
        r"hit rate|top[- ]?\d+ (?:accuracy|error)|skill score|cosine|ssim|psnr|precision ?@|correlation",
        "",
    ),
)
_WHOLE = [(re.compile(rf"(?<![\w@])(?:{words})(?:s\b)?(?!\w)"), name) for words, name in _PHRASES]

_JUDGING = re.compile(
    r"\b(?:evaluat\w+|scored?|scores|scoring|judged|graded|measured|assessed|ranked|metrics?|criteri(?:on|a)|leaderboard)\b"
)
# What makes another metric of the one that is named, in the same sentence.
_QUALIFIER = re.compile(
    r"\b(?:(?:re|un)?weight(?:s|ed|ing)?|log(?:arithms?)?|ln|log1p|thresholds?|normali[sz]ed|(?:re)?scaled|standardi[sz]ed|"
    r"modified|modification|variant|variation|version|custom|adjusted|adapted|adaptation|averag(?:e|es|ed|ing)|means?|median|"
    r"sums?|summed|plus|minus|times|multiplied|divided|ratio|product|combin(?:ed|ation|ing)|blend(?:ed)?|penal\w+|bonus|"
    r"partial|truncated|capped|clipped|trimmed|squared?|root|harmonic|geometric|exponential|negat\w+|inverse|relative|"
    r"improvement|per|within|top|first|only|except|excluding|ignoring|instead|similar|like|(?:sub)?groups?|bias|macro|micro|"
    r"bootstrap\w*|composite|hierarchical|nested|both|either|cost|profit|during|phases?|(?:for|of|in|by|on) each|"
    r"\w+ (?:different|various|several|multiple)|"
    r"(?:over|on|for) (?:the |those |all )?\w+ (?:with|where|whose|in which|that have))\b"
    r"|\d ?[-*+/×x] ?[a-zµ(]|[a-zµ)] ?[*×+/] ?\d|µ ?- ?\d"
)
# What makes another metric of it in whatever sentence of the section it stands.
_ANYWHERE = re.compile(
    r"\b(?:weighted|final score|total score|overall score|penalty|penali[sz]\w+|modified|variant of|custom metric|"
    r"(?:averaged|averaging|average|mean) (?:over|across|of)|thresholds?|subgroups?|weights)\b|"
    r"\b(?:not|only)\b[^.]*\b(?:scored|evaluated|graded|counted)\b"
)
_OURS = re.compile(
    r"\b(?:submissions?|predictions?|entr(?:y|ies)|competition|challenge|task|your?|participants?|teams?|metric)\b"
)
# What may stand between "evaluated on" and the metric without making another one of it.
_PLAIN = re.compile(
    r"an?|the|is|are|was|be|by|based|on|of|in|to|for|with|from|at|as|its|their|this|that|these|and|or|which|we|you|will|i\.?e\.?|"
    r"following|standard|common|usual|simple|ordinary|single|overall|basis|according|terms|called|known|namely|"
    r"evaluation|evaluated|metric|scored?|judged|graded|measured?|assessed|ranked|determined|function|loss|error|task|"
    r"competition|binary|multi-?class|classification|regression|comparing|compared|between|against|predicted|actual|"
    r"observed|true|ground|truth|targets?|values?|labels?|probabilit(?:y|ies)|predictions?|submissions?|public|private|test|set"
)
_SECTION = {"evaluation", "metric", "metrics", "scoring", "judging"}
_BESIDE = re.compile(r"criteri(?:a|on)|the|and|of|how|goal|submissions?|details|\d+")


@dataclass(frozen=True)
class Reading:
    """What a description says of the metric: its name in the registry and the sentence; without a name, the doubt."""

    metric: str
    sentence: str = ""
    doubt: str = ""


def read_metric(description: str) -> Reading:
    """The metric that `description` (Markdown) names plainly; with an empty name where it does not, and why."""
    section = _evaluation_section(description)
    lines = _sentences(section if section is not None else description)
    if section is not None and (bare := _bare_name(lines)):
        return bare
    judging = [
        (line, found)
        for line in lines
        if _JUDGING.search(line.lower())
        and (section is not None or _OURS.search(line.lower()))
        and (found := _named(line.lower()))
    ]
    if not judging and section is not None:
        judging = [(line, found) for line in lines[:1] if (found := _named(line.lower())) and not _verb(line)]
    if not judging:
        return Reading("", doubt="no known metric is named in a sentence on how submissions are judged")
    said = judging[0][0]
    for line, found in judging:
        if doubt := _doubt(line.lower(), found):
            return Reading("", line, doubt)
    names = {name for _, found in judging for _, _, name in found}
    if len(names) > 1:
        return Reading("", said, f"several metrics are named ({', '.join(sorted(names))})")
    if section is not None and (other := _said_elsewhere(lines, judging, names)):
        return Reading("", other[0], other[1])
    return Reading(names.pop(), said)


def _evaluation_section(description: str) -> str | None:
    """The text below the heading that is about evaluation, its parts on the form of a submission left out; None if there
    is no such heading. A heading that merely holds such a word ("Credit scoring") is another one."""
    kept: list[str] = []
    inside = level = 0
    fenced = False
    for line in description.splitlines():
        fenced ^= line.lstrip().startswith("```")
        heading = None if fenced else re.match(r"(#+)\s*(.+?)\s*#*$", line)
        if heading is None:
            kept += [line] if inside == 1 else []
            continue
        depth, words = len(heading[1]), re.findall(r"[a-z0-9]+", heading[2].lower())
        if set(words) & _SECTION and all(w in _SECTION or _BESIDE.fullmatch(w) for w in words):
            inside, level = 1, depth
        elif inside and depth <= level:
            if kept:
                break
            inside = 0
        elif inside:
            inside = 2  # a part of it: the form of a submission, prizes, dates
    return "\n".join(kept) if "".join(kept).strip() else None


def _sentences(text: str) -> list[str]:
    """Sentences in plain words: no formulas, code, tables, links or emphasis."""
    text = re.sub(r"```.*?```|\$\$.*?\$\$|\\\[.*?\\\]|\\\(.*?\\\)|\$[^$\n]*\$", " ", text, flags=re.S)
    text = re.sub(r"!\[[^\]]*\]\([^)]*\)", " ", text)
    text = re.sub(r"\[([^\]]*)\]\([^)]*\)|<[^>\n]+>", r"\1", text)
    text = re.sub(r"\\?[*_`]{1,3}(?=\S)|(?<=\S)\\?[*_`]{1,3}", "", text)
    text = re.sub(r"[\u2018\u2019]", "'", re.sub(r"[\u2010-\u2014\u2212]", "-", text)).replace("²", "2")
    blocks = re.split(r"\n\s*\n|\n(?=\s*(?:[-*+]|\d+[.)])\s)|\n(?=#)", text)
    plain = (" ".join(block.split()) for block in blocks if not re.match(r"\s*\|", block))
    # a full stop ends a sentence only before a capital: "i.e. the", "0.5" go on
    return [s for block in plain for s in re.split(r"(?<=[.!?])\s+(?=[A-Z(\"'])", block.lstrip("-+# ")) if s]


def _bare_name(lines: list[str]) -> Reading | None:
    """A section that is a metric's name and nothing else."""
    if len(lines) != 1:
        return None
    name = re.sub(r"^metric\s*[:=]\s*", "", lines[0].strip(" .:"), flags=re.I)
    try:
        return Reading(get(name).name, lines[0]) if ":" not in name else None
    except GomeError:
        return None


def _verb(line: str) -> bool:
    return bool(re.search(r"\b(?:is|are|was|were|will|we|you|must|should)\b", line.lower()))


def _named(text: str) -> list[tuple[int, int, str]]:
    """(start, end, name) of what phrases of the table say, in order; at each place the longest."""
    found = [
        (m.start(), m.end(), name.format(next((g for g in m.groups() if g), "")))
        for words, name in _WHOLE
        for m in words.finditer(text)
    ]
    chosen: list[tuple[int, int, str]] = []
    for start, end, name in sorted(found, key=lambda f: (f[0], -f[1], f[2] != "")):
        if not chosen or start >= chosen[-1][1]:
            chosen.append((start, end, name))
    return chosen


def _doubt(text: str, found: list[tuple[int, int, str]]) -> str:
    """Why a sentence does not say plainly what it seems to; '' if it does."""
    for start, end, name in found:
        if name.startswith("?"):
            return f"{text[start:end]!r} may be {name[1:]}, with the numbers or columns that are meant"
        if not name:
            return f"{text[start:end]!r} is not said exactly enough, or no metric that is built in"
    rest = text
    for start, end, _ in found:
        rest = rest[:start] + "µ" * (end - start) + rest[end:]
    if qualifier := _QUALIFIER.search(rest):
        return f"{qualifier[0].strip()!r} may make another metric of it"
    start = found[0][0]
    before = re.split(r"\b(?:is|are|on|by|using|uses?|with|via|through|be|being)\b|[:=(\"]", text[:start])[-1]
    odd = [word for word in re.findall(r"[a-z][a-z'.-]*|\d\S*", before) if not _PLAIN.fullmatch(word)]
    if odd:
        return f"{' '.join(odd)!r} may make another metric of it"
    return ""


def _said_elsewhere(
    lines: list[str], judging: list[tuple[str, list[tuple[int, int, str]]]], names: set[str]
) -> tuple[str, str] | None:
    """A sentence of the section that makes another metric of what was read, and why."""
    known = {line for line, _ in judging}
    for line in lines:
        text = line.lower()
        for start, end, _ in reversed(_named(text)):
            text = text[:start] + " " * (end - start) + text[end:]
        if found := _ANYWHERE.search(text):
            return line, f"{found[0]!r} may make another metric of it"
        others = {name.strip("?") for _, _, name in _named(line.lower())} - names - {"", "accuracy"}
        if line not in known and others:
            return line, f"{', '.join(sorted(others))} is named as well"
    return None
