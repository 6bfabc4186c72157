"""What may cut a program off that is running, or waiting for a slot, and what is to come of it then."""

from collections.abc import Callable
from dataclasses import dataclass

from gome.state.errors import GaveWay, RunStopped, TimeReached
from gome.tools.budget import Budget


@dataclass(frozen=True)
class Interruption:
    """Asked about ten times a second. `stop`: somebody wants the run to stop; `dropped`: nobody needs this result any
    more; `give_way`, of what runs aside: nobody will need it; `budget`: the time for runs on this `split` is used up."""

    split: str
    budget: Budget
    stop: Callable[[], bool]
    dropped: Callable[[], bool]
    give_way: Callable[[], bool] | None = None

    def __call__(self) -> bool:
        """Whether the run is to be cut off."""
        given_up = self.give_way is not None and self.give_way()
        return self.stop() or self.dropped() or given_up or self.budget.seconds_for(self.split) <= 0

    def after(self) -> None:
        """Returns after a run that was dropped. Raises RunStopped, GaveWay or TimeReached, whatever cut it off; what runs
        aside also gives way where the scheduler could not let it stand still."""
        if self.stop():
            raise RunStopped("the program in flight was stopped")
        if self.dropped():
            return
        if self.give_way is not None and self.budget.seconds_for(self.split) > 0:
            raise GaveWay
        raise TimeReached(self.budget.time_is_up())
