"""Answers of a person, advice, and the clock that does not count a person's time."""

import threading
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gome.state.review import read_answer
from gome.tools.records.advice import Advice
from gome.tools.records.clock import Clock


@pytest.mark.parametrize("given", ["accept", {"action": "accept"}, {"action": "accept", "reason": "good"}])
def test_accepting_takes_one_word(given: Any) -> None:
    assert read_answer(given).action == "accept"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ("yes", "accept"),
        (None, "dictionary"),
        ([], "dictionary"),
        ({"action": "reject"}, "give a reason"),
        ({"action": "reject", "reason": "  "}, "give a reason"),
        ({"action": "edit", "statment": "a typing error"}, "statment"),
        ({"action": "edit", "statement": "short"}, "statement"),
    ],
)
def test_what_is_wrong_with_an_answer_is_said_on_one_line(given: Any, says: str) -> None:
    with pytest.raises(ValueError, match=says) as raised:
        read_answer(given)
    assert "\n" not in str(raised.value)


def test_a_plan_may_be_given_as_lines() -> None:
    assert read_answer({"action": "edit", "plan": "one\n\n two"}).plan == ["one", "two"]


@given(st.lists(st.one_of(st.text(min_size=1), st.integers(0, 2)), max_size=12))
def test_every_trace_is_told_every_piece_once(
    tmp_path_factory: pytest.TempPathFactory, events: list[str | int]
) -> None:
    """A text is advice, a number a trace that takes its next step; a step that is executed again hears the same."""
    advice = Advice(tmp_path_factory.mktemp("run") / "advice.jsonl")
    steps, heard = [0, 0, 0], [[], [], []]  # type: tuple[list[int], list[list[str]]]
    for event in [*events, 0, 1, 2]:
        if isinstance(event, str):
            advice.give(event)
            continue
        heard[event] += (told := advice.tell(event, steps[event]))
        assert Advice(advice.path).tell(event, steps[event]) == told
        steps[event] += 1
    assert heard == [[e for e in events if isinstance(e, str)]] * 3


def test_a_step_executed_again_is_not_told_what_was_said_since(tmp_path: Path) -> None:
    advice = Advice(tmp_path / "advice.jsonl")
    assert advice.tell(0, 0) == []
    advice.give("late")
    assert advice.tell(0, 0) == []
    assert advice.tell(0, 1) == ["late"]


def test_the_clock_runs_while_somebody_works(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.jsonl")
    with clock.working(), clock.working():
        time.sleep(0.02)
    worked = clock.elapsed()
    assert worked >= 0.02
    time.sleep(0.02)
    assert clock.beat() == worked
    assert Clock(clock.path).elapsed() == pytest.approx(worked, abs=0.001)


def test_work_side_by_side_counts_once(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.jsonl")

    def work() -> None:
        with clock.working():
            time.sleep(0.05)

    began = time.monotonic()
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert 0.05 <= clock.elapsed() <= time.monotonic() - began
