"""Line search: which values of a program's step sizes are tried next, and whether one of those that were tried is better.

The values come from Optuna's tree-structured Parzen estimator (Bergstra et al. 2011; Akiba et al. 2019), asked and told:
its study is made anew from the trials each time, so that nothing but these has to outlive a crash. Of a trial that runs
still it is told the worst gain so far, the constant liar (Ginsbourger et al. 2010), so that two at a time lie apart.
"""

import hashlib
import importlib.util
import math
from collections.abc import Collection, Sequence
from itertools import islice, product

from gome.optimizer.acceptance import clear_of_luck
from gome.optimizer.ranking import accepted_by_score
from gome.state.parts import gain_se
from gome.state.step import StepRecord
from gome.tools.execution.slots import IdleSlots
from gome.tools.records.line_trials import BegunTrial, LineTrial
from gome.tools.services import RunServices
from gome.tools.step_sizes import StepSize, as_text, step_sizes, with_values

TRIALS = 12
"""Of one program: the first ones are random, and each one more raises what the best has to show."""
RANDOM_TRIALS = 4
PROGRAMS = 2
"""Best programs whose step sizes are searched."""
SHARE = 0.2
"""Of the slots' time so far that trials may have taken."""
_DRAWS = 20
"""Times that values are drawn until they differ from all that were tried."""
_LISTED = 1000
"""So few values altogether are listed, to know which are left."""


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


def next_trial(
    services: RunServices, running: Collection[str], *, trials: int = TRIALS, programs: int = PROGRAMS
) -> tuple[StepRecord, BegunTrial] | None:
    """What to try while these programs of trials run: of the best program that has trials left, which comes with it, one
    that was cut off, else new values. None if there is nothing to try."""
    for record in islice(accepted_by_score(services), programs):
        code = str(record.code)
        finished, begun = services.line_trials.of(code), services.line_trials.unfinished(code)
        if cut_off := next((trial for trial in begun if trial.program not in running), None):
            return record, cut_off
        if len(finished) + len(begun) < trials and (sizes := open_sizes(services, code)):
            values = next_values(sizes, finished, running=begun, seed=services.config.seed, base=code)
            if values is not None:
                program = with_values(services.artifacts.get_text(code), values)
                return record, BegunTrial(code, values, services.artifacts.put_text(program, "py"))
    return None


def affordable(services: RunServices, slots: int, running_s: float, *, share: float = SHARE) -> bool:
    """Whether trials have taken less than their share of the slots' time, counting `running_s` for those that run."""
    taken = sum(trial.seconds for trial in services.line_trials.all()) + running_s
    return taken < share * services.clock.elapsed() * slots


def next_values(
    sizes: Sequence[StepSize],
    trials: Sequence[LineTrial],
    *,
    running: Sequence[BegunTrial] = (),
    seed: int,
    base: str,
) -> dict[str, float] | None:
    """The values to try after these trials and beside those that run, like none of them nor what stands there; None if
    there are no others. The same for the same trials."""
    told: list[tuple[dict[str, float], float | None]] = [({size.name: size.value for size in sizes}, 0.0)]
    told += [(trial.values, trial.comparison["gain"] if trial.comparison else None) for trial in trials]
    lie = min(gain for _, gain in told if gain is not None)
    told += [(trial.values, lie) for trial in running]
    tried = [values for values, _ in told]
    left = _left(sizes, tried)
    for draw in range(_DRAWS if left or left is None else 0):
        drawn = int(hashlib.sha256(f"{seed}:{base}:{len(told)}:{draw}".encode()).hexdigest()[:8], 16)
        values = _asked(sizes, told, drawn)
        if values not in tried:
            return values
    return left[0] if left else None


def _left(sizes: Sequence[StepSize], tried: Sequence[dict[str, float]]) -> list[dict[str, float]] | None:
    """All values that were not tried, where they are few and whole; None where they are not."""
    count = math.prod(size.high - size.low + 1 if size.whole else math.inf for size in sizes)
    if count > _LISTED:
        return None
    ranges = [range(int(size.low), int(size.high) + 1) for size in sizes]
    listed = (dict(zip([size.name for size in sizes], map(float, p), strict=True)) for p in product(*ranges))
    return [values for values in listed if values not in tried]


def _asked(
    sizes: Sequence[StepSize], told: Sequence[tuple[dict[str, float], float | None]], seed: int
) -> dict[str, float]:
    """What Optuna answers, told these values and their gains, None for one that failed."""
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
    sampler = optuna.samplers.TPESampler(seed=seed, n_startup_trials=RANDOM_TRIALS, multivariate=True)
    study = optuna.create_study(direction="maximize", sampler=sampler)
    for values, gain in told:
        if any(size.name not in values for size in sizes):
            continue
        params = {size.name: _whole(size, values[size.name]) for size in sizes}
        state = TrialState.FAIL if gain is None else TrialState.COMPLETE
        study.add_trial(create_trial(state=state, params=params, distributions=space, value=gain))
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
