"""Two recipes as one program: nothing of the second is lost, and the result is a program."""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from offline_cases import CASES, facts_of

from gome.offline.compose import render
from gome.offline.recipe import ModelSpec, Recipe
from gome.offline.recipe_merge import MOST_MODELS, merged_recipe

FACTS = facts_of(next(name for name in CASES if CASES[name]["task"]["problem"] == "regression"))
families = st.lists(
    st.sampled_from(["linear", "lightgbm", "xgboost", "extra_trees", "mlp"]),
    min_size=1,
    max_size=3,
    unique=True,
)
recipes = st.builds(
    lambda names, **fields: Recipe(models=tuple(ModelSpec(n) for n in names), **fields),
    families,
    skew_log=st.booleans(),
    counts=st.booleans(),
    folds=st.sampled_from([1, 5]),
    bagging=st.sampled_from([1, 3]),
    target_transform=st.sampled_from(["none", "log1p"]),
)


@settings(deadline=None)
@given(recipes, recipes)
def test_what_only_the_second_has_is_taken_over(first: Recipe, second: Recipe) -> None:
    both = merged_recipe(first, second)
    guest = {m.family for m in second.models}
    wanted = {m.family for m in first.models} | guest
    got = {m.family for m in both.models}
    if replace(both, models=first.models) == first and guest <= {m.family for m in first.models}:
        assert both.models == second.models  # nothing new: the second's models in place of the first's
    else:
        assert got == wanted or (got < wanted and len(both.models) == MOST_MODELS)
    assert both.skew_log == (first.skew_log or second.skew_log)
    assert both.counts == (first.counts or second.counts)
    assert both.folds == max(first.folds, second.folds)
    assert both.bagging == max(first.bagging, second.bagging)
    assert "none" not in {first.target_transform, second.target_transform} or both.target_transform == (
        first.target_transform if first.target_transform != "none" else second.target_transform
    )


@settings(max_examples=25, deadline=None)
@given(recipes, recipes)
def test_the_merged_recipe_is_a_program(first: Recipe, second: Recipe) -> None:
    compile(render(merged_recipe(first, second), FACTS), "main.py", "exec")
