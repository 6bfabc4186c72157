"""Changes on the columns of tables: encodings, derived columns, joins, what is left out."""

import re
from dataclasses import replace
from itertools import combinations, permutations

from gome.offline.case import Case
from gome.offline.changes import Change, about, fixed, names, setting
from gome.offline.recipe import BOOSTERS
from gome.state.profile import ColumnProfile, TableProfile

MANY_LEVELS, SKEWED, DRIFTED, LONGEST_CODE, MOST_JOINED = 15, 1.0, 0.3, 60, 200_000
_CODE = re.compile(r"[A-Za-z]+[\W_]*\d|\w+\. ")
_SMOOTH = {"linear", "mlp", "knn", "svm"}


def _wide_categories(case: Case) -> list[str]:
    return [c["name"] for c in case.columns("category") if (c.get("unique") or 0) > MANY_LEVELS]


def _skewed(case: Case) -> list[str]:
    return [
        c["name"]
        for c in case.columns("number", "integer")
        if abs(c.get("skew") or 0) > SKEWED and "count" not in c
    ]


def _drifting(case: Case) -> tuple[str, ...]:
    return tuple(
        c["name"] for c in case.columns("number", "integer", "category") if (c.get("drift") or 0) > DRIFTED
    )


def _codes(case: Case) -> tuple[str, ...]:
    """String columns of short values such as 'C85', 'A/5 21171' or 'Braund, Mr. Owen', few of them alike."""
    return tuple(
        c["name"]
        for c in case.columns("category", "text")
        if "count" not in c and (c.get("unique") or 0) > MANY_LEVELS and _coded(c)
    )[:4]


def _coded(column: ColumnProfile) -> bool:
    values = [str(v) for v in column.get("examples") or [t[0] for t in column.get("top", [])]]
    return bool(values) and all(len(v) <= LONGEST_CODE and _CODE.search(v) for v in values)


def _leading(case: Case, *kinds: str) -> list[str]:
    """Columns of these kinds: those on which the errors are worst, then the ones the program uses most, then the rest."""
    plain = [c["name"] for c in case.columns(*kinds) if "count" not in c]
    ahead = [*case.errors.weak_columns, *case.importance]
    return list(dict.fromkeys([*(name for name in ahead if name in plain), *plain]))


def _said(case: Case, words: str) -> bool:
    """Whether these words stand in the hypothesis; while none is chosen yet, everything may be said."""
    return not case.statement or words in case.statement


def _interaction_words(a: str, op: str, b: str) -> str:
    return f"`{a}` {op} `{b}`"


def _interactions(case: Case) -> tuple[tuple[str, str, str], ...]:
    """Product and ratio of the three leading numbers' first pairs, or those that the hypothesis names."""
    leading = _leading(case, "number", "integer")
    top = leading if case.statement else leading[:3]
    triples = [(a, op, b) for a, b in permutations(top, 2) for op in ("*", "/")]
    if case.statement:
        return tuple(t for t in triples if _interaction_words(*t) in case.statement)
    return tuple((a, op, b) for a, b in list(combinations(top, 2))[:2] for op in ("*", "/"))


def _group_words(group: str, number: str) -> str:
    return f"`{number}` by `{group}`"


def _group_stats(case: Case) -> tuple[tuple[str, str], ...]:
    """The two leading categories times the two leading numbers, or the pairs that the hypothesis names."""
    groups, numbers = _leading(case, "category"), _leading(case, "number", "integer")
    if not case.statement:
        groups, numbers = groups[:2], numbers[:2]
    return tuple((g, n) for g in groups for n in numbers if _said(case, _group_words(g, n)))


def _weak(case: Case, *kinds: str) -> list[str]:
    names_of_kind = {c["name"] for c in case.columns(*kinds)}
    return [name for name in case.errors.weak_columns if name in names_of_kind]


def _joins(case: Case) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """Other tables with a key that the train table has too, the ones that bring the most columns first."""
    found, own = [], {c["name"] for c in case.data.get("columns", [])}
    for table in case.data.get("tables", []):
        keys = _keys(case, table)
        brings = len(set(table["columns"]) - own)
        if keys and brings and (table["rows"] or MOST_JOINED) < MOST_JOINED:
            found.append((brings, (table["name"], keys)))
    return tuple(join for _, join in sorted(found, key=lambda item: -item[0])[:2])


def _keys(case: Case, table: TableProfile) -> tuple[str, ...]:
    """The one shared column whose levels are about as many as the table has rows, else all shared columns.

    A name alone is no proof: `year` may be a year of flight here and a year of construction there.
    """
    own = {c["name"]: c for c in case.data.get("columns", []) if "count" not in c}
    shared = [c for c in table["columns"] if c in own and c != case.task["id"]]
    rows = table["rows"] or 0
    alone = [c for c in shared if 0.3 * rows <= (own[c].get("unique") or 0) <= 3 * rows]
    words = [c for c in alone if own[c]["kind"] in ("category", "text", "id")]
    return (*(words or alone)[:1],) or tuple(shared)


def _seen_apart(case: Case, *kinds: str) -> str:
    """Why columns of these kinds deserve more: the errors are worst on them, or else the program uses them most."""
    if weak := [part for part in case.errors.slices if part["column"] in _weak(case, *kinds)]:
        part = weak[0]
        return f"errors are largest where {part['column']} is {part['slice']} (z {part['z']}), seen by itself so far"
    return f"the program uses {', '.join(_leading(case, *kinds)[:3])} most, each by itself"


def _gappy(case: Case) -> list[str]:
    return [c["name"] for c in case.columns("number", "integer") if (c.get("missing") or 0) > 0.02]


COLUMN_CHANGES: tuple[Change, ...] = (
    Change(
        tag="target-means",
        component="features",
        source="scenario",
        challenge="categories with many levels",
        why=lambda case: f"{', '.join(_wide_categories(case)[:4])} have more than {MANY_LEVELS} levels each",
        statement=fixed("Encode categories by their out-of-fold smoothed target mean"),
        fits=lambda case, r: bool(_wide_categories(case)) and r.categories != "target",
        apply=setting(categories="target"),
        gain=lambda case: 1.4 if set(_weak(case, "category")) & set(_wide_categories(case)) else 0.9,
    ),
    Change(
        tag="native-categories",
        component="features",
        source="scenario",
        challenge="codes of categories have no order",
        why=lambda case: f"{names(case, 'category')} are coded as numbers, and splits by order mean little",
        statement=fixed("Let the boosted trees split categories by sets of levels"),
        fits=lambda case, r: (
            bool(case.columns("category"))
            and bool(case.families & set(BOOSTERS))
            and r.categories == "ordinal"
        ),
        apply=setting(categories="native"),
        gain=about(0.6),
    ),
    Change(
        tag="frequencies",
        component="features",
        source="scenario",
        challenge="how common a level is tells something",
        why=lambda case: f"{names(case, 'category')}: rare levels behave differently from common ones",
        statement=fixed("Add how often each category occurs, and merge levels with fewer than five rows"),
        fits=lambda case, r: bool(_wide_categories(case)) and not r.counts,
        apply=setting(counts=True, rare_min=5),
        gain=about(0.5),
    ),
    Change(
        tag="unskew",
        component="features",
        source="scenario",
        challenge="skewed columns",
        why=lambda case: f"{', '.join(_skewed(case)[:4])} have long tails, which a linear model follows",
        statement=lambda case: f"Take log(1 + x) of skewed columns such as {', '.join(_skewed(case)[:3])}",
        fits=lambda case, r: bool(_skewed(case)) and not r.skew_log and bool(case.families & _SMOOTH),
        apply=setting(skew_log=True),
        gain=lambda case: 1.2 if "linear" in case.families and len(case.families) == 1 else 0.5,
    ),
    Change(
        tag="other-tables",
        component="data",
        source="scenario",
        challenge="other tables are not used",
        why=lambda case: (
            f"{', '.join(name for name, _ in _joins(case))} share key columns with the train table"
        ),
        statement=lambda case: (
            "Join " + "; ".join(f"{name} on {', '.join(keys)}" for name, keys in _joins(case))
        ),
        fits=lambda case, r: bool(_joins(case)) and not r.joins,
        apply=lambda case, r: replace(r, joins=_joins(case)),
        gain=about(3.0),
        cost=1.5,
    ),
    Change(
        tag="codes-apart",
        component="features",
        source="scenario",
        challenge="columns hold codes of several parts",
        why=lambda case: f"{', '.join(_codes(case))} mix letters and numbers that mean different things",
        statement=lambda case: f"Split the codes in {', '.join(_codes(case))} into letters and numbers",
        fits=lambda case, r: bool(_codes(case)) and not r.split_codes,
        apply=lambda case, r: replace(r, split_codes=_codes(case)),
        gain=about(0.8),
    ),
    Change(
        tag="ratios",
        component="features",
        source="history",
        challenge="what the leading columns mean together",
        why=lambda case: _seen_apart(case, "number", "integer"),
        statement=lambda case: "Add " + ", ".join(_interaction_words(*t) for t in _interactions(case)),
        fits=lambda case, r: bool(_interactions(case)) and not r.interactions,
        apply=lambda case, r: replace(r, interactions=_interactions(case)),
        gain=lambda case: 1.0 if _weak(case, "number", "integer") else 0.6,
    ),
    Change(
        tag="group-means",
        component="features",
        source="history",
        challenge="a number means something else in each group",
        why=lambda case: _seen_apart(case, "category"),
        statement=lambda case: (
            "Add the group's mean and the difference to it for "
            + ", ".join(_group_words(*pair) for pair in _group_stats(case))
        ),
        fits=lambda case, r: bool(_group_stats(case)) and not r.group_stats,
        apply=lambda case, r: replace(r, group_stats=_group_stats(case)),
        gain=lambda case: 1.1 if _weak(case, "category") else 0.6,
    ),
    Change(
        tag="missing-flags",
        component="features",
        source="scenario",
        challenge="a gap may itself say something",
        why=lambda case: f"{', '.join(_gappy(case)[:4])} have gaps, which medians hide",
        statement=fixed("Add a column for each number that says whether it was missing"),
        fits=lambda case, r: (
            bool(_gappy(case)) and r.missing != "indicator" and not case.families & set(BOOSTERS)
        ),
        apply=setting(missing="indicator"),
        gain=about(0.6),
    ),
    Change(
        tag="row-sums",
        component="features",
        source="history",
        challenge="a row as a whole is not seen",
        why=fixed("how much of a row is missing or zero often tells what kind of row it is"),
        statement=fixed("Add counts of missing values and sums over each row"),
        fits=lambda case, r: not r.row_stats and len(case.columns("number", "integer")) >= 4,
        apply=setting(row_stats=True),
        gain=lambda case: 0.7 if case.is_regression else 0.4,
    ),
    Change(
        tag="drop-drifting",
        component="data",
        source="scenario",
        challenge="columns whose distribution drifts",
        why=lambda case: (
            f"{', '.join(_drifting(case)[:4])} differ between train and test, so what is learned there misleads"
        ),
        statement=lambda case: f"Leave out {', '.join(_drifting(case)[:4])}",
        fits=lambda case, r: bool(_drifting(case)) and not r.drop,
        apply=lambda case, r: replace(r, drop=_drifting(case)),
        gain=about(0.4),
    ),
)
