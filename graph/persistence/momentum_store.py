"""The momentum over a LangGraph store: live for all traces of a run, kept across restarts."""

import threading
from collections.abc import Callable, Sequence
from typing import cast

from langgraph.store.base import BaseStore

from gome.state.parts import Hypothesis
from gome.state.plain import JsonObject
from gome.state.prompt_context import StepContext
from gome.state.step import StepBrief, brief_from_json
from gome.tools.records.by_step import ByStep

PAGE = 1000


class StoredMomentum:
    """Entries under ('gome', run, 'momentum') by their id; claims under ('gome', run, 'now'), starts under ('gome', run,
    'starts'), handed-over steps under ('gome', run, 'steps') and origins of forks under ('gome', run, 'forks') by trace.

    Deterministic keys: a step that is executed again after a kill writes the same row. The entries are read whole once,
    then only those of the steps since: ('gome', run, 'latest') has the last step of each trace.
    """

    def __init__(self, store: BaseStore, run_id: str) -> None:
        self.store = store
        run_id = run_id.replace("%", "%25").replace(".", "%2E")  # namespaces have no periods, folders may
        self.momentum = ("gome", run_id, "momentum")
        self.now = ("gome", run_id, "now")
        self.first = ("gome", run_id, "starts")
        self.steps = ("gome", run_id, "steps")
        self.latest = ("gome", run_id, "latest")
        self._lock = threading.RLock()  # who claims looks at claims and entries under it
        self._known: ByStep[StepBrief] | None = None
        self._last: dict[int, int] = {}  # trace -> its last step that is known
        self.forks = ("gome", run_id, "forks")

    def put(self, entry: StepBrief) -> None:
        """Insert or replace the entry under its id."""
        self.store.put(self.momentum, entry["id"], cast(JsonObject, entry), index=False)
        last = {"trace": entry["trace"], "step": entry["step"]}
        self.store.put(self.latest, str(entry["trace"]), last, index=False)

    def entries(self) -> list[StepBrief]:
        """All entries, by (trace, step). They are shared: not to be changed."""
        with self._lock:
            if self._known is None:
                self._known = ByStep()
                new = self._values(self.momentum)
            else:
                new = self._new()
            for entry in new:
                self._last[entry["trace"]] = max(entry["step"], self._last.get(entry["trace"], -1))
                self._known.put(brief_from_json(entry))
            return self._known.all()

    def _new(self) -> list[JsonObject]:
        """The entries of the steps that each trace has taken since, and the last one before them, which the diagnosis
        after it may have given a lesson."""
        ids = [
            f"{row['trace']}:{step}"
            for row in self._values(self.latest)
            for step in range(self._last.get(row["trace"], 0), row["step"] + 1)
        ]
        found = [self.store.get(self.momentum, name) for name in ids]
        return [item.value for item in found if item]

    def claim(
        self,
        trace: int,
        step: int,
        hypothesis: str,
        component: str,
        *,
        unless: Callable[[], list[StepContext]] = list,
    ) -> list[StepContext]:
        """Say what a trace tries now, for siblings to see, unless something stands against it, which comes back.

        No other trace of the run claims meanwhile. A step that is executed again finds its own claim, and keeps it.
        """
        row = {"trace": trace, "step": step, "hypothesis": hypothesis, "component": component}
        with self._lock:
            held = self.store.get(self.now, str(trace))
            if not (held and held.value == row) and (found := unless()):
                return found
            self.store.put(self.now, str(trace), row, index=False)
        return []

    def withdraw(self, trace: int) -> None:
        """Take back what the trace claimed last: it has ended in the middle of a step."""
        self.store.delete(self.now, str(trace))

    def claims(self) -> list[StepContext]:
        """What each trace claimed last, by trace; its step may be done."""
        return cast(list[StepContext], sorted(self._values(self.now), key=lambda row: row["trace"]))

    def starts(self, proposed: Sequence[Hypothesis]) -> list[Hypothesis]:
        """The first hypothesis of each trace, by trace: those that were proposed first hold for all; [] while there are
        none."""
        with self._lock:
            if held := self.store.get(self.first, "all"):
                return cast(list[Hypothesis], held.value["starts"])
            if proposed:
                self.store.put(self.first, "all", {"starts": list(proposed)}, index=False)
            return list(proposed)

    def grant(self, giver: int, receiver: int, steps: int) -> None:
        """Give the steps that a folded trace leaves over to another one; a trace gives once."""
        self.store.put(self.steps, str(giver), {"to": receiver, "steps": steps}, index=False)

    def granted(self, trace: int) -> int:
        """Steps that the trace was given by folded ones."""
        return sum(row["steps"] for row in self._values(self.steps) if row["to"] == trace)

    def fork(self, origin: str, *, first: int) -> int:
        """The number of the trace that was forked at `origin`, given once."""
        with self._lock:
            forks = {row["origin"]: int(row["trace"]) for row in self._values(self.forks)}
            if origin not in forks:
                forks[origin] = max([first - 1, *forks.values()]) + 1
                self.store.put(
                    self.forks, str(forks[origin]), {"origin": origin, "trace": forks[origin]}, index=False
                )
            return forks[origin]

    def _values(self, namespace: tuple[str, ...]) -> list[JsonObject]:
        found: list[JsonObject] = []
        while page := self.store.search(namespace, limit=PAGE, offset=len(found)):
            found.extend(item.value for item in page)
            if len(page) < PAGE:
                break
        return found
