"""The composer: recipes as data, programs as text, differences as edits."""

import ast
import difflib
import subprocess
import sys
from dataclasses import fields, replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.agents.prompts.edits import apply_blocks, read_blocks
from gome.offline.compose import render
from gome.offline.edit_blocks import edit_blocks
from gome.offline.recipe import CHOICES, FAMILIES, OPERATIONS, ModelSpec, Recipe, read_recipe

NAMES = st.sampled_from(["age", "Ångström", 'a "quoted" name', "x, y", "back\\slash", "# noqa"])
PARAMS = st.dictionaries(
    st.sampled_from(["num_leaves", "alpha", "C"]), st.integers(1, 90) | st.floats(0.01, 9)
)
SPECS = st.builds(ModelSpec, st.sampled_from(FAMILIES), PARAMS, st.none() | st.sampled_from([0.0, 0.25, 1.0]))
FLAGS = [field.name for field in fields(Recipe) if isinstance(field.default, bool)]
RECIPES = st.builds(
    Recipe,
    models=st.lists(SPECS, min_size=1, max_size=4).map(tuple),
    **{name: st.sampled_from(choices) for name, choices in CHOICES.items()},
    rare_min=st.integers(0, 30),
    interactions=st.lists(st.tuples(NAMES, st.sampled_from(OPERATIONS), NAMES), max_size=2).map(tuple),
    group_stats=st.lists(st.tuples(NAMES, NAMES), max_size=2).map(tuple),
    split_codes=st.lists(NAMES, max_size=2).map(tuple),
    drop=st.lists(NAMES, max_size=2).map(tuple),
    folds=st.integers(1, 5),
    bagging=st.integers(1, 3),
    **{name: st.booleans() for name in FLAGS},
)
COLUMNS = [
    {"name": "id", "kind": "id"},
    {"name": "age", "kind": "number"},
    {"name": "town", "kind": "category"},
    {"name": "seen", "kind": "date"},
    {"name": "note", "kind": "text"},
    {"name": "photo", "kind": "image", "image_size": [24, 24, 1]},
]
PROBLEMS = {
    "regression": ("rmse", ["price"], ["price"], []),
    "regressions": ("rmse", ["price", "rent"], ["price", "rent"], []),
    "binary": ("auc", ["late"], ["late"], ["0", "1"]),
    "labels": ("f1_macro", ["kind"], ["kind"], ["a", "b", "c"]),
    "grades": ("qwk", ["grade"], ["grade"], ["1", "2", "3"]),
    "shares": ("log_loss", ["kind"], ["kind_a", "kind_b", "kind_c"], ["a", "b", "c"]),
    "multilabel": ("auc", ["red", "blue"], ["red", "blue"], []),
    "ranking": ("map@3", ["kind"], ["kind"], ["a", "b", "c"]),
}
KINDS = {"regressions": "regression", "labels": "multiclass", "grades": "multiclass", "shares": "multiclass"}


def facts(name: str, **task: object) -> dict:
    metric, target, prediction, classes = PROBLEMS[name]
    base = {"name": name, "metric": metric, "problem": KINDS.get(name, name), "target": target, "id": "id"}
    files = {
        "train": "train.csv",
        "test": "test.parquet",
        "sample": "sample.csv",
        "group": None,
        "time": None,
    }
    return {
        "task": {**base, **files, "prediction": prediction, "classes": classes, **task},
        "data": {"rows": 900, "columns": COLUMNS},
    }


@given(RECIPES)
@settings(max_examples=60, deadline=None)
def test_a_recipe_survives_json_and_the_program(recipe: Recipe) -> None:
    assert Recipe.from_json(recipe.to_json()) == recipe
    assert read_recipe(render(recipe, facts("binary"))) == recipe


@pytest.mark.parametrize("text", ["", "print(1)", "# recipe: {", "# recipe: [1]", '# recipe: {"models": []}'])
def test_programs_without_a_readable_recipe_give_none(text: str) -> None:
    assert read_recipe(text) is None


@pytest.mark.parametrize(
    "wrong",
    [{"models": ()}, {"scale": "huge"}, {"folds": 0}, {"interactions": (("a", "%", "b"),)}],
)
def test_recipes_that_no_program_can_follow_are_refused(wrong: dict) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        Recipe(**wrong)


@given(RECIPES, st.sampled_from(sorted(PROBLEMS)))
@settings(max_examples=80, deadline=None)
def test_every_recipe_gives_a_program_whose_names_are_all_defined(recipe: Recipe, problem: str) -> None:
    tree = ast.parse(render(recipe, facts(problem)))
    functions = [node for node in tree.body if isinstance(node, ast.FunctionDef)]
    assert {"load", "features", "solve", "main"} <= {function.name for function in functions}
    assert all(ast.get_docstring(function) for function in functions if function.name != "main")


def test_programs_pass_the_linter(tmp_path: Path) -> None:
    recipes = [
        Recipe(),
        Recipe(
            models=tuple(ModelSpec(family) for family in FAMILIES), text="tfidf_char", image="hog", folds=3
        ),
        Recipe(
            models=(ModelSpec("xgboost"), ModelSpec("linear")), stack=True, categories="native", skew_log=True
        ),
        Recipe(
            models=(ModelSpec("lightgbm", {"num_leaves": 7}), ModelSpec("lightgbm")),
            tuning="small",
            tune_threshold=True,
            tune_rounding=True,
            target_transform="log1p",
            clip_target=True,
            counts=True,
            group_stats=(("town", "age"),),
            interactions=(("age", "/", "age"), ("age", "-", "age")),
            split_codes=("town",),
            row_stats=True,
            joins=(("towns.csv", ("town=name",)),),
            image="pca",
            augment=True,
            text="tfidf_svd",
            categories="target",
            missing="indicator",
            scale="quantile",
            class_weight="balanced",
        ),
    ]
    for name in PROBLEMS:
        for number, recipe in enumerate(recipes):
            (tmp_path / f"{name}{number}.py").write_text(render(recipe, facts(name)))
            (tmp_path / f"{name}{number}t.py").write_text(render(recipe, facts(name, time="seen")))
            (tmp_path / f"{name}{number}g.py").write_text(render(recipe, facts(name, group="town")))
    options = ["check", "--isolated", "--select", "E,F", "--line-length", "110", "--output-format", "concise"]
    ruff = Path(sys.executable).with_name("ruff")
    found = subprocess.run([ruff, *options, tmp_path], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout


def test_parts_that_are_not_used_are_left_out() -> None:
    program = render(Recipe(models=(ModelSpec("linear"),)), facts("regression"))
    for word in ("lightgbm", "tree_table", "TfidfVectorizer", "Image", "StratifiedKFold", "blend_weights"):
        assert word not in program
    assert len(program.splitlines()) < 250


@pytest.mark.parametrize(
    ("change", "most"),
    [
        ({"bagging": 3}, 4),
        ({"rare_min": 20}, 4),
        ({"class_weight": "balanced"}, 6),
        ({"tune_threshold": True}, 24),
        ({"row_stats": True}, 10),
        ({"models": (ModelSpec("lightgbm", {"num_leaves": 63}),)}, 4),
        ({"models": (ModelSpec("lightgbm"), ModelSpec("extra_trees"))}, 60),
    ],
)
def test_one_changed_field_is_a_local_edit(change: dict, most: int) -> None:
    old = render(Recipe(), facts("labels"))
    new = render(replace(Recipe(), **change), facts("labels"))
    lines = difflib.ndiff(old.splitlines(), new.splitlines())
    changed = [line for line in lines if line[:1] == "+"]
    assert 0 < len(changed) <= most
    assert apply_blocks(old, read_blocks(edit_blocks(old, new))) == new


LINES = st.sampled_from(["a", "b", " a", "", "  b", "x = 1", "ab", "\x0c", "\u2028", "# ==="])
TEXTS = st.lists(LINES, min_size=1, max_size=14).map(lambda lines: "\n".join(lines) + "\n").filter(str.strip)


@given(TEXTS, TEXTS)
@settings(max_examples=400, deadline=None)
def test_applied_blocks_give_the_new_text_exactly(old: str, new: str) -> None:
    assert apply_blocks(old, read_blocks(edit_blocks(old, new))) == new


@given(RECIPES, RECIPES)
@settings(max_examples=15, deadline=None)
def test_blocks_lead_from_any_program_to_any_other(left: Recipe, right: Recipe) -> None:
    old, new = render(left, facts("labels")), render(right, facts("labels"))
    assert apply_blocks(old, read_blocks(edit_blocks(old, new))) == new


@pytest.mark.parametrize("text", ["", " \n", "a", "a\r\n", "=======\n", "<<<<<<< SEARCH\n"])
def test_texts_that_blocks_cannot_carry_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="block"):
        edit_blocks("a = 1\n", text)
