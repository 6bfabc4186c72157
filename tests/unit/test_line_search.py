"""The line search's decisions: which values come next, and when the best of several is better for sure."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from gome.optimizer.line_search import next_values, winner
from gome.state.parts import Comparison
from gome.tools.records.line_trials import BegunTrial, LineTrial, LineTrials
from gome.tools.step_sizes import StepSize, step_sizes

RATE, DEPTH = step_sizes("r = 0.05  # gome: tune rate log 0.01 0.3\nd = 6  # gome: tune depth linear 3 9\n")


def trial(gain: float | None, *, whole: bool = True, **values: float) -> LineTrial:
    """Its gain is in standard errors."""
    found = (
        None if gain is None else Comparison(gain=gain, stderr=1.0, p_better=0.5, low=gain - 1, high=gain + 1)
    )
    return LineTrial("a.py", values, "b.py", found, whole, 1.0)


def asked(
    sizes: list[StepSize], trials: list[LineTrial], running: Sequence[BegunTrial] = (), seed: int = 0
) -> dict[str, float]:
    values = next_values(sizes, trials, running=running, seed=seed, base="a.py")
    assert values is not None
    return values


@settings(max_examples=10, deadline=None)
@given(st.lists(st.one_of(st.none(), st.floats(-5, 5)), max_size=6), st.integers(0, 9))
def test_the_next_values_lie_within_the_limits_and_follow_from_the_trials(
    gains: list[float | None], seed: int
) -> None:
    """So that a trial that gave way to a step is taken up again, and one that has finished is not."""
    sizes = [RATE, DEPTH]
    trials: list[LineTrial] = []
    for gain in gains:
        trials.append(trial(gain, **asked(sizes, trials, seed=seed)))
    values = asked(sizes, trials, seed=seed)
    assert values == asked(sizes, trials, seed=seed)
    assert 0.01 <= values["rate"] <= 0.3
    assert values["depth"] in range(3, 10)


def test_trials_gather_where_the_gain_was() -> None:
    trials: list[LineTrial] = []
    for _ in range(12):
        values = asked([RATE], trials)
        trials.append(trial(-abs(np.log(values["rate"] / 0.1)), **values))
    far = [abs(np.log(t.values["rate"] / 0.1)) for t in trials]
    assert np.mean(far[-4:]) < np.mean(far[:4])
    assert min(far) < 0.2


def test_no_value_is_asked_twice_while_trials_run_or_when_all_were_tried() -> None:
    (few,) = step_sizes("d = 4  # gome: tune depth linear 3 6\n")
    running: list[BegunTrial] = []
    for _ in range(3):
        running.append(BegunTrial("a.py", asked([few], [], running), "b.py"))
    assert {r.values["depth"] for r in running} == {3, 5, 6}  # 4 stands there
    assert next_values([few], [], running=running, seed=0, base="a.py") is None
    assert next_values([few], [trial(None, **r.values) for r in running], seed=0, base="a.py") is None


def test_a_trial_that_runs_keeps_the_next_one_away() -> None:
    """From the same finished trials, with one more where the gain was highest: it is told of as the worst so far."""
    done = [trial(-abs(np.log(rate / 0.1)), rate=rate) for rate in np.geomspace(0.01, 0.3, 12).tolist()]
    near = [BegunTrial("a.py", {"rate": rate}, "b.py") for rate in (0.09, 0.095, 0.1, 0.105, 0.11)]

    def far(running: Sequence[BegunTrial]) -> float:
        rates = [asked([RATE], done, running, seed=seed)["rate"] for seed in range(20)]
        return float(np.mean([abs(np.log(rate / 0.1)) for rate in rates]))

    assert far(near) > far([])


def test_a_trial_that_was_begun_is_unfinished_until_its_end_is_written_down(tmp_path: Path) -> None:
    begun = [BegunTrial(base, {"rate": 0.1}, program) for base, program in ("ab", "ac", "de")]
    written = LineTrials(tmp_path / "line_trials.jsonl")
    for one in begun:
        written.begin(one)
    written.add(LineTrial("a", {"rate": 0.1}, "b", None, whole=False, seconds=1.0))
    for trials in (written, LineTrials(tmp_path / "line_trials.jsonl")):
        assert [one.program for one in trials.unfinished("a")] == ["c"]
        assert [one.program for one in trials.of("a")] == ["b"]
        assert [one.program for one in trials.unfinished("d")] == ["e"]


def test_the_best_of_many_has_to_show_more_than_the_best_of_few() -> None:
    """Of values that change nothing one is taken over in a tenth of the searches, however many trials they have."""
    assert winner([]) is None
    assert winner([trial(1.5)]) is not None
    assert winner([trial(1.5), *[trial(0.0)] * 11]) is None
    assert winner([trial(3.0, whole=False), trial(None)]) is None
    rng = np.random.default_rng(0)
    found = [winner([trial(float(g)) for g in rng.normal(size=12)]) is not None for _ in range(2000)]
    assert np.mean(found) < 0.1 + 3 * np.sqrt(0.09 / 2000)
