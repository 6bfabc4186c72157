"""The laboratory on a tiny bank: a run works, is the same by its seed, and is the product's graph's."""

from pathlib import Path

import numpy as np
import pytest

from benchmarks.lab.arms import Arm
from benchmarks.lab.line_search import Limits
from benchmarks.lab.outcomes import LEVELS, Outcomes, Stronger, load, load_with_strengths, nearest
from benchmarks.lab.play import Played, play
from benchmarks.lab.programs import point_of
from benchmarks.lab.reasoner import TRULY, Dials, directed
from benchmarks.lab.run import row_of
from benchmarks.lab.space import Point, Space
from benchmarks.lab.strengths import NAMED, between, sizes_of, strengths_of
from benchmarks.lab.world import World
from gome.state.task import Task

MODELS = ("linear", "lightgbm", "knn", "linear+lightgbm", "linear+knn", "lightgbm+knn", "linear+lightgbm+knn")
ROWS, FEWER = 80, 0.4


def tiny(best: float | None = None) -> Outcomes:
    """28 programs of a regression; each switch that is on, and each further model, takes away a share of the error. Given
    the `best` strength also those that only a line search reaches: the farther from it, the larger the error."""
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
    known = Outcomes(
        task=task,
        space=space,
        points=space.points,
        fold=np.arange(ROWS) % 2,
        codes={part: nearest(said[part], levels[part]) for part in LEVELS},
        levels=levels,
        truth=truth,
        hidden=rmse(said["hidden"], truth["hidden"]),
        seconds=np.ones(len(space.points)),
    )
    if best is None:
        return known
    points: list[Point] = [
        (m, s, logs) for m in MODELS for s in sizes_of(m) if s not in NAMED for logs in ("without", "with")
    ]
    base = [space.place[m, "plain", logs] for m, _, logs in points]
    off = np.array([max(abs(s - best) for s in strengths_of(size).values()) for _, size, _ in points])
    said = {p: truth[p] + (said[p] - truth[p])[base] * (0.2 + off)[:, None] for p in LEVELS}
    more = Stronger(
        points,
        {part: nearest(said[part], levels[part]) for part in LEVELS},
        rmse(said["hidden"], truth["hidden"]),
    )
    return known.with_more(more)


def rmse(said: np.ndarray, truth: np.ndarray) -> np.ndarray:
    return np.sqrt(((said - truth) ** 2).mean(axis=1))


@pytest.fixture(scope="module")
def world() -> World:
    return World(tiny(), sample=0)


@pytest.fixture(scope="module")
def searchable() -> World:
    """The strength in the middle is by far the best one."""
    return World(tiny(best=0.5), sample=0)


def played(
    world: World, seed: int, *, by_graph: bool = False, limits: Limits | None = None, **settings: object
) -> Played:
    arm = Arm("", settings, limits=limits)
    return play(world, Dials(), seed, settings=arm.config(), limits=limits or Limits(), by_graph=by_graph)


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


def test_a_strength_lies_between_the_settings_of_plain_and_regularised_models_or_beyond() -> None:
    plain, regularised = {"C": 4.0, "trees": 40}, {"C": 1.0, "trees": 40, "share": 0.6}
    settings = [between(plain, regularised, strength) for strength in (0.0, 0.5, 1.0, 1.5)]
    assert settings == [
        plain,
        {"C": 2.0, "trees": 40, "share": 0.6},
        regularised,
        {"C": 0.5, "trees": 40, "share": 0.6},
    ]


def test_every_change_of_a_tuned_program_leads_to_one_of_the_bank(searchable: World) -> None:
    space, point = searchable.space, ("linear+lightgbm", "1/0.5", "without")
    near = [to for _, to in space.neighbours(point)]
    assert all(to in searchable.outcomes.place for to in near)
    assert ("linear+lightgbm+knn", "1/0.5", "without") in near
    assert ("linear", "0.5/0.5", "without") in near
    assert ("lightgbm", "regularised", "without") in near
    assert {to[1] for to in near if to[0] == point[0]} == {"1/0.5", "plain", "regularised"}
    assert space.merged(("knn", "0.5/0.5", "with"), point) == ("linear+lightgbm+knn", "0.5/0.5", "with")


def test_without_a_line_search_a_run_never_meets_what_only_that_reaches(
    world: World, searchable: World
) -> None:
    assert np.array_equal(searchable.worth[: len(world.worth)], world.worth)
    for seed in (0, 1):
        alone, beside = (played(w, seed, time_limit_s=900) for w in (world, searchable))
        assert steps(alone) == steps(beside)
        assert alone.graded == beside.graded


def test_a_line_search_takes_steps_to_strengths_that_no_change_reaches(searchable: World) -> None:
    first, again, other = (played(searchable, seed, limits=Limits(share=1.0)) for seed in (3, 3, 4))
    assert steps(first) == steps(again)
    assert first.trials == again.trials
    assert first.trials != other.trials
    taken = [r for r in first.records if r.kind == "tune" and r.accepted]
    assert taken
    assert {point_of(str(r.code))[1] for r in taken} - NAMED.keys()
    assert all(r.seconds == 0 for r in taken), "its folds were run before, and no model was asked"


def test_trials_give_way_to_the_programs_of_traces() -> None:
    world = World(tiny(best=-9.0), sample=0)  # no trial is any good, so the steps stay what they are
    limits = Limits(trials=99, programs=9, share=1.0)
    for count in (1, 2):
        alone, beside = (
            played(world, 3, limits=how, slots=count, traces=count, without=("racing",), time_limit_s=900)
            for how in (None, limits)
        )
        assert beside.trials
        assert beside.graded == alone.graded
        folds = [r.evaluation["seconds"] for r in alone.records if r.evaluation]
        assert sum(folds) + sum(trial.seconds for trial in beside.trials) <= count * alone.graded[-1].at_s


def test_a_share_of_the_time_is_all_that_trials_take() -> None:
    world = World(tiny(best=-9.0), sample=0)
    limits = [Limits(trials=99, programs=9, share=share) for share in (0.05, 0.2, 1.0)]
    taken = [sum(t.seconds for t in played(world, 3, time_limit_s=900, limits=how).trials) for how in limits]
    assert taken == sorted(set(taken))
    assert taken[0] <= 0.05 * 2 * 900 + 2 * 60


def test_strengths_are_read_behind_the_programs_of_the_bank(tmp_path: Path) -> None:
    tiny().save(tmp_path / "tiny.npz")
    assert load_with_strengths("tiny", tmp_path).points == tiny().points
    known, whole = len(tiny().points), tiny(best=0.5)
    codes = {part: whole.codes[part][known:] for part in LEVELS}
    Stronger(whole.points[known:], codes, whole.hidden[known:]).save(Stronger.path(tmp_path, "tiny"))
    read = load_with_strengths("tiny", tmp_path)
    assert read.points == whole.points
    assert np.array_equal(read.codes["hidden"], whole.codes["hidden"])
    arm = Arm("tuning", {"time_limit_s": 400}, limits=Limits())
    assert row_of(arm, "tiny", 3, tmp_path)["trials"] > 0
