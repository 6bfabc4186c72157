"""The line search at work: step sizes are tried in slots that wait for the model, and a winner becomes a step."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gome.agents.forking import shown_hypothesis
from gome.optimizer.line_search import affordable, is_searching, next_base, next_values, open_sizes, tuned
from gome.optimizer.racing import compared, race_against
from gome.optimizer.stages import stage_of
from gome.state.errors import BudgetReached, GaveWay, RunStopped
from gome.state.in_flight import Proposal, StepInFlight
from gome.state.parts import Hypothesis
from gome.state.schema import TraceState
from gome.tools.execution.slots import ASIDE, IdleSlots
from gome.tools.records.line_trials import LineTrial
from gome.tools.services import RunServices
from gome.tools.step_sizes import step_sizes, with_values

POLL_S = 0.5
IDLE_S = 2.0
"""So long a trace has waited for its model before its slot is used: a program takes a while to start."""


class LineSearch:
    """Searches while a trace is thinking, in one thread; gives way at once when a program of a trace needs the slot."""

    def __init__(self, services: RunServices) -> None:
        self._services = services
        self._on = is_searching(services)
        self._lock, self._running = threading.Lock(), threading.Lock()
        self._thinking = 0
        self._over = threading.Event()

    @contextmanager
    def meanwhile(self) -> Iterator[None]:
        """Within the block a trace waits for a model."""
        with self._lock:
            self._thinking += 1
            if self._on and self._thinking == 1:
                self._over = threading.Event()
                threading.Thread(target=self._search, args=(self._over,), daemon=True).start()
        try:
            yield
        finally:
            with self._lock:
                self._thinking -= 1
                if not self._thinking:
                    self._over.set()

    def _search(self, over: threading.Event) -> None:
        scheduler = self._services.evaluator.scheduler
        assert isinstance(scheduler, IdleSlots)
        with self._running:
            try:
                if over.wait(IDLE_S):
                    return
                while not over.wait(POLL_S):
                    if scheduler.idle() and affordable(self._services, scheduler.slots):
                        self._try(over, scheduler)
            except (RunStopped, BudgetReached):
                return
            except Exception as error:  # trials are nobody's step: without them the run goes on
                self._on = False
                self._services.emit("tuning", f"ended: {type(error).__name__}: {error}")

    def _try(self, over: threading.Event, scheduler: IdleSlots) -> None:
        """One trial of the best program that has some left, as far as the slot is free for it."""
        services = self._services
        base = next_base(services)
        if base is None or base.evaluation is None:
            return
        code = str(base.code)
        text, trials = services.artifacts.get_text(code), services.line_trials.of(code)
        values = next_values(open_sizes(services, code), trials, seed=services.config.seed, base=code)
        program = with_values(text, values)
        standing = services.artifacts.put_json(base.evaluation)
        services.emit("tuning", f"{base.id}, trial {len(trials) + 1}: {_words(values)}")
        try:
            evaluation = services.evaluator.evaluate(
                program,
                "search",
                trace=ASIDE,
                look=race_against(services, standing),
                give_way=lambda: over.is_set() or scheduler.wanted(),
            )
        except GaveWay:
            return
        found = None
        if evaluation["status"] == "ok":
            found = compared(services, base.evaluation, evaluation)
        ref = services.artifacts.put_text(program, "py")
        whole = evaluation["status"] == "ok" and not evaluation.get("race")
        trial = LineTrial(code, values, ref, found, whole, round(evaluation["seconds"], 3))
        services.line_trials.add(trial)
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
