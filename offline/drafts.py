"""First programs: the smallest sound one for the kind of data, another family for each trace."""

from collections.abc import Callable

from gome.offline.case import Case
from gome.offline.hyperparameters import with_params
from gome.offline.recipe import ModelSpec, Recipe

Draft = tuple[str, str, Callable[[Case], Recipe]]
MANY_ROWS = 40_000
_FEW_TREES = {"n_estimators": 100, "learning_rate": 0.1}


def _one(family: str, **fields: object) -> Recipe:
    params = _FEW_TREES if family == "lightgbm" else {}
    return Recipe(models=(ModelSpec(family, params),), early_stopping=False, **fields)  # type: ignore[arg-type]


def _forest(case: Case) -> Recipe:
    """Fewer and smaller trees where rows are many: a first program takes seconds, not minutes."""
    recipe = _one("extra_trees")
    if case.rows < MANY_ROWS:
        return recipe
    return with_params(recipe, {"extra_trees": {"n_estimators": 60, "min_samples_leaf": 20}})


def _pixel_forest(case: Case) -> Recipe:
    return with_params(_one("random_forest", image="pixels"), {"random_forest": {"n_estimators": 100}})


_TABLE: tuple[Draft, ...] = (
    (
        "draft-linear",
        "a regularised linear model on one-hot codes and medians",
        lambda case: _one("linear", categories="onehot"),
    ),
    ("draft-trees", "a hundred gradient-boosted trees near their defaults", lambda case: _one(case.booster)),
    ("draft-forest", "extremely randomised trees", lambda case: _forest(case)),
    ("draft-bayes", "naive Bayes on 0/1 columns and scaled numbers", lambda case: _one("naive_bayes")),
    ("draft-neighbours", "nearest neighbours on scaled columns", lambda case: _one("knn")),
)
_TEXT: tuple[Draft, ...] = (
    ("draft-bayes", "naive Bayes over TF-IDF words", lambda case: _one("naive_bayes", text="tfidf")),
    (
        "draft-lengths",
        "boosted trees over the lengths of the texts",
        lambda case: _one(case.booster, text="lengths"),
    ),
    (
        "draft-components",
        "boosted trees over components of TF-IDF",
        lambda case: _one(case.booster, text="tfidf"),
    ),
)
_IMAGE: tuple[Draft, ...] = (
    ("draft-pixels", "a linear model on pixels", lambda case: _one("linear", image="pixels")),
    ("draft-pixel-forest", "a random forest on pixels", lambda case: _pixel_forest(case)),
    (
        "draft-near-pictures",
        "nearest neighbours on principal components",
        lambda case: _one("knn", image="pca"),
    ),
)


def drafts(case: Case) -> tuple[Draft, ...]:
    """The drafts for this kind of data as (tag, words, recipe), in the order in which traces take them."""
    if case.columns("image"):
        return _IMAGE
    if case.columns("text") and _mostly_text(case):
        return _TEXT
    return tuple(d for d in _TABLE if d[0] != "draft-neighbours" or case.rows < MANY_ROWS)


def _mostly_text(case: Case) -> bool:
    return len(case.columns("number", "integer", "category", "boolean")) < 4 * len(case.columns("text"))


def draft_for(case: Case, taken: set[str]) -> Draft:
    """The draft of this trace: its own by number, or the next that no sibling starts with and that did not fail here."""
    ladder = drafts(case)
    start = int(case.context["trace"]) % len(ladder)
    order = ladder[start:] + ladder[:start]
    return next((d for d in order if d[0] not in taken), order[len(case.tried) % len(order)])


def draft_recipe(case: Case, tag: str) -> Recipe:
    """The recipe of a draft's tag; an unknown tag gets the first draft."""
    ladder = drafts(case)
    return next((make for name, _, make in ladder if name == tag), ladder[0][2])(case)
