"""The line search in simulated time: trials run in the slots that programs of traces leave idle, one in each, and stand
still while a trace needs the slot. Which values are tried, how many, and what becomes of them the product decides."""

from dataclasses import dataclass, field

from benchmarks.lab.programs import point_of
from benchmarks.lab.simulated_time import SimulatedTime
from benchmarks.lab.world import World
from gome.optimizer.line_search import PROGRAMS, SHARE, TRIALS, affordable, is_searching, next_trial
from gome.state.errors import BudgetReached
from gome.tools.records.line_trials import BegunTrial, LineTrial
from gome.tools.services import RunServices

POLL_S = 1.0
"""Simulated seconds between two looks whether a trial may begin."""


@dataclass(frozen=True)
class Limits:
    """How much is searched at most: trials of a program, programs, share of the slots' time."""

    trials: int = TRIALS
    programs: int = PROGRAMS
    share: float = SHARE


DEFAULT_LIMITS = Limits()


@dataclass
class Running:
    """A trial under way: its number and that of its base, the seconds of the base in all, those left of its fold."""

    trial: BegunTrial
    number: int
    base: int
    base_s: float
    left_s: float
    folds: int = 0
    ran_s: float = 0.0


@dataclass
class SimulatedLineSearch:
    """The trials of one run. `fold_s`: seconds of the median program on a fold."""

    world: World
    time: SimulatedTime
    fold_s: float
    limits: Limits = DEFAULT_LIMITS
    _running: list[Running] = field(default_factory=list)
    _until: float = 0.0
    _spent: bool = False

    def go_on(self, services: RunServices) -> None:
        """Do what was done beside the traces since the last call, until now."""
        now = self.time.now
        if is_searching(services):
            while self._until < now:
                self._until = self._moved(services, self._until, now)
            self.time.now = now

    def _moved(self, services: RunServices, at: float, now: float) -> float:
        """Begin what may begin at a time, and move all that runs on until something changes: when."""
        self.time.now = at
        idle, change = self.time.slots(at)
        while len(self._running) < idle and self._may_begin(services):
            if not self._begin(services):
                break
        running = self._running[:idle]  # those that began last stand still
        polled = at + POLL_S if len(running) < idle and not self._spent else now
        then = min(now, change, polled, *(at + run.left_s for run in running))
        for run in running:
            run.left_s -= then - at
            run.ran_s += then - at
        self.time.now = then
        for run in [run for run in running if run.left_s <= 1e-9]:
            self._fold_ended(services, run)
        return then

    def _may_begin(self, services: RunServices) -> bool:
        running_s = sum(run.base_s for run in self._running)
        slots = services.config.slots or 1
        return not self._spent and affordable(services, slots, running_s, share=self.limits.share)

    def _begin(self, services: RunServices) -> bool:
        """Begin the next trial, if there is one."""
        running = {run.trial.program for run in self._running}
        found = next_trial(services, running, trials=self.limits.trials, programs=self.limits.programs)
        if found is None:
            return False
        base, trial = found
        assert base.evaluation is not None
        try:
            services.budget.begin("search", trial.program)
        except BudgetReached:
            self._spent = True
            return False
        services.line_trials.begin(trial)
        number = self.world.number(point_of(trial.program))
        fold_s = float(self.world.seconds[number]) * self.fold_s
        standing = int(base.evaluation["facts"]["number"])
        self._running.append(Running(trial, number, standing, base.evaluation["seconds"], fold_s))
        return True

    def _fold_ended(self, services: RunServices, run: Running) -> None:
        """Go on with the next fold, or write down what was found."""
        run.folds += 1
        folds = len(self.world.folds)
        ends = self.world.raced(run.base, run.number) if services.config.has("racing") else None
        if run.folds < (ends or folds):
            run.left_s = float(self.world.seconds[run.number]) * self.fold_s
            return
        found = self.world.compare(run.base, run.number, folds=run.folds)
        trial = run.trial
        services.line_trials.add(
            LineTrial(
                trial.base,
                trial.values,
                trial.program,
                comparison=found,
                whole=ends is None,
                seconds=run.ran_s,
            )
        )
        self._running.remove(run)
