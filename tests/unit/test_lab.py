"""The laboratory on a tiny bank: a run works, is the same by its seed, and is the product's graph's."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.lab.arms import Arm
from benchmarks.lab.outcomes import LEVELS, Outcomes, load, nearest
from benchmarks.lab.play import Played, play
from benchmarks.lab.reasoner import TRULY, Dials, directed
from benchmarks.lab.run import row_of
from benchmarks.lab.space import Space
from benchmarks.lab.world import World
from gome.state.task import Task

MODELS = ("linear", "lightgbm", "knn", "linear+lightgbm", "linear+knn", "lightgbm+knn", "linear+lightgbm+knn")
ROWS, FEWER = 80, 0.4


def tiny() -> Outcomes:
    """28 programs of a regression; each switch that is on, and each further model, takes away a share of the error."""
    space = Space({"models": MODELS, "size": ("plain", "regularised"), "logs": ("without", "with")}, {}, True)
    rng = np.random.default_rng(0)
    truth = {part: rng.normal(size=ROWS) for part in LEVELS}
    error = {part: rng.normal(size=(len(space.points), ROWS)) for part in LEVELS}
    good = np.array([p[0].count("+") + (p[1] == "regularised") + (p[2] == "with") for p in space.points])
    said = {part: truth[part] + error[part] * (1 - FEWER * good / 2)[:, None] for part in LEVELS}
    levels = {part: np.unique(np.quantile(said[part], np.linspace(0, 1, LEVELS[part]))) for part in LEVELS}
    task = Task(
        name="tiny",
        root="",
        description="",
        metric="rmse",
        direction="minimize",
        problem="regression",
        train="train.csv",
        test="test.csv",
        sample="sample_submission.csv",
        id="row",
        target=["y"],
        prediction=["y"],
    )
    return Outcomes(
        task=task,
        space=space,
        points=space.points,
        fold=np.arange(ROWS) % 2,
        codes={part: nearest(said[part], levels[part]) for part in LEVELS},
        levels=levels,
        truth=truth,
        hidden=np.sqrt(((said["hidden"] - truth["hidden"]) ** 2).mean(axis=1)),
        seconds=np.ones(len(space.points)),
    )


@pytest.fixture(scope="module")
def world() -> World:
    return World(tiny(), sample=0)


def played(world: World, seed: int, *, by_graph: bool = False, **settings: object) -> Played:
    return play(world, Dials(), seed, settings=Arm("", settings).config(), by_graph=by_graph)


def steps(played: Played) -> list:
    return [record.to_json() for record in played.records]


def test_a_run_is_the_same_by_its_seed_and_another_by_another(world: World) -> None:
    first, again, other = (played(world, seed, time_limit_s=700) for seed in (1, 1, 2))
    assert steps(first) == steps(again)
    assert steps(first) != steps(other)
    assert {record.verdict for record in first.records} == {"accepted", "rejected"}
    assert max(program.at_s for program in first.graded) <= 700


@pytest.mark.parametrize("settings", [{"traces": 3}, {"optimizer": "tree"}], ids=["gradient", "tree"])
def test_the_plain_loop_takes_the_steps_of_the_graph(world: World, settings: dict) -> None:
    for seed in (0, 1):
        by_loop, by_graph = (
            played(world, seed, by_graph=graph, time_limit_s=500, **settings) for graph in (False, True)
        )
        assert steps(by_loop) == steps(by_graph)
        assert by_loop.graded == by_graph.graded


def test_a_reliable_reasoner_proposes_what_gains_and_an_unreliable_one_what_does_not(world: World) -> None:
    point = ("linear", "plain", "without")
    for reliability, right in ((1.0, True), (0.0, False)):
        found = directed(world, point, set(), Dials(reliability), np.random.default_rng(0))
        gains = [world.worth[world.number(c.point)] - world.worth[world.number(point)] for c in found]
        assert all((gain > TRULY) == right for gain in gains[: 3 if right else 1])


def test_a_bank_is_read_as_it_was_written_and_a_run_in_it_is_a_row(tmp_path: Path) -> None:
    tiny().save(tmp_path / "tiny.npz")
    kept = load("tiny", tmp_path)
    assert kept.points == tiny().points
    assert np.array_equal(kept.codes["search"], tiny().codes["search"])
    arm = Arm("gradient 0.6", {"time_limit_s": 400})
    row = row_of(arm, "tiny", 3, tmp_path)
    assert row == row_of(arm, "tiny", 3, tmp_path)
    assert row["worth"] == row["curve"][-1][2]
    assert 0 < row["graded"] <= len(kept.points)
