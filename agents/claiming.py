"""Claims: what a trace is about to try is said before it is written, so that no two measure the same thing unawares.

The first steps of all traces are planned by one diagnosis. Every choice is claimed as soon as it is made; one that
overlaps what a sibling tries, or has finished meanwhile, is asked again, in one more turn of the same conversation.
"""

from collections.abc import Callable, Sequence

from gome.agents.choosing import ROLE
from gome.agents.prompts.context import sibling_steps
from gome.agents.prompts.render import render
from gome.agents.prompts.replies import Choice, Diagnosis
from gome.optimizer.overlap import overlapping
from gome.state.errors import StepFailed
from gome.state.parts import Hypothesis
from gome.state.prompt_context import StepContext
from gome.state.schema import TraceState
from gome.tools.models.prompt import Prompt
from gome.tools.records.by_step import last_of_each
from gome.tools.services import RunServices

Ask = Callable[[Prompt, str], Choice]
"""From a prompt and its key to the choice that is replied."""
MOST_AGAIN = 2
"""So often a choice is asked again; then it is claimed as it is."""
BACKGROUND = 200
"""Last steps of each trace whose hypotheses tell which words are common in the run."""
MOST_STARTS = 6
"""So many traces can have their first steps planned by one diagnosis."""


def starts_to_plan(state: TraceState, services: RunServices) -> int:
    """How many first steps, one for each trace, the diagnosis at hand is to plan; 0 if it is none of a first step among
    several."""
    traces = services.config.traces
    first = not state["step"] and not state.get("incumbent") and state["trace"] < traces
    return traces if first and 1 < traces <= MOST_STARTS else 0


def planned_starts(state: TraceState, services: RunServices, diagnosis: Diagnosis) -> list[Hypothesis]:
    """The first hypothesis of each trace, out of the diagnosis that was ready first and named as many; else none."""
    count = starts_to_plan(state, services)
    if not count:
        return []
    # a probe has its number in its own step alone
    own = [h.model_copy(update={"probe": None}).as_hypothesis() for h in diagnosis.hypotheses[:count]]
    whole = len({h["statement"] for h in own}) == count
    return services.momentum.starts(own if whole else [])


class Claim:
    """The claim of one step."""

    def __init__(self, state: TraceState, services: RunServices) -> None:
        self.state, self.services = state, services
        self.told: set[tuple[int, int, str]] = set()

    def asking(self, call: str) -> None:
        """The call that is about to be made is told what siblings have done by now. What one was told that was answered
        before a kill, nobody knows."""
        if not self._answered(call):
            rows = sibling_steps(self.services, self.state)
            self.told |= {_key(row) for row in rows if row["verdict"] != "running"}

    def settled(self, choice: Choice, call: str, ask: Ask, candidates: Sequence[str] = ()) -> Choice:
        """The choice as it is claimed in the end, by `ask` put once more as a `call` while it overlaps; `candidates` were
        beside it.

        A choice that was asked again before a kill is so again, with the reply that was paid for. Where no usable reply
        comes, the choice before it stands.
        """
        for again in (f"{call}{n}" for n in range(1, MOST_AGAIN + 1)):
            asked = self._answered(again)
            found = self._overlapping(choice, candidates) if asked else self._claimed(choice, candidates)
            if not found and not asked:
                return choice
            self.told |= {_key(row) for row in found}
            try:
                choice = ask(self._prompt(call, found), self._place(again))
            except StepFailed:
                break
        self._claimed(choice, None)
        return choice

    def _place(self, call: str) -> str:
        return f"{self.state['trace']}:{self.state['step']}:{call}"

    def _answered(self, call: str) -> bool:
        return f"{self._place(call)}:0" in self.services.asker.journal

    def _claimed(self, choice: Choice, candidates: Sequence[str] | None) -> list[StepContext]:
        """Claim the choice unless it overlaps; without `candidates`, whether it does or not."""
        return self.services.momentum.claim(
            self.state["trace"],
            self.state["step"],
            choice.hypothesis.statement,
            choice.hypothesis.component,
            unless=lambda: [] if candidates is None else self._overlapping(choice, candidates),
        )

    def _overlapping(self, choice: Choice, candidates: Sequence[str]) -> list[StepContext]:
        """Steps of siblings that are about the same thing, of those that run and those that are new since."""
        open_steps = [row for row in sibling_steps(self.services, self.state) if _key(row) not in self.told]
        entries = last_of_each(self.services.momentum.entries(), BACKGROUND)
        remembered = (entry["hypothesis"] for entry in entries)
        return overlapping(choice.hypothesis.statement, open_steps, [*candidates, *remembered])

    def _prompt(self, call: str, found: list[StepContext]) -> Prompt:
        others = ", ".join(f"{row['trace']}:{row['step']}" for row in found)
        said = f"chosen again: about the same as step {others}"
        self.services.emit("researcher", said, self.state["trace"], self.state["step"])
        private = self.services.private(ROLE)
        return render(ROLE, "choose_again", {"call": call, "claimed": found}, private=private)


def _key(row: StepContext) -> tuple[int, int, str]:
    return row["trace"], row["step"], row["verdict"]
