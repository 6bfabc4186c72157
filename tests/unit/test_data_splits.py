"""The laws of the splits: disjoint, whole, groups and time kept apart, the same for the same seed."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.state.errors import GomeError
from gome.state.task import Task
from gome.tools.data.row_splits import Split, deal
from gome.tools.data.splits import MIN_ROWS, SplitPlan, plan_splits


def make_task(problem: str, **more: str | None) -> Task:
    return Task(
        name="t", root="/", description="", metric="m", direction="maximize", problem=problem, train="train.csv",
        test="test.csv", sample="sample.csv", id="id", target=["y"], prediction=["y"], **more,
    )  # fmt: skip


@st.composite
def tables(draw: st.DrawFn) -> tuple[pd.DataFrame, Task]:
    n = draw(st.integers(MIN_ROWS * 2, 700))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    problem = draw(st.sampled_from(["binary", "multiclass", "regression"]))
    y = {
        "binary": (rng.random(n) < draw(st.floats(0.02, 0.5))).astype(float),
        "multiclass": np.floor(rng.exponential(3, n)),
        "regression": rng.normal(size=n),
    }[problem]
    y[0] = 1
    y[: draw(st.integers(0, n // 5))] = np.nan
    table = pd.DataFrame({"id": np.arange(n), "x": rng.normal(size=n), "y": y})
    table["g"] = rng.integers(0, draw(st.integers(8, 200)), n)
    table["t"] = rng.integers(0, draw(st.integers(12, 5000)), n)
    structure = draw(st.sampled_from(["none", "group", "time"]))
    return table, make_task(
        problem, group="g" if structure == "group" else None, time="t" if structure == "time" else None
    )


def graded(plan: SplitPlan) -> list[Split]:
    return [split for name in ("smoke", "search", "selection") for split in plan.folds(name)]


@settings(max_examples=60, deadline=None)
@given(tables(), st.integers(0, 3), st.none() | st.integers(1, 8))
def test_no_row_is_on_two_sides_and_no_hidden_row_is_seen(
    case: tuple[pd.DataFrame, Task], seed: int, folds: int | None
) -> None:
    table, task = case
    plan = plan_splits(table, task, seed=seed, folds=folds)
    held_back = plan.folds("selection")[0].test_rows
    for split in graded(plan):
        assert len(split.train_rows) > 0
        assert len(split.test_rows) > 0
        assert np.all(np.diff(split.train_rows) > 0)
        assert np.all(np.diff(split.test_rows) > 0)
        assert not np.intersect1d(split.train_rows, split.test_rows).size
        assert table["y"].iloc[split.test_rows].notna().all()
        if split.name != "selection":
            assert not np.intersect1d(held_back, [*split.train_rows, *split.test_rows]).size
        if task.group:
            sides = [set(table["g"].iloc[rows]) for rows in (split.train_rows, split.test_rows)]
            assert not sides[0] & sides[1]
        if task.time:
            assert table["t"].iloc[split.train_rows].max() < table["t"].iloc[split.test_rows].min()


@settings(max_examples=40, deadline=None)
@given(tables())
def test_every_row_is_used(case: tuple[pd.DataFrame, Task]) -> None:
    table, task = case
    plan = plan_splits(table, task, seed=0)
    final = plan.folds("final")[0]
    assert final.train_rows.tolist() == list(range(len(table)))
    assert len(final.test_rows) == 0
    selection = plan.folds("selection")[0]
    labelled = set(np.flatnonzero(table["y"].notna()))
    assert labelled <= {*selection.train_rows.tolist(), *selection.test_rows.tolist()} or task.time
    search = [set(split.test_rows.tolist()) for split in plan.folds("search")]
    if not task.time:
        assert set.union(*search) == labelled - set(selection.test_rows.tolist())


@settings(max_examples=30, deadline=None)
@given(tables(), st.integers(0, 5))
def test_the_same_seed_gives_the_same_splits_and_files_keep_them(
    tmp_path_factory: pytest.TempPathFactory, case: tuple[pd.DataFrame, Task], seed: int
) -> None:
    table, task = case
    plan, again = plan_splits(table, task, seed=seed), plan_splits(table, task, seed=seed)
    path = tmp_path_factory.mktemp("plan") / "splits.npz"
    plan.save(path)
    loaded = SplitPlan.load(path)
    assert plan.reason == loaded.reason
    for other in (again, loaded):
        assert len(other.splits) == len(plan.splits)
        for a, b in zip(plan.splits, other.splits, strict=True):
            assert (a.name, a.fold) == (b.name, b.fold)
            assert a.train_rows.tolist() == b.train_rows.tolist()
            assert a.test_rows.tolist() == b.test_rows.tolist()


@given(st.lists(st.integers(0, 6), min_size=10, max_size=300), st.integers(2, 6))
def test_dealing_spreads_each_class_evenly(labels: list[int], parts: int) -> None:
    part = deal(np.array(labels, dtype=float), parts, np.random.default_rng(0), classes=True)
    for label in set(labels):
        counts = np.bincount(part[np.array(labels) == label], minlength=parts)
        assert counts.max() - counts.min() <= 1


@given(st.lists(st.floats(-1e6, 1e6), min_size=10, max_size=300), st.integers(2, 6))
def test_dealing_spreads_numbers_by_rank(values: list[float], parts: int) -> None:
    labels = np.array(values)
    part = deal(labels, parts, np.random.default_rng(0), classes=False)
    ordered = part[np.argsort(labels, kind="stable")]
    half = np.bincount(ordered[: len(values) // 2], minlength=parts)
    assert half.max() - half.min() <= 2 * parts
    sizes = np.bincount(part, minlength=parts)
    assert sizes.max() - sizes.min() <= 1


def frame(n: int, **columns: np.ndarray) -> pd.DataFrame:
    rng = np.random.default_rng(0)
    return pd.DataFrame({"id": np.arange(n), "x": rng.normal(size=n), "y": rng.integers(0, 2, n), **columns})


@pytest.mark.parametrize(("rows", "folds"), [(200, 10), (1500, 5), (10_000, 3), (40_000, 1)])
def test_more_rows_need_fewer_folds(rows: int, folds: int) -> None:
    plan = plan_splits(frame(rows), make_task("binary"), seed=0)
    assert len(plan.folds("search")) == folds
    share = len(plan.folds("selection")[0].test_rows) / rows
    assert 0.15 <= share <= 0.21
    smoke = plan.folds("smoke")[0]
    assert len(smoke.train_rows) <= 300
    assert len(smoke.test_rows) <= 100


@pytest.mark.parametrize(("asked", "made"), [(None, 10), (1, 1), (3, 3), (50, 42)])
def test_as_many_folds_as_are_asked_for_and_the_rows_allow(asked: int | None, made: int) -> None:
    table = pd.DataFrame(
        {"id": range(160), "y": np.arange(160.0)}
    )  # 128 of them for the search, three a fold at least
    assert len(plan_splits(table, make_task("regression"), seed=0, folds=asked).folds("search")) == made


def test_smoke_has_every_class(tmp_path: Path) -> None:
    n = 20_000
    y = np.zeros(n, dtype=int)
    y[: 30 * 40] = np.repeat(np.arange(30), 40)
    table = frame(n).assign(y=np.random.default_rng(0).permutation(y))
    smoke = plan_splits(table, make_task("multiclass"), seed=0).folds("smoke")[0]
    assert table["y"].iloc[smoke.train_rows].nunique() == 30
    assert table["y"].iloc[smoke.test_rows].nunique() == 30


def test_every_fold_of_a_rare_class_has_both_classes() -> None:
    y = np.zeros(1000, dtype=int)
    y[[3, 500, 600, 700, 800]] = 1
    plan = plan_splits(frame(1000).assign(y=y), make_task("binary"), seed=0)
    for name in ("search", "selection"):
        for split in plan.folds(name):
            assert set(y[split.train_rows]) == {0, 1}
            assert set(y[split.test_rows]) == {0, 1}


def test_rows_with_the_same_features_stay_together() -> None:
    table = frame(600)
    table.loc[300:, "x"] = table["x"].iloc[:300].to_numpy()
    for split in graded(plan_splits(table, make_task("binary"), seed=0)):
        assert not set(table["x"].iloc[split.train_rows]) & set(table["x"].iloc[split.test_rows])


def test_time_as_text() -> None:
    days = pd.date_range("2020-01-01", periods=500).strftime("%d/%m/%Y").to_numpy()
    table = frame(500, day=np.random.default_rng(0).permutation(days))
    when = pd.to_datetime(table["day"], format="%d/%m/%Y")
    plan = plan_splits(table, make_task("binary", time="day"), seed=0)
    for split in graded(plan):
        assert when.iloc[split.train_rows].max() < when.iloc[split.test_rows].min()
    assert when.iloc[plan.folds("selection")[0].test_rows].max() == when.max()


def test_what_cannot_be_split_is_said() -> None:
    with pytest.raises(GomeError, match="10 rows have a label"):
        plan_splits(frame(10), make_task("binary"), seed=0)
    with pytest.raises(GomeError, match="groups"):
        plan_splits(frame(100, g=np.arange(100) % 2), make_task("binary", group="g"), seed=0)
    with pytest.raises(GomeError, match="distinct"):
        plan_splits(frame(100, t=np.ones(100)), make_task("binary", time="t"), seed=0)
