"""The line search's decisions: which values come next, and when the best of several is better for sure."""

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.optimizer.line_search import next_values, winner
from gome.state.parts import Comparison
from gome.tools.records.line_trials import LineTrial
from gome.tools.step_sizes import step_sizes

RATE, DEPTH = step_sizes("r = 0.05  # gome: tune rate log 0.01 0.3\nd = 6  # gome: tune depth linear 3 9\n")


def trial(gain: float | None, *, whole: bool = True, **values: float) -> LineTrial:
    """Its gain is in standard errors."""
    found = (
        None if gain is None else Comparison(gain=gain, stderr=1.0, p_better=0.5, low=gain - 1, high=gain + 1)
    )
    return LineTrial("a.py", values, "b.py", found, whole, 1.0)


@settings(max_examples=10, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-5, 5)), max_size=6), st.integers(0, 9))
def test_the_next_values_lie_within_the_limits_and_follow_from_the_trials(
    gains: list[float | None], seed: int
) -> None:
    """So that a trial that gave way to a step is taken up again, and one that has finished is not."""
    sizes = [RATE, DEPTH]
    trials: list[LineTrial] = []
    for gain in gains:
        trials.append(trial(gain, **next_values(sizes, trials, seed=seed, base="a.py")))
    values = next_values(sizes, trials, seed=seed, base="a.py")
    assert values == next_values(sizes, trials, seed=seed, base="a.py")
    assert 0.01 <= values["rate"] <= 0.3
    assert values["depth"] in range(3, 10)


def test_trials_gather_where_the_gain_was() -> None:
    trials: list[LineTrial] = []
    for _ in range(12):
        values = next_values([RATE], trials, seed=0, base="a.py")
        trials.append(trial(-abs(np.log(values["rate"] / 0.1)), **values))
    far = [abs(np.log(t.values["rate"] / 0.1)) for t in trials]
    assert np.mean(far[-4:]) < np.mean(far[:4])
    assert min(far) < 0.2


def test_the_best_of_many_has_to_show_more_than_the_best_of_few() -> None:
    """Of values that change nothing one is taken over in a tenth of the searches, however many trials they have."""
    assert winner([]) is None
    assert winner([trial(1.5)]) is not None
    assert winner([trial(1.5), *[trial(0.0)] * 11]) is None
    assert winner([trial(3.0, whole=False), trial(None)]) is None
    rng = np.random.default_rng(0)
    found = [winner([trial(float(g)) for g in rng.normal(size=12)]) is not None for _ in range(2000)]
    assert np.mean(found) < 0.1 + 3 * np.sqrt(0.09 / 2000)
