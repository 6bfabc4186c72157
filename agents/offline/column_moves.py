"""Moves on the columns of tables: encodings, derived columns, joins, what is left out."""

import re
from dataclasses import replace

from gome.agents.offline.evidence import Case
from gome.agents.offline.moves import Move, about, fixed, names, setting
from gome.agents.offline.recipe import BOOSTERS

MANY_LEVELS, SKEWED, DRIFTED = 15, 1.0, 0.3
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
    texts = [c for c in case.columns("category", "text") if "count" not in c]
    return tuple(
        c["name"]
        for c in texts
        if any(_CODE.search(str(e)) for e in c.get("examples") or [t[0] for t in c.get("top", [])])
    )[:4]


def _important(case: Case, *kinds: str) -> list[str]:
    """Columns of these kinds, most used ones first, by the program's own log."""
    plain = [c["name"] for c in case.columns(*kinds) if "count" not in c]
    used = [name for name in case.importance if name in plain]
    return used + [name for name in plain if name not in used]


def _interactions(case: Case) -> tuple[tuple[str, str, str], ...]:
    top = _important(case, "number", "integer")[:3]
    pairs = [(a, b) for i, a in enumerate(top) for b in top[i + 1 :]]
    return tuple((a, op, b) for a, b in pairs[:2] for op in ("*", "/"))


def _group_stats(case: Case) -> tuple[tuple[str, str], ...]:
    groups, numbers = _important(case, "category")[:2], _important(case, "number", "integer")[:2]
    return tuple((g, n) for g in groups for n in numbers)


def _joins(case: Case) -> tuple[tuple[str, tuple[str, ...]], ...]:
    own = {
        c["name"]
        for c in case.columns("number", "integer", "category", "boolean", "date", "text", "constant", "id")
    }
    found = []
    for table in case.data.get("tables", []):
        keys = tuple(c for c in table["columns"] if c in own and c != case.task["id"])
        if keys and len(keys) < len(table["columns"]) and table["rows"] <= 200_000:
            found.append((table["name"], keys))
    return tuple(found[:2])


COLUMN_MOVES: tuple[Move, ...] = (
    Move(
        tag="target-means",
        component="features",
        source="scenario",
        challenge="categories with many levels",
        why=lambda case: f"{', '.join(_wide_categories(case)[:4])} have more than {MANY_LEVELS} levels each",
        statement=fixed("Encode categories by their out-of-fold smoothed target mean"),
        fits=lambda case, r: bool(_wide_categories(case)) and r.categories != "target",
        change=setting(categories="target"),
        gain=about(1.0),
    ),
    Move(
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
        change=setting(categories="native"),
        gain=about(0.6),
    ),
    Move(
        tag="frequencies",
        component="features",
        source="scenario",
        challenge="how common a level is tells something",
        why=lambda case: f"{names(case, 'category')}: rare levels behave differently from common ones",
        statement=fixed("Add how often each category occurs, and merge levels with fewer than five rows"),
        fits=lambda case, r: bool(_wide_categories(case)) and not r.counts,
        change=setting(counts=True, rare_min=5),
        gain=about(0.5),
    ),
    Move(
        tag="unskew",
        component="features",
        source="scenario",
        challenge="skewed columns",
        why=lambda case: f"{', '.join(_skewed(case)[:4])} have long tails, which a linear model follows",
        statement=lambda case: f"Take log(1 + x) of skewed columns such as {', '.join(_skewed(case)[:3])}",
        fits=lambda case, r: bool(_skewed(case)) and not r.skew_log and bool(case.families & _SMOOTH),
        change=setting(skew_log=True),
        gain=lambda case: 1.2 if "linear" in case.families and len(case.families) == 1 else 0.5,
    ),
    Move(
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
        change=lambda case, r: replace(r, joins=_joins(case)),
        gain=about(3.0),
        cost=1.5,
    ),
    Move(
        tag="codes-apart",
        component="features",
        source="scenario",
        challenge="columns hold codes of several parts",
        why=lambda case: f"{', '.join(_codes(case))} mix letters and numbers that mean different things",
        statement=lambda case: f"Split the codes in {', '.join(_codes(case))} into letters and numbers",
        fits=lambda case, r: bool(_codes(case)) and not r.split_codes,
        change=lambda case, r: replace(r, split_codes=_codes(case)),
        gain=about(0.8),
    ),
    Move(
        tag="ratios",
        component="features",
        source="history",
        challenge="what the most used columns mean together",
        why=lambda case: (
            f"the program uses {', '.join(_important(case, 'number', 'integer')[:3])} most, each by itself"
        ),
        statement=lambda case: "Add " + ", ".join(f"{a} {op} {b}" for a, op, b in _interactions(case)),
        fits=lambda case, r: bool(_interactions(case)) and not r.interactions,
        change=lambda case, r: replace(r, interactions=_interactions(case)),
        gain=about(0.6),
    ),
    Move(
        tag="group-means",
        component="features",
        source="history",
        challenge="a number means something else in each group",
        why=lambda case: (
            f"{', '.join(n for _, n in _group_stats(case)[:2])} are not compared with their own group"
        ),
        statement=lambda case: (
            "Add the group's mean and the difference to it for "
            + ", ".join(f"{n} by {g}" for g, n in _group_stats(case))
        ),
        fits=lambda case, r: bool(_group_stats(case)) and not r.group_stats,
        change=lambda case, r: replace(r, group_stats=_group_stats(case)),
        gain=about(0.6),
    ),
    Move(
        tag="row-sums",
        component="features",
        source="history",
        challenge="a row as a whole is not seen",
        why=fixed("how much of a row is missing or zero often tells what kind of row it is"),
        statement=fixed("Add counts of missing values and sums over each row"),
        fits=lambda case, r: not r.row_stats and len(case.columns("number", "integer")) >= 4,
        change=setting(row_stats=True),
        gain=lambda case: 0.7 if case.is_regression else 0.4,
    ),
    Move(
        tag="drop-drifting",
        component="data",
        source="scenario",
        challenge="columns whose distribution moves",
        why=lambda case: (
            f"{', '.join(_drifting(case)[:4])} differ between train and test, so what is learned there misleads"
        ),
        statement=lambda case: f"Leave out {', '.join(_drifting(case)[:4])}",
        fits=lambda case, r: bool(_drifting(case)) and not r.drop,
        change=lambda case, r: replace(r, drop=_drifting(case)),
        gain=about(0.4),
    ),
)
