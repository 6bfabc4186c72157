"""A race stops programs that are plainly worse, and hardly any other: error rates on simulated losses, paired by row."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.graph.registry import ServiceRegistry
from gome.graph.run_layout import prepare_run
from gome.optimizer.racing import ERROR_RATE, plainly_worse, race_against
from gome.state.config import RunConfig
from gome.state.parts import Comparison, Race
from gome.tools.evaluation.bootstrap import FoldPredictions
from gome.tools.fold_race import FoldRace
from tests.real_tasks import write_diabetes

RUNS, ROWS = 600, 60


def comparison(gains: np.ndarray) -> Comparison:
    """What the paired bootstrap of a mean comes to, without drawing: `gains` of single rows."""
    gain, stderr = float(gains.mean()), float(gains.std() / np.sqrt(len(gains)))
    return Comparison(gain=gain, stderr=stderr, p_better=0.5, low=gain - stderr, high=gain + stderr)


def folds_run(draw: Callable[[np.random.Generator], np.ndarray], folds: int, *, seed: int = 0) -> np.ndarray:
    """(RUNS,) After how many of the folds each race ended, `folds` where it was not stopped."""
    rng = np.random.default_rng(seed)
    ended = np.full(RUNS, folds)
    for run in range(RUNS):
        gains = draw(rng)
        for look in range(1, folds):
            rows = look * ROWS
            if plainly_worse(comparison(gains[:rows]), folds, rows):
                ended[run] = look
                break
    return ended


def normal(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.normal(size=size)


def heavy(rng: np.random.Generator, size: int) -> np.ndarray:
    return rng.standard_t(3, size=size) / np.sqrt(3)


def skewed(rng: np.random.Generator, size: int) -> np.ndarray:
    """Most rows a little worse, few far better: what such a race errs on most."""
    return rng.exponential(size=size) - 1


@pytest.mark.parametrize("folds", [3, 5, 10])
@pytest.mark.parametrize(("noise", "most"), [(normal, 1.0), (heavy, 1.0), (skewed, 2.0)])
def test_a_program_as_good_as_the_incumbent_is_stopped_as_seldom_as_stated(
    noise: Callable[[np.random.Generator, int], np.ndarray], most: float, folds: int
) -> None:
    """Skewed losses on so few rows are where Student's distribution is furthest off: within twice the rate."""
    stopped = (folds_run(lambda rng: noise(rng, folds * ROWS), folds) < folds).mean()
    chance = 3 * np.sqrt(most * ERROR_RATE / RUNS)
    assert stopped <= most * ERROR_RATE + chance


def test_better_programs_run_all_their_folds_and_plainly_worse_ones_few() -> None:
    """Gains in standard errors of the comparison on all five folds."""
    folds = 5

    def ended(gain_se: float) -> np.ndarray:
        gain = gain_se / np.sqrt(folds * ROWS)
        return folds_run(lambda rng: gain + normal(rng, folds * ROWS), folds)

    assert (ended(1.5) < folds).mean() < 0.01
    assert ended(-6).mean() < 2
    assert folds > ended(-2).mean() > ended(-3).mean() > ended(-6).mean()


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
