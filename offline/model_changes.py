"""Changes on the models: families, capacity, blending, averaging, tuning."""

from dataclasses import replace

from gome.offline.case import Case
from gome.offline.changes import Change, about, fixed, setting
from gome.offline.hyperparameters import HIGH_CAPACITY, REGULARISED, random_params, with_params, with_rounds
from gome.offline.recipe import BOOSTERS, ModelSpec, Recipe

MANY_ROWS, FEW_ROWS = 20_000, 5_000
SMALL_STEP = 0.03
_TREE_TAGS = {"draft-trees", "boost", "small-steps"}
_PARAM_NAMES = {name for params in REGULARISED.values() for name in params}


def _boosted(recipe: Recipe) -> bool:
    return any(m.family in BOOSTERS for m in recipe.models)


def _has_default_params(recipe: Recipe) -> bool:
    """Boosting stands in the recipe, and no change has set the size of its trees yet."""
    return _boosted(recipe) and not any(
        _PARAM_NAMES & set(m.params) for m in recipe.models if m.family in BOOSTERS
    )


def _coarse(case: Case, recipe: Recipe) -> bool:
    """Boosting with a fixed number of rounds, or by steps that are still large where rows are many."""
    given = max(
        (m.params.get("learning_rate", 0.0) for m in recipe.models if m.family in BOOSTERS), default=0
    )
    large = given > 1.5 * SMALL_STEP or (not given and case.rows >= 10_000)
    return _boosted(recipe) and (not recipe.early_stopping or large)


def _to_trees(case: Case, recipe: Recipe) -> Recipe:
    """One boosting model in place of the recipe's models, on the view of the columns that suits trees."""
    return replace(
        recipe,
        models=(ModelSpec(case.booster),),
        missing="native",
        categories="ordinal",
        scale="standard",
        early_stopping=True,
    )


def _add(case: Case, recipe: Recipe, family: str) -> Recipe:
    """A boosting model comes with early stopping: the rounds of a first program were few and fixed."""
    models = tuple(replace(m, weight=None) for m in recipe.models)
    stops = recipe.early_stopping or (family in BOOSTERS and not _boosted(recipe))
    return replace(recipe, models=(*models, ModelSpec(family)), early_stopping=stops)


def _gap_text(case: Case) -> str:
    logged = case.incumbent.get("facts") or {}
    if case.gap is None:
        return "how well it does on the rows it learned from was not logged"
    return f"it scores {logged['train_score']:.4g} on rows it learned from, {logged['valid_score']:.4g} on others"


def _strength(case: Case) -> float:
    """C four times off the rule's: up for texts, whose many words each say little, else as the gap says."""
    if _texts(case):
        return 120.0 if case.rows > 3000 else 12.0
    return 0.25 if case.overfits else 4.0


def _pictures(case: Case) -> bool:
    return bool(case.columns("image"))


def _wide(case: Case) -> bool:
    return _pictures(case) or sum(int(c.get("count", 1)) for c in case.data.get("columns", [])) > 200


def _texts(case: Case) -> bool:
    return bool(case.columns("text"))


def _complement(case: Case, family: str) -> float:
    """What a linear model and trees gain more together: on texts the one sees words, the other their directions."""
    if family not in ("linear", "lightgbm"):
        return 0.0
    return 1.3 if _texts(case) or case.families == {"linear"} else 0.0


def _blend(family: str, words: str, gain: float, cost: float, rows: int = 10**9) -> Change:
    return Change(
        tag=f"blend-{family.replace('_', '-')}",
        component="ensemble",
        source="history",
        challenge="one model's errors are not averaged out",
        why=lambda case: (
            f"the program relies on {', '.join(sorted(case.families))} alone; {words} errs on other rows"
        ),
        statement=lambda case: f"Add {words} and blend it with weights chosen on inner validation rows",
        fits=lambda case, r: (
            case.has(family)
            and family not in case.families
            and len(r.models) < 4
            and case.rows <= rows
            and not _pictures(case)
        ),
        apply=lambda case, r: _add(case, r, family),
        gain=lambda case: gain + _complement(case, family),
        cost=cost,
    )


MODEL_CHANGES: tuple[Change, ...] = (
    Change(
        tag="boost",
        component="model",
        source="scenario",
        challenge="the model cannot bend",
        why=lambda case: (
            f"{', '.join(sorted(case.families))} finds few of the interactions between "
            f"{len(case.columns('number', 'integer'))} numeric and {len(case.columns('category', 'boolean'))} "
            "categorical columns"
        ),
        statement=lambda case: (
            f"Replace the model by gradient-boosted trees ({case.booster}) with early stopping"
        ),
        fits=lambda case, r: not _boosted(r) and not _pictures(case) and r.text == "none",
        apply=_to_trees,
        gain=lambda case: 0.6 if case.better_than(_TREE_TAGS) else 3.0,
    ),
    Change(
        tag="small-steps",
        component="model",
        source="history",
        challenge="boosting stops at a coarse optimum",
        why=lambda case: (
            "large boosting steps end in a coarser optimum than small ones with more rounds"
            if case.recipe and case.recipe.early_stopping
            else "the number of boosting rounds was fixed by rule, not by held-out rows"
        ),
        statement=fixed(
            f"Boost by steps of {SMALL_STEP} and let early stopping choose the larger number of rounds"
        ),
        fits=_coarse,
        apply=lambda case, r: with_rounds(r, SMALL_STEP, 3000),
        gain=lambda case: 0.8 if case.recipe and case.recipe.early_stopping else 1.6,
        cost=2.5,
    ),
    Change(
        tag="regularise",
        component="model",
        source="history",
        challenge="the model learns its training rows by heart",
        why=_gap_text,
        statement=fixed(
            "Regularise the boosted trees: fewer leaves, more rows a leaf, a share of columns and rows a tree"
        ),
        fits=lambda case, r: _has_default_params(r),
        apply=lambda case, r: with_params(r, REGULARISED),
        gain=lambda case: (
            0.4 + 0.6 * case.overfits + 0.4 * (case.rows < FEW_ROWS) + 0.3 * (case.errors.confidence > 1.15)
        ),
    ),
    Change(
        tag="capacity",
        component="model",
        source="history",
        challenge="the model is too small for the rows at hand",
        why=lambda case: f"{case.rows} rows allow finer trees; {_gap_text(case)}",
        statement=fixed("Give the boosted trees more leaves and take a share of the columns for each tree"),
        fits=lambda case, r: _has_default_params(r) and case.rows >= MANY_ROWS,
        apply=lambda case, r: with_params(r, HIGH_CAPACITY),
        gain=lambda case: 0.5 if case.overfits else 1.5,
        cost=2.0,
    ),
    Change(
        tag="penalty",
        component="model",
        source="history",
        challenge="the linear model's penalty was set by rule",
        why=_gap_text,
        statement=lambda case: (
            f"Make the linear model's penalty {'stronger' if _strength(case) < 1 else 'weaker'}: C = {_strength(case):g}"
        ),
        fits=lambda case, r: (
            "linear" in case.families
            and not case.is_regression
            and not _wide(case)
            and not any("C" in m.params for m in r.models)
        ),
        apply=lambda case, r: with_params(r, {"linear": {"C": _strength(case)}}),
        gain=lambda case: (0.8 if len(case.families) == 1 else 0.3) + 0.5 * _texts(case),
    ),
    Change(
        tag="tune",
        component="model",
        source="history",
        challenge="hyper-parameters were set by rule",
        why=fixed("leaves, column share and regularisation were never fitted to this data"),
        statement=fixed("Search the boosted trees' hyper-parameters for a minute on inner validation rows"),
        fits=lambda case, r: (
            bool(case.families & {"lightgbm", "xgboost"}) and r.tuning == "none" and case.has("lightgbm")
        ),
        apply=lambda case, r: replace(
            r,
            tuning="small",
            tuning_seconds=int(min(60, max(5, float(case.context["budget"]["program_time_limit_s"]) / 8))),
        ),
        gain=about(0.9),
        cost=6.0,
    ),
    _blend("linear", "a linear model", 1.2, 1.3),
    _blend("xgboost", "XGBoost", 1.0, 1.8),
    _blend("extra_trees", "extremely randomised trees", 0.8, 2.0, rows=60_000),
    _blend("lightgbm", "LightGBM", 1.5, 1.8),
    _blend("hist_gb", "histogram gradient boosting", 0.3, 2.0),
    _blend("mlp", "a small neural network", 0.5, 3.0, rows=30_000),
    Change(
        tag="bagging",
        component="ensemble",
        source="history",
        challenge="the fit depends on its seed",
        why=fixed("one fit is one draw: the average of several seeds has less variance at no risk"),
        statement=fixed("Average three fits with different seeds"),
        fits=lambda case, r: r.bagging < 3,
        apply=setting(bagging=3),
        gain=lambda case: 1.0 if case.context["stage"] == "ensemble" else 0.6,
        cost=3.0,
    ),
    Change(
        tag="inner-folds",
        component="workflow",
        source="history",
        challenge="rounds and weights are chosen on few rows",
        why=lambda case: f"a fifth of {case.rows} rows is a small part to choose rounds and blend weights on",
        statement=fixed("Choose rounds and blend weights on out-of-fold predictions of five inner folds"),
        fits=lambda case, r: r.folds == 1 and case.rows < MANY_ROWS,
        apply=setting(folds=5),
        gain=lambda case: 0.8 if len(case.families) > 1 else 0.4,
        cost=4.0,
    ),
    Change(
        tag="stack",
        component="ensemble",
        source="history",
        challenge="blend weights are the same everywhere",
        why=fixed("a model over out-of-fold predictions can correct each model's bias, which weights cannot"),
        statement=fixed("Stack the models: a linear model over their out-of-fold predictions"),
        fits=lambda case, r: len(r.models) > 1 and not r.stack,
        apply=setting(stack=True, folds=5),
        gain=about(0.4),
        cost=3.0,
    ),
    Change(
        tag="another-draw",
        component="model",
        source="history",
        challenge="nothing directed is left",
        why=fixed("all directed changes that fit were tried; a random step still measures the neighbourhood"),
        statement=lambda case: (
            f"Draw other hyper-parameters for the main model (draw {int(case.context['seed']) % 10_000})"
        ),
        fits=lambda case, r: True,
        apply=lambda case, r: random_params(r, int(case.context["seed"]), not case.is_regression),
        gain=about(0.1),
    ),
)
