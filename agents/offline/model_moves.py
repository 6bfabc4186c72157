"""Moves on the models: families, capacity, blending, averaging, tuning."""

from dataclasses import replace

from gome.agents.offline.evidence import Case
from gome.agents.offline.moves import Move, about, fixed, setting
from gome.agents.offline.recipe import BOOSTERS, ModelSpec, Recipe

WIDE_GAP = 0.12
MANY_ROWS = 20_000


def _boosted(recipe: Recipe) -> bool:
    return any(m.family in BOOSTERS for m in recipe.models)


def _tree_view(case: Case, recipe: Recipe) -> Recipe:
    """The recipe with one boosting model in place of its models, texts and images in a form that trees can use."""
    text = "tfidf_svd" if recipe.text in ("tfidf", "tfidf_char") else recipe.text
    return replace(
        recipe, models=(ModelSpec(case.booster),), text=text, missing="native", categories="ordinal"
    )


def _with_params(recipe: Recipe, **params: object) -> Recipe:
    models = tuple(
        replace(m, params={**m.params, **params}) if m.family == "lightgbm" else m for m in recipe.models
    )
    return replace(recipe, models=models)


def _add(case: Case, recipe: Recipe, family: str) -> Recipe:
    models = tuple(replace(m, weight=None) for m in recipe.models)
    return replace(recipe, models=(*models, ModelSpec(family)))


def _gap_text(case: Case) -> str:
    logged = case.incumbent.get("facts", {})
    return f"it scores {logged.get('train_score')} on rows it learned from, {logged.get('valid_score')} on others"


def _pictures(case: Case) -> bool:
    return bool(case.columns("image"))


def _blend(family: str, words: str, gain: float, cost: float, rows: int = 10**9) -> Move:
    return Move(
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
        change=lambda case, r: _add(case, r, family),
        gain=about(gain),
        cost=cost,
    )


MODEL_MOVES: tuple[Move, ...] = (
    Move(
        tag="boost",
        component="model",
        source="scenario",
        challenge="the model cannot bend",
        why=lambda case: (
            f"{', '.join(sorted(case.families))} sees no interaction between "
            f"{len(case.columns('number', 'integer'))} numeric and {len(case.columns('category', 'boolean'))} "
            "categorical columns"
        ),
        statement=lambda case: (
            f"Replace the model by gradient-boosted trees ({case.booster}) with early stopping"
        ),
        fits=lambda case, r: not _boosted(r) and not _pictures(case) and r.text == "none",
        change=_tree_view,
        gain=about(3.0),
        cost=2.0,
    ),
    Move(
        tag="small-steps",
        component="model",
        source="history",
        challenge="boosting stops at a coarse optimum",
        why=fixed("large boosting steps end in a coarser optimum than small ones with more rounds"),
        statement=fixed("Halve the learning rate and let early stopping choose the larger number of rounds"),
        fits=lambda case, r: (
            "lightgbm" in case.families and r.models[0].params.get("learning_rate", 1) > 0.03
        ),
        change=lambda case, r: _with_params(
            replace(r, early_stopping=True), learning_rate=0.025, n_estimators=3000
        ),
        gain=about(0.7),
        cost=2.0,
    ),
    Move(
        tag="regularise",
        component="model",
        source="history",
        challenge="the model learns its training rows by heart",
        why=_gap_text,
        statement=fixed(
            "Regularise the boosted trees: fewer leaves, more rows a leaf, a share of columns and rows a tree"
        ),
        fits=lambda case, r: "lightgbm" in case.families and "num_leaves" not in r.models[0].params,
        change=lambda case, r: _with_params(
            r,
            num_leaves=12,
            min_child_samples=30,
            colsample_bytree=0.5,
            subsample=0.8,
            subsample_freq=1,
            reg_lambda=5.0,
        ),
        gain=lambda case: 1.3 if (case.gap or 0) > WIDE_GAP or case.rows < 5000 else 0.4,
    ),
    Move(
        tag="capacity",
        component="model",
        source="history",
        challenge="the model is too small for the rows at hand",
        why=lambda case: f"{case.rows} rows allow finer trees; {_gap_text(case)}",
        statement=fixed(
            "Give the boosted trees more leaves (127) and take a share of the columns for each tree"
        ),
        fits=lambda case, r: (
            "lightgbm" in case.families and case.rows >= MANY_ROWS and "num_leaves" not in r.models[0].params
        ),
        change=lambda case, r: _with_params(r, num_leaves=127, min_child_samples=60, colsample_bytree=0.6),
        gain=lambda case: 1.5 if (case.gap or 0) < WIDE_GAP else 0.2,
        cost=2.0,
    ),
    Move(
        tag="tune",
        component="model",
        source="history",
        challenge="hyper-parameters were set by rule",
        why=fixed("leaves, column share and regularisation were never fitted to this data"),
        statement=fixed("Search the boosted trees' hyper-parameters for a minute on inner validation rows"),
        fits=lambda case, r: (
            bool(case.families & {"lightgbm", "xgboost"}) and r.tuning == "none" and case.has("lightgbm")
        ),
        change=lambda case, r: replace(
            r,
            tuning="small",
            tuning_seconds=int(min(60, max(5, float(case.facts["budget"]["program_time_limit_s"]) / 8))),
        ),
        gain=about(0.9),
        cost=6.0,
    ),
    _blend("linear", "a linear model", 1.2, 1.3),
    _blend("xgboost", "XGBoost", 1.0, 1.8),
    _blend("extra_trees", "extremely randomised trees", 0.8, 2.0, rows=60_000),
    _blend("lightgbm", "LightGBM", 1.5, 1.8),
    _blend("mlp", "a small neural network", 0.5, 3.0, rows=30_000),
    Move(
        tag="bagging",
        component="ensemble",
        source="history",
        challenge="the fit depends on its seed",
        why=fixed("one fit is one draw: the average of several seeds has less variance at no risk"),
        statement=fixed("Average three fits with different seeds"),
        fits=lambda case, r: r.bagging < 3,
        change=setting(bagging=3),
        gain=lambda case: 1.0 if case.facts["stage"] == "ensemble" else 0.6,
        cost=3.0,
    ),
    Move(
        tag="inner-folds",
        component="workflow",
        source="history",
        challenge="rounds and weights are chosen on few rows",
        why=lambda case: f"a fifth of {case.rows} rows is a small part to choose rounds and blend weights on",
        statement=fixed("Choose rounds and blend weights on out-of-fold predictions of five inner folds"),
        fits=lambda case, r: r.folds == 1 and case.rows < MANY_ROWS,
        change=setting(folds=5),
        gain=lambda case: 0.8 if len(case.families) > 1 else 0.4,
        cost=4.0,
    ),
    Move(
        tag="stack",
        component="ensemble",
        source="history",
        challenge="blend weights are the same everywhere",
        why=fixed("a model over out-of-fold predictions can correct each model's bias, which weights cannot"),
        statement=fixed("Stack the models: a linear model over their out-of-fold predictions"),
        fits=lambda case, r: len(r.models) > 1 and not r.stack,
        change=setting(stack=True, folds=5),
        gain=about(0.4),
        cost=3.0,
    ),
)
