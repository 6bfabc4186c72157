"""Line search: which values of a program's step sizes are tried next, and whether one of those that were tried is better.

The values come from Optuna's tree-structured Parzen estimator (Bergstra et al. 2011; Akiba et al. 2019), asked and told:
its study is made anew from the finished trials each time, so that nothing but these has to outlive a crash.
"""

import hashlib
import importlib.util
from collections.abc import Sequence

from gome.optimizer.acceptance import clear_of_luck
from gome.optimizer.ranking import ranked
from gome.state.parts import gain_se
from gome.state.step import StepRecord
from gome.tools.execution.slots import IdleSlots
from gome.tools.records.line_trials import LineTrial
from gome.tools.services import RunServices
from gome.tools.step_sizes import StepSize, as_text, step_sizes

TRIALS = 12
"""Of one program: the first ones are random, and each one more raises what the best has to show."""
RANDOM_TRIALS = 4
PROGRAMS = 2
"""Best programs whose step sizes are searched."""
SHARE = 0.2
"""Of the slots' time so far that trials may have taken."""


def is_installed() -> bool:
    """Whether the extra `tuning` is there."""
    return importlib.util.find_spec("optuna") is not None


def is_searching(services: RunServices) -> bool:
    """Whether a run searches step sizes. Not where scores are claims, a person decides, each graded program counts, a
    step must not depend on what happened to be done by then (joins), or nobody knows whether a slot is idle, and free."""
    config, scheduler = services.config, services.evaluator.scheduler
    kept = (
        services.task.self_reported or config.review != "none" or config.max_evaluations or config.sync_every
    )
    here = isinstance(scheduler, IdleSlots) and scheduler.level != "e2b"
    return config.has("tuning") and is_installed() and here and not kept


def open_sizes(services: RunServices, code: str) -> list[StepSize]:
    """The declared step sizes of a program that no search has set yet."""
    return [size for size in step_sizes(services.artifacts.get_text(code)) if not size.tuned]


def next_base(services: RunServices) -> StepRecord | None:
    """The best program whose step sizes have trials left, None if there is none."""
    for record in ranked(services.history.accepted(), services.task.direction)[:PROGRAMS]:
        code = str(record.code)
        if open_sizes(services, code) and len(services.line_trials.of(code)) < TRIALS:
            return record
    return None


def affordable(services: RunServices, slots: int) -> bool:
    """Whether trials have taken less than their share of the slots' time."""
    taken = sum(trial.seconds for trial in services.line_trials.all())
    return taken < SHARE * services.clock.elapsed() * slots


def next_values(
    sizes: Sequence[StepSize], trials: Sequence[LineTrial], *, seed: int, base: str
) -> dict[str, float]:
    """The values to try after these trials; the same for the same trials, so that a trial that was cut off goes on."""
    import optuna  # of the extra `tuning`, and slow to import
    from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(optuna.logging.ERROR)
    space: dict[str, BaseDistribution] = {
        size.name: IntDistribution(int(size.low), int(size.high), log=size.log)
        if size.whole
        else FloatDistribution(size.low, size.high, log=size.log)
        for size in sizes
    }
    drawn = int(hashlib.sha256(f"{seed}:{base}:{len(trials)}".encode()).hexdigest()[:8], 16)
    sampler = optuna.samplers.TPESampler(seed=drawn, n_startup_trials=RANDOM_TRIALS, multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    standing = {size.name: _whole(size, size.value) for size in sizes}
    study.add_trial(create_trial(params=standing, distributions=space, value=0.0))
    for trial in trials:
        params = {
            size.name: _whole(size, trial.values[size.name]) for size in sizes if size.name in trial.values
        }
        if trial.comparison and len(params) == len(sizes):
            study.add_trial(create_trial(params=params, distributions=space, value=trial.comparison["gain"]))
        elif len(params) == len(sizes):
            study.add_trial(create_trial(state=TrialState.FAIL, params=params, distributions=space))
    asked = study.ask(space).params
    return {size.name: float(as_text(size, asked[size.name])) for size in sizes}


def _whole(size: StepSize, value: float) -> float:
    return int(value) if size.whole else value


def winner(trials: Sequence[LineTrial]) -> LineTrial | None:
    """The best of one program's trials, if it is better for sure; None if it is not."""
    whole = [trial for trial in trials if trial.whole and trial.comparison]
    best = max(whole, key=lambda trial: gain_se(trial.comparison) or 0.0, default=None)
    return best if best and clear_of_luck(best.comparison, len(trials)) else None


def tuned(services: RunServices, code: str) -> LineTrial | None:
    """The winner of the line search from this program, unless a step has tried it already."""
    best = winner(services.line_trials.of(code))
    if best is None or any(r.kind == "tune" and r.code == best.program for r in services.history.records()):
        return None
    return best
