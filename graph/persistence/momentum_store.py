"""The momentum over a LangGraph store: live for all traces of a run, kept across restarts."""

import threading
from typing import cast

from langgraph.store.base import BaseStore

from gome.state.plain import JsonObject
from gome.state.prompt_context import StepContext
from gome.state.step import StepBrief, brief_from_json
from gome.tools.records.by_step import ByStep

PAGE = 1000


class StoredMomentum:
    """Entries under ('gome', run, 'momentum') by their id; announcements under ('gome', run, 'now'), handed-over steps
    under ('gome', run, 'steps') and origins of forks under ('gome', run, 'forks') by trace.

    Deterministic keys: a step that is executed again after a kill writes the same row. The entries are read whole once,
    then only those of the steps since: ('gome', run, 'latest') has the last step of each trace.
    """

    def __init__(self, store: BaseStore, run_id: str) -> None:
        self.store = store
        run_id = run_id.replace("%", "%25").replace(".", "%2E")  # namespaces have no periods, folders may
        self.momentum = ("gome", run_id, "momentum")
        self.now = ("gome", run_id, "now")
        self.steps = ("gome", run_id, "steps")
        self.latest = ("gome", run_id, "latest")
        self._lock = threading.Lock()
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

    def announce(self, trace: int, step: int, hypothesis: str, component: str) -> None:
        """Let siblings see what a trace is trying now."""
        row = {"trace": trace, "step": step, "hypothesis": hypothesis, "component": component}
        self.store.put(self.now, str(trace), row, index=False)

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

    def announced(self) -> list[StepContext]:
        """What each trace announced last, by trace."""
        return cast(list[StepContext], sorted(self._values(self.now), key=lambda row: row["trace"]))

    def _values(self, namespace: tuple[str, ...]) -> list[JsonObject]:
        found: list[JsonObject] = []
        while page := self.store.search(namespace, limit=PAGE, offset=len(found)):
            found.extend(item.value for item in page)
            if len(page) < PAGE:
                break
        return found
