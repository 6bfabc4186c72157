"""A race stops programs that are plainly worse, and hardly any other: error rates on simulated losses, paired by row."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import binom, norm

from gome.graph.registry import ServiceRegistry
from gome.graph.run_layout import prepare_run
from gome.optimizer.racing import ERROR_RATE, plainly_worse, race_against
from gome.optimizer.sequential_test import chance_of_no_loss, level_of_a_look
from gome.state.config import RunConfig
from gome.state.parts import Race
from gome.tools.evaluation.bootstrap import FoldPredictions
from gome.tools.evaluation.unit_gains import PairedUnits, UnitGains
from gome.tools.fold_race import FoldRace
from tests.graded import make_task
from tests.real_tasks import write_diabetes

RUNS, ROWS = 300, 60
Draw = Callable[[np.random.Generator, int], np.ndarray]


def folds_run(draw: Draw, folds: int, *, rows: int = ROWS, seed: int = 0) -> np.ndarray:
    """(RUNS,) After how many of the folds each race ended, `folds` where it was not stopped. The incumbent loses on each
    row what the candidate gains there, if anything, and something besides: what the right answers would gain."""
    rng = np.random.default_rng(seed)
    ended = np.full(RUNS, folds)
    for run in range(RUNS):
        gains = draw(rng, folds * rows)
        room = np.maximum(gains, 0) + rng.exponential(size=len(gains))
        for look in range(1, folds):
            seen = look * rows
            if plainly_worse(UnitGains(gains[:seen], room[:seen], room), folds):
                ended[run] = look
                break
    return ended


def normal(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.normal(size=size)


def heavy(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.standard_t(3, size=size)


def skewed(rng: np.random.Generator, size: int) -> np.ndarray:
    """Most rows a little worse, few far better."""
    return rng.lognormal(size=size) - np.exp(0.5)


def rare(rng: np.random.Generator, size: int) -> np.ndarray:
    """One row in twenty is better by far, all others are worse by about as much each."""
    return np.where(rng.random(size) < 0.05, 19.0, -1.0) + 0.1 * rng.normal(size=size)


def discrete(rng: np.random.Generator, size: int) -> np.ndarray:
    """One row in ten changes, one of five of these for the better and by more."""
    return rng.choice([-1.0, 0.0, 4.0], p=[0.08, 0.9, 0.02], size=size)


@pytest.mark.parametrize(
    ("noise", "folds", "rows"),
    [
        (normal, 5, 60),
        (heavy, 5, 60),
        (skewed, 5, 60),
        (skewed, 3, 30),
        (skewed, 10, 20),
        (rare, 5, 60),
        (rare, 10, 20),
        (discrete, 5, 60),
    ],
)
def test_a_program_as_good_as_the_incumbent_is_stopped_as_seldom_as_stated(
    noise: Draw, folds: int, rows: int
) -> None:
    """By Student's distribution it would be up to a third of them."""
    stopped = (folds_run(noise, folds, rows=rows) < folds).mean()
    assert stopped <= ERROR_RATE + 2 * np.sqrt(ERROR_RATE / RUNS)


def test_so_it_is_where_rows_of_one_group_err_alike(tmp_path: Path) -> None:
    """Ten rows of a patient each are no more than one: graded predictions, by a task that names the group."""
    task = make_task("mae", "regression", group="patient")
    rng, folds, stopped = np.random.default_rng(0), 3, 0
    for _ in range(100):
        ours, theirs = [], []
        for fold in range(folds):
            patient = np.repeat(np.arange(15), 10) + 100 * fold
            ids, truth = np.arange(150) + 1000 * fold, np.zeros(150)
            answers = pd.DataFrame({"id": ids, "y": truth, "patient": patient})
            for side in (ours, theirs):
                error = np.abs(np.repeat(rng.normal(size=15), 10) + 0.1 * rng.normal(size=150))
                side.append((answers, pd.DataFrame({"id": ids, "y": error})))
        paired = PairedUnits(task, ours, seed=0)
        stopped += any(plainly_worse(paired.of(theirs[:k]), folds) for k in range(1, folds))
    assert stopped <= 100 * ERROR_RATE + 2 * np.sqrt(100 * ERROR_RATE)


def test_better_programs_run_all_their_folds_and_plainly_worse_ones_few() -> None:
    """Gains in standard errors of the comparison on all five folds."""
    folds = 5

    def ended(gain_se: float) -> np.ndarray:
        gain = gain_se / np.sqrt(folds * ROWS)
        return folds_run(lambda rng, size: gain + normal(rng, size), folds)

    assert (ended(1.5) < folds).mean() < 0.01
    assert ended(-6).mean() < 2
    assert folds > ended(-2).mean() > ended(-3).mean() > ended(-6).mean()


@pytest.mark.parametrize(("looks", "bound"), [(2, 2.178), (3, 2.289), (5, 2.413), (10, 2.555)])
def test_the_level_of_a_look_is_that_of_pocock(looks: int, bound: float) -> None:
    """His table of two-sided bounds at 5 %: by symmetry, as good as one-sided ones at 2.5 %."""
    assert level_of_a_look(0.025, looks) == pytest.approx(norm.sf(bound), rel=0.01)


@given(worse=st.integers(1, 60), better=st.integers(0, 20), most=st.floats(0.2, 5))
def test_of_hits_and_misses_it_is_the_exact_test(worse: int, better: int, most: float) -> None:
    """Clopper and Pearson's: a share of `better` in that many rows or fewer, were the mean 0."""
    gains = np.array([-1.0] * worse + [most] * better)
    if gains.sum() + most < -0.01:  # else the mean may be 0, of which it is not asked
        share = 1 / (1 + most)
        expected = binom.cdf(better, worse + better, share)
        assert chance_of_no_loss(gains, most) == pytest.approx(expected, rel=0.06)


@given(arrays(float, st.integers(1, 40), elements=st.floats(-1e9, 1e9)), st.floats(0, 1e9))
def test_whatever_the_gains_it_is_a_share_that_falls_with_them(gains: np.ndarray, most: float) -> None:
    most = max(most, float(gains.max()))
    found = chance_of_no_loss(gains, most)
    assert 0 <= found <= 1
    assert chance_of_no_loss(np.append(gains, -most), most) <= found + 0.05  # the approximation's own error


def test_rare_rows_to_come_on_which_the_incumbent_fails_are_waited_for() -> None:
    gains, room = np.full(40, -1.0), np.full(200, 1.0)
    assert plainly_worse(UnitGains(gains, room[:40], room), 5)
    room[150:153] = 80
    assert not plainly_worse(UnitGains(gains, room[:40], room), 5)


def test_nothing_is_concluded_from_few_rows_where_the_right_answers_are_not_known() -> None:
    assert not plainly_worse(UnitGains(np.full(29, -1.0), None, None), 5)
    assert plainly_worse(UnitGains(np.full(31, -1.0), None, None), 5)


@given(st.permutations(range(5)), st.integers(1, 6))
def test_looks_are_the_same_in_whatever_order_folds_end(order: list[int], enough: int) -> None:
    """As after a kill, when some folds are known already and others run side by side."""
    looks: list[list[int]] = []

    def look(known: Sequence[FoldPredictions], folds: int) -> Race | None:
        looks.append([int(answers.iloc[0, 0]) for answers, _ in known])
        return (
            Race(folds=len(known), of=folds, candidate=1.0, incumbent=0.0) if len(known) == enough else None
        )

    def predictions(fold: int) -> Callable[[], FoldPredictions]:
        return lambda: (pd.DataFrame({"fold": [fold]}), pd.DataFrame())

    race = FoldRace(5, look)
    decided = [race.done(fold, predictions(fold)) for fold in order][-1]
    assert looks == [list(range(n)) for n in range(1, min(enough, 4) + 1)]
    assert decided == (enough if enough < 5 else None)


@pytest.mark.parametrize("options", [{"without": "racing"}, {"time": "age"}])
def test_there_is_no_race_where_it_is_left_out_or_folds_are_windows_of_time(
    tmp_path: Path, options: dict[str, str]
) -> None:
    def raced(name: str, **given: str) -> bool:
        run = prepare_run(str(task), RunConfig(run_dir=str(tmp_path / name), **given))
        return race_against(ServiceRegistry().services(run, None, lambda event: None), "x.json") is not None

    task = write_diabetes(tmp_path / "task")
    assert raced("with")
    assert not raced("other", **options)
