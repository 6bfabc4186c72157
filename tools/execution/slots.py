"""Who runs when: a fixed number of slots, each with its share of the cores, leased with GPUs to traces in turn, and to
what runs aside while no trace wants them."""

import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from gome.state.config import Isolation
from gome.tools.execution.gpus import Cards, Gpu
from gome.tools.execution.hardware import hardware
from gome.tools.execution.resources import NOTHING, Resources

ASIDE = -1
"""Number of the trace that programs have which run only where a slot would be idle."""
_POLL_S = 0.1  # how often those that wait look whether they are still wanted


@dataclass(eq=False)
class _Place:
    """Of who waits for a slot, or has one."""

    trace: int
    resources: Resources
    gpus: tuple[Gpu, ...] | None = None

    @property
    def granted(self) -> bool:
        return self.gpus is not None


class Lease:
    """The right to run one program on `threads` threads and these cards. For what runs aside it is a Turn: it may have to
    be handed on, and is got back when nobody else wants the slot."""

    def __init__(self, slots: "Slots", place: _Place) -> None:
        self.threads, self.gpus = slots.threads, place.gpus or ()
        self._slots, self._place = slots, place

    @property
    def held(self) -> bool:
        """Whether the slot is not handed on."""
        return self._place.granted

    def wanted(self) -> bool:
        """See Slots.wants_back."""
        return self._slots.wants_back(self._place)

    def hand_on(self) -> None:
        """See Slots.suspend."""
        self._slots.suspend(self._place)

    def regained(self) -> bool:
        """See Slots.wait."""
        return self._slots.wait(self._place)


@runtime_checkable
class IdleSlots(Protocol):
    """A scheduler that knows of its slots whether one is idle."""

    @property
    def level(self) -> Isolation:
        """See Scheduler.level."""

    @property
    def slots(self) -> int:
        """See Scheduler.slots."""

    def idle(self) -> bool:
        """See Slots.idle."""


class Slots:
    """`count` programs at a time in this process. The cores are divided between the slots, `threads` each, at least one.

    Fair between traces: of those that wait, the trace served longest ago is next; one trace's own are served in order.
    So a trace that runs many folds does not hold up another that runs one. Who has to wait
    for GPUs though it is their turn is passed only by those that need none. What runs aside comes behind all of them, and
    is asked to give back what a trace could run in. Safe to share between threads.
    """

    def __init__(self, count: int, cores: int | None = None, gpus: Iterable[Gpu] = ()) -> None:
        if count < 1:
            raise ValueError(f"slots: {count}, but at least 1 is needed")
        self.count = count
        self.threads = max(1, (cores or int(hardware()["cpus"])) // count)
        self._cards = Cards(gpus)
        self._changed = threading.Condition()
        self._free, self._turn = count, 0
        self._waiting: list[_Place] = []
        self._aside: list[_Place] = []
        self._last_turn: dict[int, int] = {}

    @contextmanager
    def lease(
        self, trace: int, resources: Resources = NOTHING, stop: Callable[[], bool] = lambda: False
    ) -> Iterator[Lease | None]:
        """Wait for a slot with what is needed, hold it within the block, and hand it on. None if `stop()` is true before.

        Of what is needed that can't be met by any card here, that part is met which can: without cards none.
        """
        me = _Place(trace, self._cards.fit(resources))
        with self._changed:
            self._waiting.append(me)
            self._grant()
            try:
                while not (me.granted or stop()):
                    self._changed.wait(_POLL_S)
            except BaseException:
                self._give_up(me)
                raise
        try:
            yield Lease(self, me) if me.granted else None
        finally:
            with self._changed:
                self._give_up(me)

    def idle(self) -> bool:
        """Whether a slot is free and nobody waits for it."""
        with self._changed:
            return self._free > 0 and not self._waiting

    def wants_back(self, me: _Place) -> bool:
        """Whether a trace could run if this one, which runs aside, gave its slot back: those that began last are asked
        first, and who holds cards is asked by all that need some."""
        with self._changed:
            if me not in self._aside:
                return False
            traces = [waiting for waiting in self._waiting if waiting.trace != ASIDE]
            if me.gpus and any(waiting.resources.gpus for waiting in traces):
                return True
            wanting = sum(self._cards.are_free(waiting.resources) for waiting in traces) - self._free
            return wanting > 0 and me in self._aside[-wanting:]

    def suspend(self, me: _Place) -> None:
        """Hand on the slot of what runs aside, and queue for it again."""
        with self._changed:
            self._give_up(me)
            me.gpus = None
            self._waiting.append(me)
            self._grant()

    def wait(self, me: _Place) -> bool:
        """Whether it has a slot, waiting for one a tenth of a second."""
        with self._changed:
            if not me.granted:
                self._changed.wait(_POLL_S)
            return me.granted

    def _grant(self) -> None:
        """Give free slots to those whose turn it is. Under the lock."""
        while self._free and (chosen := self._next()):
            self._waiting.remove(chosen)
            self._free -= 1
            self._turn += 1
            self._last_turn[chosen.trace] = self._turn
            if chosen.trace == ASIDE:
                self._aside.append(chosen)
        self._changed.notify_all()

    def _next(self) -> _Place | None:
        """Who can have a slot now, the cards given already. Under the lock."""
        no_cards = False
        for waiting in sorted(
            self._waiting, key=lambda w: (w.trace == ASIDE, self._last_turn.get(w.trace, 0))
        ):
            if not (no_cards and waiting.resources.gpus):
                waiting.gpus = self._cards.take(waiting.resources)
                if waiting.granted:
                    return waiting
                no_cards = True
        return None

    def _give_up(self, me: _Place) -> None:
        """Hand the slot on, or leave the queue. Under the lock."""
        if me in self._aside:
            self._aside.remove(me)
        if me.gpus is not None:
            self._cards.give_back(me.gpus, me.resources)
            self._free += 1
            self._grant()
        else:
            self._waiting.remove(me)


def default_slots(cores: int, traces: int = 2) -> int:
    """One slot for each trace, as a trace runs one program at a time, but no more than cores.

    Two programs of one thread each end sooner than one after the other on two threads: importing and preparing data use
    one core only. Measured on 2 (busy) cores, twice two LightGBM programs: 11.5 against 21 s with 1,500 rows, 20
    against 38 s with 30,000.
    """
    return max(1, min(traces, cores))
