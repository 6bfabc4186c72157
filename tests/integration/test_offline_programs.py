"""Composed programs, run as processes on small tasks made here, and graded by the task's metric."""

import importlib.util
import json
import os
import shutil
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome.offline.compose import render
from gome.offline.recipe import ModelSpec, Recipe
from gome.state.task import Task
from gome.tools.data.profile import profile
from gome.tools.evaluation.grading import grade
from gome.tools.evaluation.metrics import get
from gome.tools.evaluation.submission import check_submission
from gome.tools.execution.environment.runtime import ensure_runtime, is_built

pytestmark = pytest.mark.slow
ROWS, TEST = 300, 120


def make_table(rng: np.random.Generator) -> tuple[pd.DataFrame, np.ndarray]:
    """A mixed table with gaps, an empty and a constant column, rare and unseen categories, dates and texts."""
    n = ROWS + TEST
    strength = rng.normal(size=n)
    words = np.array(["slow", "fine", "quick", "great", "late", "cold", "round", "green"])
    frame = pd.DataFrame(
        {
            "id": np.arange(n) * 3 + 7,
            "size": np.exp(strength + rng.normal(scale=0.3, size=n)),
            "count": rng.poisson(3, n),
            "gap": np.where(rng.random(n) < 0.4, np.nan, strength + rng.normal(size=n)),
            "empty": np.nan,
            "fixed": "same",
            "flag": rng.random(n) < 0.5,
            "town": rng.choice(list("abcdefgh"), n),
            "code": [
                f"{c}{k} x{k}"
                for c, k in zip(rng.choice(list("ABC"), n), rng.integers(1, 90, n), strict=True)
            ],
            "seen": rng.permutation(
                pd.date_range("2021-01-01", periods=n, freq="7h").strftime("%Y-%m-%d %H:%M:%S")
            ),
            "note": [
                " ".join([*rng.choice(words, 9), "quick great" if s > 0 else "late cold", f"number{k}"])
                for k, s in enumerate(strength)
            ],
        }
    )
    frame.loc[rng.random(n) < 0.1, "town"] = None
    frame.loc[ROWS:, "code"] = "Z1 x1"
    return frame, strength


def labels_of(kind: str, strength: np.ndarray, rng: np.random.Generator) -> pd.DataFrame:
    noisy = strength + rng.normal(scale=0.3, size=len(strength))
    three = np.digitize(noisy, [-0.5, 0.5])
    if kind in ("labels", "shares", "ranking"):
        names = np.array(["low", "mid", "top"], dtype=object)[three]
        names[0] = "lone"  # a class with one row
        return pd.DataFrame({"y": names})
    return {
        "regression": lambda: pd.DataFrame({"y": np.exp(noisy)}),
        "regressions": lambda: pd.DataFrame({"y": noisy, "z": 5 - 2 * noisy}),
        "binary": lambda: pd.DataFrame({"y": noisy > 0.4}),
        "binary labels": lambda: pd.DataFrame({"y": noisy > 0.9}),
        "grades": lambda: pd.DataFrame({"y": three + 3}),
        "multilabel": lambda: pd.DataFrame({"y": (noisy > 0).astype(int), "z": 0}),
    }[kind]()


#        kind           problem       metric      a bar that guessing does not reach
TASKS = {
    "regression": ("regression", "rmsle", 0.55),
    "regressions": ("regression", "rmse", 1.2),
    "binary": ("binary", "auc", 0.85),
    "binary labels": ("binary", "f1", 0.42),
    "labels": ("multiclass", "accuracy", 0.5),
    "shares": ("multiclass", "log_loss", 0.95),
    "grades": ("multiclass", "qwk", 0.6),
    "ranking": ("multiclass", "map@2", 0.65),
    "multilabel": ("multilabel", "log_loss", 0.5),
}
FORESTS = (ModelSpec("random_forest"), ModelSpec("extra_trees"))
MIXED = (ModelSpec("hist_gb", {"max_iter": 30}), ModelSpec("linear"), ModelSpec("knn"))
RECIPES = {
    "linear": Recipe(models=(ModelSpec("linear"),), text="tfidf", skew_log=True, missing="indicator"),
    "everything": Recipe(
        models=MIXED,
        categories="target",
        rare_min=5,
        text="tfidf_svd",
        counts=True,
        group_stats=(("town", "size"),),
        interactions=(("size", "/", "count"), ("gap", "*", "flag")),
        split_codes=("code",),
        row_stats=True,
        folds=2,
        bagging=2,
        stack=True,
        tune_threshold=True,
        clip_target=True,
        class_weight="balanced",
    ),
    "rounded": Recipe(models=FORESTS, tune_rounding=True, target_transform="log1p", scale="quantile"),
    "others": Recipe(
        models=(ModelSpec("mlp"), ModelSpec("svm"), ModelSpec("naive_bayes")), text="tfidf_char", folds=2
    ),
    "lightgbm": Recipe(
        models=(ModelSpec("lightgbm"), ModelSpec("linear")),
        categories="native",
        tuning="small",
        tuning_seconds=2,
    ),
    "xgboost": Recipe(
        models=(ModelSpec("xgboost", {}, 0.7), ModelSpec("linear", {}, 0.3)),
        categories="native",
        text="lengths",
    ),
}


def write_task(root: Path, kind: str, **more: str) -> tuple[Task, pd.DataFrame]:
    """The task folder of a mixed table and its hidden answers."""
    rng = np.random.default_rng(3)
    frame, strength = make_table(rng)
    problem, metric, _ = TASKS[kind]
    return write_frame(root, frame, labels_of(kind, strength, rng), problem, metric, kind == "shares", **more)


def write_frame(
    root: Path,
    frame: pd.DataFrame,
    labels: pd.DataFrame,
    problem: Any,
    metric: str,
    by_class: bool = False,
    **more: str,
) -> tuple[Task, pd.DataFrame]:
    """The first 300 rows as training table, the rest as test table, a shuffled sample; the rest's answers."""
    targets = list(labels.columns)
    known = sorted(labels["y"].iloc[:ROWS].astype(str).unique())
    classes = known if problem in ("binary", "multiclass") else []
    prediction = [f"share_{c}" for c in classes] if by_class else targets
    frame.iloc[:ROWS].join(labels).to_parquet(root / "train.parquet")
    frame.iloc[ROWS:].to_csv(root / "test.csv", index=False)
    sample = frame.iloc[ROWS:][["id"]].sample(frac=1, random_state=1)
    sample.assign(**dict.fromkeys(prediction, 0)).to_csv(root / "sample.csv", index=False)
    task = Task(
        name="made",
        root=str(root),
        description="made",
        metric=metric,
        direction=get(metric).direction,
        problem=problem,
        train="train.parquet",
        test="test.csv",
        sample="sample.csv",
        id="id",
        target=targets,
        prediction=prediction,
        classes=classes,
        **more,
    )
    return task, frame.iloc[ROWS:][["id"]].join(labels)


def run_program(task: Task, recipe: Recipe, folder: Path, python: str = sys.executable) -> str:
    facts = {"task": task.model_dump(exclude={"root", "description"}), "data": profile(task)}
    (folder / "input").symlink_to(task.root)
    (folder / "main.py").write_text(render(recipe, facts))
    one = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    env = {**os.environ, **one, "SEED": "5", "LOKY_MAX_CPU_COUNT": "1"}
    done = subprocess.run(
        [python, "main.py"],
        cwd=folder,
        env=env,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr[-3000:]
    assert not done.stderr, done.stderr[-3000:]
    return done.stdout


@pytest.fixture
def folders(tmp_path: Path) -> tuple[Path, Path]:
    for name in ("task", "work"):
        (tmp_path / name).mkdir()
    return tmp_path / "task", tmp_path / "work"


def check(
    task: Task,
    answers: pd.DataFrame,
    recipe: Recipe,
    work: Path,
    bar: float,
    python: str = sys.executable,
) -> list[dict[str, Any]]:
    """Run, grade, and give the lines of the program log."""
    output = run_program(task, recipe, work, python)
    sample = pd.read_csv(Path(task.root) / task.sample)
    submission, problems = check_submission(work / "submission.csv", sample, task)
    assert submission is not None, problems
    value = grade(task, submission, answers)
    assert value > bar if task.direction == "maximize" else value < bar, value
    log = [json.loads(line[5:]) for line in output.splitlines() if line.startswith("GOME ")]
    assert any("valid_score" in entry and "train_score" in entry for entry in log)
    assert {"load", "features", "validation", "fit"} <= {entry.get("stage") for entry in log}
    return log


PAIRS = [
    *(("everything", kind) for kind in ("regressions", "binary labels", "shares", "multilabel")),
    *(("linear", kind) for kind in ("regression", "labels", "ranking")),
    ("rounded", "grades"),
    ("rounded", "regressions"),
    ("others", "binary labels"),
    ("others", "regression"),
    *(
        (boosting, kind)
        for boosting in ("lightgbm", "xgboost")
        for kind in ("binary", "shares", "regression")
    ),
]


@pytest.mark.parametrize(("recipe", "kind"), PAIRS)
def test_programs_run_and_predict(recipe: str, kind: str, folders: tuple[Path, Path]) -> None:
    if recipe in ("lightgbm", "xgboost"):
        for package in (recipe, "optuna"):
            if not importlib.util.find_spec(package):
                pytest.skip(f"{package} is not installed")
    task, answers = write_task(folders[0], kind)
    check(task, answers, RECIPES[recipe], folders[1], TASKS[kind][2])


@pytest.mark.parametrize("structure", [{"time": "seen"}, {"group": "town"}])
def test_inner_splits_follow_time_and_groups(structure: dict, folders: tuple[Path, Path]) -> None:
    task, answers = write_task(folders[0], "binary", **structure)
    check(task, answers, Recipe(models=(ModelSpec("linear"), ModelSpec("hist_gb"))), folders[1], 0.8)


def test_columns_of_other_tables_are_joined(folders: tuple[Path, Path]) -> None:
    """Only the other table tells what the target is; its key has another name and a row too many."""
    rng = np.random.default_rng(1)
    places = pd.DataFrame({"name": [f"p{k}" for k in range(40)], "height": rng.normal(size=40)})
    pd.concat([places, places.head(1)]).to_csv(folders[0] / "places.csv", index=False)
    row = rng.integers(0, 40, 400)
    frame = pd.DataFrame({"id": range(400), "place": places["name"].to_numpy()[row]})
    labels = pd.DataFrame({"y": places["height"].to_numpy()[row]})
    task, answers = write_frame(folders[0], frame, labels, "regression", "rmse")
    recipe = Recipe(models=(ModelSpec("hist_gb"),), joins=(("places.csv", ("place=name",)),), drop=("place",))
    check(task, answers, recipe, folders[1], 0.3)


def write_bars(folder: Path, problem: str = "binary", metric: str = "accuracy") -> tuple[Task, pd.DataFrame]:
    """Bars that lie or stand, anywhere in a picture of 12 x 12 grey values."""
    rng = np.random.default_rng(2)
    pictures, standing = rng.integers(0, 90, (420, 12, 12)), rng.random(420) < 0.5
    for picture, stands, place in zip(pictures, standing, rng.integers(1, 10, 420), strict=True):
        (picture.T if stands else picture)[place, 1:11] = 250
    frame = pd.DataFrame(pictures.reshape(420, -1), columns=[f"pixel{k}" for k in range(144)])
    frame.insert(0, "id", range(420))
    labels = pd.DataFrame({"y": np.where(standing, "stands", "lies")})
    if problem == "regression":
        labels = pd.DataFrame({"y": 40.0 + 10 * standing})
    return write_frame(folder, frame, labels, problem, metric)


BITMAP = b"BM" + struct.pack("<IIIIiiHHIIiiII", 54 + 768, 0, 54, 40, 16, 16, 1, 24, 0, 768, 0, 0, 0, 0)
"""The header of a picture of 16 x 16 points of three bytes."""


@pytest.mark.parametrize(("suffix", "packed"), [(".bmp", False), (".bmp", True), (".raw", False)])
def test_rows_that_are_nothing_but_the_name_of_a_file(
    suffix: str, packed: bool, folders: tuple[Path, Path]
) -> None:
    """The picture, and of other kinds the bytes, tell what to predict; train and test number theirs alike."""
    rng = np.random.default_rng(3)
    bright = rng.random(ROWS + TEST) < 0.5
    names = [f"unit{k % ROWS:03}x{suffix if packed else ''}" for k in range(ROWS + TEST)]
    for k, level in enumerate(np.where(bright, 120, 90)):
        cells = np.clip(rng.normal(level, 30, (16, 16)), 0, 255).astype(np.uint8)
        path = folders[0] / ("train" if k < ROWS else "test") / names[k]
        path.parent.mkdir(exist_ok=True)
        head = BITMAP if suffix == ".bmp" else b""
        path.with_suffix(suffix).write_bytes(head + np.repeat(cells, 3).tobytes())
    for part in ("train", "test") if packed else ():
        shutil.make_archive(str(folders[0] / part), "zip", folders[0] / part)
        shutil.rmtree(folders[0] / part)
    labels = pd.DataFrame({"y": np.where(bright, "bright", "dark")})
    task, answers = write_frame(folders[0], pd.DataFrame({"id": names}), labels, "binary", "accuracy")
    recipe, python = Recipe(models=(ModelSpec("linear"),), image="pixels"), str(ensure_runtime(None).python)
    check(task, answers, recipe, folders[1], 0.9, python)


@pytest.mark.parametrize("image", ["pixels", "hog", "pca"])
def test_rows_of_pixels_are_read_as_pictures(image: str, folders: tuple[Path, Path]) -> None:
    task, answers = write_bars(folders[0])
    recipe = Recipe(models=(ModelSpec("svm"),), image=image, augment=True)
    check(task, answers, recipe, folders[1], {"pixels": 0.8, "hog": 0.95, "pca": 0.8}[image])


@pytest.mark.parametrize(
    ("problem", "metric", "bar"), [("binary", "accuracy", 0.95), ("regression", "rmse", 3.0)]
)
def test_a_network_learns_from_pictures(
    problem: str, metric: str, bar: float, folders: tuple[Path, Path]
) -> None:
    if not is_built("torch"):
        pytest.skip("the environment `torch` is not built here (gome doctor --runtime torch builds it)")
    task, answers = write_bars(folders[0], problem, metric)
    python = str(ensure_runtime("torch").python)
    log = check(task, answers, Recipe(models=(ModelSpec("cnn"),)), folders[1], bar, python)
    assert [len(entry["curve"]) for entry in log if "curve" in entry] == [20, 20]


def test_programs_repeat_themselves(folders: tuple[Path, Path], tmp_path: Path) -> None:
    task, _ = write_task(folders[0], "labels")
    again = tmp_path / "again"
    again.mkdir()
    for work in (folders[1], again):
        run_program(task, Recipe(models=(ModelSpec("random_forest"), ModelSpec("linear"))), work)
    assert (folders[1] / "submission.csv").read_bytes() == (again / "submission.csv").read_bytes()
