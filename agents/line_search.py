"""The line search at work: step sizes are tried in idle slots, and a winner becomes a step."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from gome.agents.forking import shown_hypothesis
from gome.optimizer.line_search import affordable, is_searching, next_trial, tuned
from gome.optimizer.racing import compared, race_against
from gome.optimizer.stages import stage_of
from gome.state.errors import BudgetReached, GaveWay, RunStopped
from gome.state.in_flight import Proposal, StepInFlight
from gome.state.parts import Evaluation, Hypothesis
from gome.state.schema import TraceState
from gome.tools.execution.slots import ASIDE, IdleSlots
from gome.tools.records.line_trials import BegunTrial, LineTrial
from gome.tools.services import RunServices
from gome.tools.step_sizes import step_sizes

POLL_S = 0.2
"""So often it looks for an idle slot. At once, and not after some wait: a trial in a trace's way stands still and loses
nothing."""
END_S = 5.0
"""So long is waited for trials to end, which takes them a blink."""
LINGER_S = 2.0
"""Between two nodes of a trace, which take far less, the search goes on."""


class LineSearch:
    """Searches while traces are at work, a trial in each slot that is idle."""

    def __init__(self, services: RunServices) -> None:
        self._services = services
        self._on = is_searching(services)
        self._lock = threading.Lock()
        self._at_work, self._left = 0, 0.0
        self._searching = self._spent = self._closed = False
        self._running: dict[str, float] = {}

    @contextmanager
    def beside(self) -> Iterator[None]:
        """Within the block a trace is at work."""
        with self._lock:
            self._at_work += 1
            begins = self._on and not self._searching
            if begins:
                self._searching, self._spent = True, False
        if begins:
            threading.Thread(target=self._search, daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._at_work -= 1
                self._left = time.monotonic()

    def end(self) -> None:
        """The run is over: trials that run are ended, and none is begun any more."""
        self._closed = True

    def wait(self) -> None:
        """Until the trials of a search that was ended are gone."""
        latest = time.monotonic() + END_S
        while (self._searching or self._running) and time.monotonic() < latest:
            time.sleep(POLL_S / 10)

    def _is_over(self) -> bool:
        return self._closed or (not self._at_work and time.monotonic() - self._left > LINGER_S)

    def _search(self) -> None:
        """Begin trials in idle slots, until no trace is at work or trials may not run any more."""
        while True:
            with self._lock:
                if self._spent or not self._on or self._is_over():
                    self._searching = False
                    return
            try:
                self._begin_one()
            except Exception as error:
                self._ended(error)
            time.sleep(POLL_S)

    def _begin_one(self) -> None:
        """The next trial, in a thread of its own, if a slot is idle and the search's share of the time is not used up."""
        services, scheduler = self._services, self._services.evaluator.scheduler
        assert isinstance(scheduler, IdleSlots)
        with self._lock:
            running = dict(self._running)
        if len(running) >= scheduler.slots or not scheduler.idle():
            return
        if not affordable(services, scheduler.slots, sum(running.values())):
            return
        base, trial = next_trial(services, running.keys()) or (None, None)
        if base is None or trial is None or base.evaluation is None:
            return
        if trial not in services.line_trials.unfinished(trial.base):
            services.line_trials.begin(trial)
        number = len(services.line_trials.of(trial.base)) + len(running) + 1
        services.emit("tuning", f"{base.id}, trial {number}: {_words(trial.values)}")
        with self._lock:
            self._running[trial.program] = base.evaluation["seconds"]
        threading.Thread(target=self._run, args=(trial, base.evaluation), daemon=True).start()

    def _run(self, trial: BegunTrial, standing: Evaluation) -> None:
        try:
            self._try(trial, standing)
        except GaveWay:
            pass
        except Exception as error:
            self._ended(error)
        finally:
            with self._lock:
                del self._running[trial.program]

    def _ended(self, error: Exception) -> None:
        """Trials are nobody's step: without them the run goes on."""
        self._spent = True
        if not isinstance(error, RunStopped | BudgetReached):
            self._on = False
            self._services.emit("tuning", f"ended: {type(error).__name__}: {error}")

    def _try(self, trial: BegunTrial, standing: Evaluation) -> None:
        """Run it beside the program whose evaluation is `standing`, and write down what was found."""
        services = self._services
        evaluation = services.evaluator.evaluate(
            services.artifacts.get_text(trial.program),
            "search",
            trace=ASIDE,
            look=race_against(services, services.artifacts.put_json(standing)),
            give_way=self._is_over,
        )
        found = None
        if evaluation["status"] == "ok":
            found = compared(services, standing, evaluation)
        whole = evaluation["status"] == "ok" and not evaluation.get("race")
        seconds = round(evaluation["seconds"], 3)
        services.line_trials.add(
            LineTrial(trial.base, trial.values, trial.program, found, whole=whole, seconds=seconds)
        )
        if not (whole and found and found["gain"] > 0):
            services.evaluator.results.compact(evaluation["key"])  # nobody will ask for its predictions


def tuned_step(state: TraceState, services: RunServices) -> TraceState | None:
    """The step that takes over what the line search from the trace's program has found; None if it has found nothing. No
    model proposes or writes it, and the runner finds its folds run already."""
    incumbent = state.get("incumbent")
    best = tuned(services, incumbent["code"]) if incumbent and is_searching(services) else None
    if best is None:
        return None
    trace, step = state["trace"], state["step"]
    proposal = _proposal(services, best)
    hypothesis = proposal["hypothesis"]
    services.momentum.claim(trace, step, hypothesis["statement"], hypothesis["component"])
    services.emit("researcher", hypothesis["statement"], trace, step, hypothesis=hypothesis["statement"])
    work = StepInFlight(
        stage=stage_of(services, state),
        optimizer="tuning",
        kind="tune",
        source=None,
        home=incumbent,
        hypothesis=shown_hypothesis(proposal),
        proposal=services.artifacts.put_json(proposal),
        started=services.clock.elapsed(),
        rounds=services.config.debug_rounds,  # nobody mends it
        code=best.program,
        evaluation=None,
        errors=[],
        failure=None,
        advice=[],
    )
    return {"work": work, "next": "runner"}


def _proposal(services: RunServices, best: LineTrial) -> Proposal:
    before = {size.name: size.value for size in step_sizes(services.artifacts.get_text(best.base))}
    changes = ", ".join(f"{name} {before[name]:g} → {value:g}" for name, value in best.values.items())
    count = len(services.line_trials.of(best.base))
    statement = f"{changes}: the best of {count} trials of a line search, without a model."
    hypothesis = Hypothesis(
        statement=statement, component="model", challenge="step sizes that nobody has searched"
    )
    return Proposal(diagnosis="", hypothesis=hypothesis, reason=statement, plan=[statement])


def _words(values: dict[str, float]) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in values.items())
