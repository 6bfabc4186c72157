"""The success memory over a LangGraph store: live for all traces of a run, kept across restarts."""

from typing import Any, cast

from langgraph.store.base import BaseStore

from gome.state.records import MemoryEntry

PAGE = 1000


class StoreMemory:
    """Entries under ('gome', run, 'momentum') by their id; announcements under ('gome', run, 'now') and handed-over
    steps under ('gome', run, 'steps') by trace.

    Deterministic keys: a step that is executed again after a kill writes the same row.
    """

    def __init__(self, store: BaseStore, run_id: str) -> None:
        self.store = store
        run_id = run_id.replace("%", "%25").replace(".", "%2E")  # namespaces have no periods, folders may
        self.momentum = ("gome", run_id, "momentum")
        self.now = ("gome", run_id, "now")
        self.steps = ("gome", run_id, "steps")

    def put(self, entry: MemoryEntry) -> None:
        """Insert or replace the entry under its id."""
        self.store.put(self.momentum, entry["id"], cast(dict[str, Any], entry), index=False)

    def entries(self) -> list[MemoryEntry]:
        """All entries, by (trace, step)."""
        rows = [cast(MemoryEntry, value) for value in self._values(self.momentum)]
        return sorted(rows, key=lambda e: (e["trace"], e["step"]))

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

    def announced(self) -> list[dict[str, Any]]:
        """What each trace announced last, by trace."""
        return sorted(self._values(self.now), key=lambda row: row["trace"])

    def _values(self, namespace: tuple[str, ...]) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = []
        while page := self.store.search(namespace, limit=PAGE, offset=len(found)):
            found.extend(item.value for item in page)
            if len(page) < PAGE:
                break
        return found
