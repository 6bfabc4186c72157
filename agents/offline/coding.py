"""Programs and edits by rules: a move becomes a recipe, the recipe a program, the difference search/replace blocks."""

from collections.abc import Callable
from dataclasses import replace

from gome.agents.offline.compose import render
from gome.agents.offline.drafts import draft_recipe, drafts
from gome.agents.offline.edit_blocks import edit_blocks
from gome.agents.offline.evidence import Case, tag_of
from gome.agents.offline.proposing import MOVES
from gome.agents.offline.recipe import ModelSpec, Recipe


def draft(case: Case) -> str:
    """The reply to `draft`: a whole program."""
    recipe = draft_recipe(case, tag_of(case.facts["hypothesis"]["statement"]) or "")
    return _whole("A first program, composed by rule from the data profile.", render(recipe, case.facts))


def edit(case: Case, program: str) -> str:
    """The reply to `edit`. A program that is not of this reasoner's making is written anew from the first draft."""
    move = MOVES.get(tag_of(case.facts["hypothesis"]["statement"]) or "")
    recipe = case.recipe or draft_recipe(case, drafts(case)[0][0])
    changed = move.change(case, recipe) if move else recipe
    new = render(changed, case.facts)
    if case.recipe is None:
        return _whole("The program was not composed by these rules; it is written anew.", new)
    return _blocks(f"The change: {case.facts['hypothesis']['statement']}", program, new)


def debug(case: Case, program: str) -> str:
    """The reply to `debug`: the next simpler recipe whose program differs from the one that failed."""
    recipe = case.recipe or draft_recipe(case, drafts(case)[0][0])
    status = case.facts["error"]["status"]
    steps = _CHEAPER if status in ("timeout", "memory") else _SAFER
    for step in steps[min(int(case.facts["error"].get("round", 0)), len(steps) - 1) :]:
        new = render(step(case, recipe), case.facts)
        if new != program:
            return _blocks(f"It ended with {status}: a simpler program in its place.", program, new)
    return _whole("The simplest program that these rules know.", render(_simplest(case, recipe), case.facts))


def _blocks(words: str, old: str, new: str) -> str:
    blocks = edit_blocks(old, new)
    return f"{words}\n\n{blocks}\n" if blocks.strip() else _whole(words, new)


def _whole(words: str, program: str) -> str:
    return f"{words}\n\n```python\n{program.rstrip()}\n```\n"


def _without_extras(case: Case, recipe: Recipe) -> Recipe:
    return replace(
        recipe,
        interactions=(),
        group_stats=(),
        split_codes=(),
        joins=(),
        drop=(),
        tuning="none",
        stack=False,
        folds=1,
    )


def _plain_columns(case: Case, recipe: Recipe) -> Recipe:
    bare = _without_extras(case, recipe)
    text = "tfidf" if bare.text == "tfidf_char" else bare.text
    return replace(
        bare, categories="ordinal", missing="median", counts=False, skew_log=False, augment=False, text=text
    )


def _simplest(case: Case, recipe: Recipe) -> Recipe:
    return draft_recipe(case, drafts(case)[0][0])


def _one_round(case: Case, recipe: Recipe) -> Recipe:
    return replace(recipe, bagging=1, folds=1, tuning="none", stack=False, augment=False)


def _one_model(case: Case, recipe: Recipe) -> Recipe:
    first = recipe.models[0]
    params = (
        {**first.params, "n_estimators": 100}
        if first.family in ("lightgbm", "xgboost")
        else dict(first.params)
    )
    return replace(_one_round(case, recipe), models=(ModelSpec(first.family, params),))


_SAFER: tuple[Callable[[Case, Recipe], Recipe], ...] = (
    _without_extras,
    _plain_columns,
    _one_model,
    _simplest,
)
_CHEAPER: tuple[Callable[[Case, Recipe], Recipe], ...] = (_one_round, _one_model, _simplest)
