"""Programs and edits by rules: a change becomes a recipe, the recipe a program, the difference search/replace blocks."""

from collections.abc import Callable
from dataclasses import replace

from gome.offline.case import Case, tag_of
from gome.offline.compose import render
from gome.offline.drafts import draft_recipe, drafts
from gome.offline.edit_blocks import edit_blocks
from gome.offline.hyperparameters import with_rounds
from gome.offline.recipe import ModelSpec, Recipe
from gome.offline.recipe_merge import merged_recipe
from gome.offline.researcher import CHANGES
from gome.tools.text import fenced


def draft(case: Case) -> str:
    """The reply to `draft`: a whole program."""
    recipe = draft_recipe(case, tag_of(case.context["hypothesis"]["statement"]) or "")
    return _whole("A first program, composed by rule from the data profile.", render(recipe, case.context))


def edit(case: Case, program: str) -> str:
    """The reply to `edit`. A program that is not of this reasoner's making is written anew from the first draft."""
    change = CHANGES.get(tag_of(case.context["hypothesis"]["statement"]) or "")
    recipe = case.recipe or draft_recipe(case, drafts(case)[0][0])
    changed = change.apply(case, recipe) if change else recipe
    new = render(changed, case.context)
    if case.recipe is None:
        return _whole("The program was not composed by these rules; it is written anew.", new)
    return _blocks(f"The change: {case.context['hypothesis']['statement']}", program, new)


def merge(case: Case, program: str, other: Recipe | None) -> str:
    """The reply to `merge`: both recipes as one program; one that these rules did not compose cannot be merged."""
    recipe = case.recipe or draft_recipe(case, drafts(case)[0][0])
    new = render(merged_recipe(recipe, other) if other else recipe, case.context)
    words = "The other program's models and treatments, as far as this one lacks them."
    return _blocks(words, program, new) if case.recipe else _whole(words, new)


def debug(case: Case, program: str) -> str:
    """The reply to `debug`: the next simpler recipe whose program differs from the one that failed."""
    error, ladder = case.context["error"], drafts(case)
    recipe = case.recipe or ladder[0][2](case)
    steps = _CHEAPER if error["status"] in ("timeout", "memory") else _SAFER
    simpler = [step(case, recipe) for step in steps[min(int(error.get("round") or 0), len(steps)) :]]
    for changed in [*simpler, *(make(case) for _, _, make in ladder)]:
        new = render(changed, case.context)
        if new != program:
            return _blocks(f"It ended with {error['status']}: a simpler program in its place.", program, new)
    raise AssertionError("no two drafts are the same program")


def _blocks(words: str, old: str, new: str) -> str:
    """Edits where they can say it; the whole program where the old one is of another make (line ends, block marks)."""
    try:
        blocks = edit_blocks(old, new)
    except ValueError:
        blocks = ""
    return f"{words}\n\n{blocks}\n" if blocks.strip() else _whole(words, new)


def _whole(words: str, program: str) -> str:
    return f"{words}\n\n{fenced(program.rstrip(), 'python')}\n"


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


def _one_round(case: Case, recipe: Recipe) -> Recipe:
    return replace(recipe, bagging=1, folds=1, tuning="none", stack=False, augment=False)


def _one_model(case: Case, recipe: Recipe) -> Recipe:
    first = recipe.models[0]
    bare = replace(_one_round(case, recipe), models=(ModelSpec(first.family),))
    return with_rounds(bare, 0.1, 200)


_SAFER: tuple[Callable[[Case, Recipe], Recipe], ...] = (
    _without_extras,
    _plain_columns,
    _one_model,
)
_CHEAPER: tuple[Callable[[Case, Recipe], Recipe], ...] = (_one_round, _one_model)
