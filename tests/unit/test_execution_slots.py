"""Slots: never more than there are, none lost, each trace in its turn. And what the machine has."""

import os
import threading
import time
from collections.abc import Callable

import pytest

from gome.tools.execution.gpus import Gpu
from gome.tools.execution.hardware import hardware
from gome.tools.execution.resources import NOTHING, Resources
from gome.tools.execution.slots import ASIDE, Slots, default_slots


def in_threads(*works: threading.Thread) -> None:
    for work in works:
        work.start()
    for work in works:
        work.join(20)
        assert not work.is_alive()


@pytest.mark.parametrize(("count", "cores", "threads"), [(1, 8, 8), (2, 8, 4), (3, 8, 2), (4, 2, 1)])
def test_a_lease_has_its_share_of_the_cores(count: int, cores: int, threads: int) -> None:
    with Slots(count, cores).lease(0) as lease:
        assert lease is not None
        assert lease.threads == threads


def test_as_many_at_a_time_as_there_are_slots() -> None:
    slots, together, most, lock = Slots(3, 3), 0, 0, threading.Lock()

    def work(trace: int) -> None:
        nonlocal together, most
        for _ in range(5):
            with slots.lease(trace):
                with lock:
                    together += 1
                    most = max(most, together)
                time.sleep(0.002)
                with lock:
                    together -= 1

    in_threads(*(threading.Thread(target=work, args=(k,)) for k in range(8)))
    assert (together, most) == (0, 3)


def test_the_trace_served_longest_ago_is_next_and_a_trace_keeps_its_order() -> None:
    slots, served = Slots(1, 1), []

    def work(name: str) -> None:
        with slots.lease(int(name[0])):
            served.append(name)

    names = ["0a", "0b", "0c", "1a", "2a", "1b"]
    works = [threading.Thread(target=work, args=(name,)) for name in names]
    with slots.lease(0):
        for work_ in works:
            work_.start()
            time.sleep(0.02)  # they queue up in this order
    for work_ in works:
        work_.join(20)
    assert served == ["1a", "2a", "0a", "1b", "0b", "0c"]


def test_a_slot_comes_back_after_an_error() -> None:
    slots = Slots(1, 1)
    with pytest.raises(KeyError), slots.lease(0):
        raise KeyError
    with slots.lease(0) as lease:
        assert lease is not None


def test_who_is_stopped_while_waiting_leaves_the_queue() -> None:
    slots, stop = Slots(1, 1), threading.Event()
    threading.Timer(0.2, stop.set).start()
    with slots.lease(0), slots.lease(1, stop=stop.is_set) as lease:
        assert lease is None
    with slots.lease(2) as lease:
        assert lease is not None


def test_who_waits_for_cards_is_passed_only_by_those_that_need_none() -> None:
    slots, served = Slots(3, 3, [Gpu("0", "A", 1000), Gpu("1", "B", 1000)]), []

    def work(name: str, need: Resources) -> None:
        with slots.lease(int(name[0]), need):
            served.append(name)
            time.sleep(0.1)

    queue = [
        ("0 both", Resources(2)),
        ("1 one", Resources(1)),
        ("2 part", Resources(1, 100)),
        ("3 none", Resources()),
    ]
    works = [threading.Thread(target=work, args=one) for one in queue]
    with slots.lease(4, Resources(1, 500)):
        for each in works:
            each.start()
            time.sleep(0.05)
        time.sleep(0.3)
        assert served == ["3 none"]
    for each in works:
        each.join(20)
    assert served[1] == "0 both"
    assert len(served) == 4


def test_no_slots_are_no_use() -> None:
    with pytest.raises(ValueError, match="at least 1"):
        Slots(0)


@pytest.mark.parametrize(("cores", "traces", "slots"), [(1, 2, 1), (2, 2, 2), (16, 2, 2), (4, 64, 4)])
def test_default_slots_are_no_more_than_cores_or_traces(cores: int, traces: int, slots: int) -> None:
    assert default_slots(cores, traces) == slots


def test_hardware_respects_affinity() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert hardware()["cpus"] == 1
    finally:
        os.sched_setaffinity(0, allowed)
    assert 1 <= hardware()["cpus"] <= len(allowed)
    assert hardware()["memory_gb"] > 0


def waiting(slots: Slots, trace: int, need: Resources = NOTHING) -> tuple[threading.Event, threading.Event]:
    """A trace that takes a slot as soon as it gets one: whether it has it, and what lets it give it back."""
    has, may_end = threading.Event(), threading.Event()

    def take() -> None:
        with slots.lease(trace, need):
            has.set()
            may_end.wait(20)

    threading.Thread(target=take, daemon=True).start()
    return has, may_end


def until(condition: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 20
    while not condition() and time.monotonic() < deadline:
        time.sleep(0.01)
    return condition()


def test_what_runs_aside_hands_its_slot_to_a_trace_and_gets_it_back() -> None:
    slots = Slots(1, 1)
    assert slots.idle()
    with slots.lease(ASIDE) as aside:
        assert aside is not None
        assert not slots.idle()
        assert not aside.wanted()
        has, may_end = waiting(slots, 0)
        assert until(aside.wanted)
        assert not has.is_set()
        aside.hand_on()
        assert has.wait(20)
        assert not aside.held
        assert not aside.regained()
        may_end.set()
        assert until(aside.regained)
        assert aside.held
        assert not slots.idle()
    assert slots.idle()


def test_who_leaves_while_its_slot_is_handed_on_takes_none_along() -> None:
    slots = Slots(1, 1)
    with slots.lease(ASIDE) as aside:
        assert aside is not None
        has, may_end = waiting(slots, 0)
        assert until(aside.wanted)
        aside.hand_on()
        assert has.wait(20)
    assert not slots.idle()
    may_end.set()
    assert until(slots.idle)


def test_a_trace_asks_one_of_several_that_run_aside_and_none_that_would_not_help() -> None:
    slots = Slots(2, 2, [Gpu("0", "A", 1000)])
    with slots.lease(ASIDE, Resources(1)) as on_card, slots.lease(ASIDE) as plain:
        assert on_card is not None
        assert plain is not None
        has, may_end = waiting(slots, 0)
        assert until(plain.wanted)
        assert not on_card.wanted()
        waiting(slots, 1, Resources(1))  # needs the card, not the other slot
        assert until(on_card.wanted)
        plain.hand_on()
        assert has.wait(20)
        may_end.set()
        assert until(plain.regained)
        assert not plain.wanted()


def test_what_runs_aside_comes_behind_every_trace() -> None:
    slots = Slots(1, 1)
    with slots.lease(0):
        aside, aside_may_end = waiting(slots, ASIDE)
        time.sleep(0.05)  # it queues up first
        trace, may_end = waiting(slots, 0)
        time.sleep(0.05)
    assert trace.wait(20)
    assert not aside.is_set()
    may_end.set()
    assert aside.wait(20)
    aside_may_end.set()
