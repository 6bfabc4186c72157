"""The nodes of a trace with execution and reasoner simulated. What decides in them is the product's: which step comes
next, what is recalled, racing, acceptance; the recorder, which follows, is the product's as it is."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np

from benchmarks.lab.line_search import DEFAULT_LIMITS, Limits, SimulatedLineSearch
from benchmarks.lab.programs import point_of, text_of
from benchmarks.lab.reasoner import Change, Dials, after_momentum, directed, draft, undirected
from benchmarks.lab.simulated_time import SimulatedTime
from benchmarks.lab.world import World
from gome.agents.critic import Decision
from gome.agents.line_search import tuned_step
from gome.agents.recorder import recorder
from gome.graph.trace import Node
from gome.optimizer.acceptance import measured_verdict
from gome.optimizer.merge import merge_proposal
from gome.optimizer.momentum import recall
from gome.optimizer.policy import next_step
from gome.optimizer.ranking import known_records
from gome.optimizer.reliability import FEWEST_PAIRS, reliability
from gome.optimizer.stages import NextStep, stage_of, step_seed
from gome.state.errors import TimeReached
from gome.state.in_flight import StepInFlight
from gome.state.parts import Evaluation, Hypothesis, Race, StepKind
from gome.state.schema import TraceState
from gome.tools.services import RunServices

CALL_S, CALL_SPREAD = 15.0, 0.6
"""Median seconds of a model's call and the spread of their logarithm, as in benchmarks/utilisation."""
FOLD_S = 30.0
"""Seconds of the median program on one fold; others in proportion to what they took in the bank."""
CALLS = 2
"""A diagnosis with its choice, or an idea; and code. The choice is a call of its own where momentum recalls what the
diagnosis was not shown."""
SHOWN = 8
"""Last steps of its own, and of its siblings, that a diagnosis is shown."""
TIES_FROM = 0.6
"""Share of resamples from which on a tie is accepted in all arms that do not say another: what the offline critic went by
when they were played. By what they showed it accepts all ties now."""


@dataclass(frozen=True)
class Graded:
    """One program graded: when, which one, on how many folds, and whether it was accepted."""

    at_s: float
    number: int
    accepted: bool


@dataclass
class Lab:
    """One simulated run: its world, its reasoner, its time. `tie_from` is the share of resamples from which on a tie is
    accepted. `limits`: of its line search. `graded` are its
    programs in their order."""

    world: World
    dials: Dials
    time: SimulatedTime
    tie_from: float = TIES_FROM
    limits: Limits = DEFAULT_LIMITS
    graded: list[Graded] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._line_search = SimulatedLineSearch(self.world, self.time, FOLD_S, self.limits)

    def nodes(self) -> Mapping[str, Node]:
        """The nodes of a trace that takes its turns in simulated time."""
        own = {
            "researcher": self.researcher,
            "coder": self.coder,
            "runner": self.runner,
            "critic": self.critic,
            "recorder": recorder,
        }
        return {name: self._in_turn(node) for name, node in own.items()}

    def _in_turn(self, node: Node) -> Node:
        def call(state: TraceState, services: RunServices) -> TraceState:
            with self.time.turn(state["trace"]):
                self._line_search.go_on(services)
                try:
                    update = node(state, services)
                except TimeReached:
                    self.time.end(state["trace"])
                    raise
                if update.get("next") == "end":
                    self.time.end(state["trace"])
                return update

        call.__doc__ = node.__doc__
        return call

    def researcher(self, state: TraceState, services: RunServices) -> TraceState:
        """Propose the step: a change of the program that the optimizer says, drawn by the dials."""
        if tuning := tuned_step(state, services):
            return tuning
        started, begun = self.time.now, next_step(state, services)
        rng = np.random.default_rng([services.config.seed, state["trace"], state["step"]])
        change, kind, source, calls = self._proposed(
            {**state, "incumbent": begun.parent}, services, begun, rng
        )
        self.time.spend(float(np.sum(CALL_S * np.exp(CALL_SPREAD * rng.standard_normal(calls)))))
        hypothesis = Hypothesis(
            statement=change.statement, component=change.component, predicted_gain=change.predicted
        )
        services.momentum.claim(state["trace"], state["step"], change.statement, change.component)
        text = text_of(change.point, begun.parent["code"] if begun.parent else "")
        work = StepInFlight(
            stage=stage_of(services, {**state, "incumbent": begun.parent}),
            optimizer=begun.optimizer,
            kind=kind,
            source=source,
            home=begun.home,
            proposal=services.artifacts.put_json({"hypothesis": hypothesis, "plan": [text]}),
            started=started,
            rounds=0,
            evaluation=None,
            errors=[],
            failure=None,
        )
        return {"work": work, "incumbent": begun.parent, "next": "coder"}

    def _proposed(
        self, state: TraceState, services: RunServices, begun: NextStep, rng: np.random.Generator
    ) -> tuple[Change, StepKind, str | None, int]:
        """The change, of which kind the step is with it, its source, and the calls that it takes."""
        seed, trace, parent = services.config.seed, state["trace"], begun.parent
        if parent is None:
            number = trace + services.config.traces * state["step"]
            return draft(self.world, seed, number), begun.kind, begun.source, CALLS
        point, tried = point_of(parent["code"]), self._tried(state, services, begun)
        if begun.optimizer == "tree" or not services.config.has("reasoning"):
            return undirected(self.world, point, tried, rng), begun.kind, begun.source, CALLS
        found = directed(self.world, point, tried, self.dials, rng)
        recalled = self._recalled(state, services, found)
        calls = CALLS + bool({e["id"] for e in recalled} - self._shown(state, services))
        worth = [after_momentum(change, recalled, trace) for change in found]
        best = int(np.argmax(worth))
        if begun.partner is None:
            return found[best], begun.kind, begun.source, calls
        trust = reliability(known_records(state, services))
        factor = trust["factor"] if trust["pairs"] >= FEWEST_PAIRS else 1.0
        if begun.partner.blend["gain"] < factor * worth[best]:
            return found[best], "edit", None, CALLS + 1
        offered = merge_proposal(begun.partner)["hypothesis"]
        merged = self.world.space.merged(point, point_of(str(begun.partner.record.code)))
        change = Change(offered["statement"], "ensemble", merged, offered["predicted_gain"])
        return change, "merge", begun.source, CALLS + 1

    def _shown(self, state: TraceState, services: RunServices) -> set[str]:
        """The steps that a diagnosis is shown."""
        others = [e for e in services.momentum.entries() if e["trace"] != state["trace"]]
        latest = sorted(others, key=lambda e: e["step"])[-SHOWN:]
        return {e["id"] for e in (*state.get("records", []), *latest)}

    def _tried(self, state: TraceState, services: RunServices, begun: NextStep) -> set[str]:
        """What the reasoner is not to propose: what the trace's last steps tried in vain, and siblings are trying now."""
        shown, known = state.get("records", []), services.history
        claims = [c for c in services.momentum.claims() if c["trace"] != state["trace"]]
        now = {c["hypothesis"] for c in claims if known.record(c["trace"], c["step"]) is None}
        if services.config.has("momentum") and begun.optimizer == "tree":
            shown = [*shown, *services.momentum.entries()[-len(shown) - 8 :]]  # all traces share the tree
        return now | {e["hypothesis"] for e in shown if e["verdict"] != "accepted"}

    def _recalled(self, state: TraceState, services: RunServices, found: list[Change]) -> list:
        if not services.config.has("momentum"):
            return []
        incumbent, trace = state["incumbent"], state["trace"]
        assert incumbent is not None
        return recall(
            [change.statement for change in found],
            services.momentum.entries(),
            incumbent=incumbent["score"]["value"],
            stderr=incumbent["score"]["stderr"],
            sign=services.sign,
            path_length=state.get("traces", {}).get(str(trace), {}).get("accepted", 0),
            rng=np.random.default_rng(step_seed(services.config.seed, trace, state["step"])),
            trace=trace,
        )

    def coder(self, state: TraceState, services: RunServices) -> TraceState:
        """The program of the proposal; it always runs."""
        text = services.artifacts.get_json(state["work"]["proposal"])["plan"][0]
        return {"work": {**state["work"], "code": services.artifacts.put_text(text, "py")}, "next": "runner"}

    def runner(self, state: TraceState, services: RunServices) -> TraceState:
        """Look the program up, fold by fold as long as the race goes on, for the time that it takes; what the line search
        has run takes none."""
        text = str(state["work"]["code"])
        number, key = self.world.number(point_of(text)), f"{text}-search-s0"
        services.budget.begin("search", text)
        folds, race = len(self.world.folds), self._race(state, services, number)
        ran = race["folds"] if race else folds
        seconds = float(self.world.seconds[number]) * FOLD_S
        if state["work"]["kind"] != "tune":
            self.time.run(ran * seconds)
        if services.budget.search_seconds_left() <= 0:
            raise TimeReached(services.budget.time_is_up())
        evaluation = Evaluation(
            key=key,
            split="search",
            seed=0,
            status="ok",
            score=None if race else self.world.score(number),
            problems=[],
            log=None,
            predictions=None,
            seconds=ran * seconds,
            fold_seconds=seconds,
            peak_mb=0.0,
            facts={"number": number},
            race=race,
        )
        ref = services.artifacts.put_json(evaluation)
        return {"work": {**state["work"], "evaluation": ref}, "next": "critic"}

    def _race(self, state: TraceState, services: RunServices, number: int) -> Race | None:
        incumbent = state.get("incumbent")
        if incumbent is None or not services.config.has("racing"):
            return None
        before = services.artifacts.get_json(incumbent["evaluation"])["facts"]["number"]
        ran = self.world.raced(before, number)
        return Race(folds=ran, of=len(self.world.folds), candidate=0.0, incumbent=0.0) if ran else None

    def critic(self, state: TraceState, services: RunServices) -> TraceState:
        """Decide the step by the paired bootstrap; a tie by the share of resamples."""
        evaluation: Evaluation = services.artifacts.get_json(str(state["work"]["evaluation"]))
        incumbent, race = state.get("incumbent"), evaluation.get("race")
        number, comparison = evaluation["facts"]["number"], None
        if incumbent:
            before = services.artifacts.get_json(incumbent["evaluation"])["facts"]["number"]
            folds = race["folds"] if race else len(self.world.folds)
            comparison = self.world.compare(before, number, folds=folds)
        measured = measured_verdict(comparison)
        likely = comparison is not None and comparison["p_better"] >= self.tie_from
        accept = race is None and (measured.clear or (measured.tie and likely))
        self.graded.append(Graded(self.time.now, number, accept))
        decision = Decision(
            verdict="accepted" if accept else "rejected",
            tie=measured.tie,
            reason="",
            feedback="",
            lesson="",
            checks=[],
            comparison=comparison,
            evaluation=evaluation,
        )
        return {
            "work": {**state["work"], "decision": services.artifacts.put_json(decision)},
            "next": "recorder",
        }
