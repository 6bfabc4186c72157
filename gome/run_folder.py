"""A run folder as it can be read at any moment: finished, running or dead; what is missing or cut off is left out."""

import json
from dataclasses import dataclass
from functools import cached_property, reduce
from pathlib import Path
from typing import Any, Literal, cast

from gome.state.errors import GomeError
from gome.state.event import Event, event_from_json
from gome.state.evidence import RowChanges
from gome.state.parts import Usage, is_number, sign_of
from gome.state.plain import JsonObject
from gome.state.profile import DataProfile
from gome.state.result import Best, Member, Naive, Result, RunFile
from gome.state.step import StepRecord
from gome.state.task import Task
from gome.tools.data.leak_advice import leak_line
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.by_step import first_draft
from gome.tools.records.history import History
from gome.tools.records.journal import add_usage, heads, nothing_used
from gome.tools.records.jsonl import read_lines
from gome.tools.records.lock import writer_of
from gome.tools.records.naive_file import read_naive
from gome.tools.records.run_file import as_written_now
from gome.tools.wording import readable

RunState = Literal["finished", "running", "stopped"]


@dataclass(frozen=True)
class RunFolder:
    """What the files of one run say. `run` and `result` are {} when there is no readable file."""

    path: Path
    run: RunFile
    result: Result
    records: list[StepRecord]
    events: list[Event]
    state: RunState

    @classmethod
    def read(cls, path: Path) -> "RunFolder":
        """Read the folder. GomeError if there is none."""
        if not path.is_dir():
            raise GomeError(f"there is no run folder {path}; give the folder that `gome run` printed")
        result = cast(Result, _read_json(path / "result.json"))
        state: RunState = "finished" if result else "running" if writer_of(path) else "stopped"
        kept = History(path / "history.jsonl").records()
        records = [StepRecord.from_json(readable(record.to_json())) for record in kept]
        events = [event_from_json(row) for row in read_lines(path / "events.jsonl")]
        run = as_written_now(_read_json(path / "run.json"))
        return cls(path, run, result, records, events, state)

    @property
    def task(self) -> JsonObject:
        """The task as run.json keeps it."""
        return self.run.get("task") or {}

    @property
    def config(self) -> JsonObject:
        """The configuration as run.json keeps it."""
        return self.run.get("config") or {}

    @cached_property
    def profile(self) -> DataProfile:
        """The data profile, {} before it was made."""
        return cast(DataProfile, _read_json(self.path / "profile.json"))

    @cached_property
    def earlier(self) -> dict[str, JsonObject]:
        """What the run knew of earlier runs, by id; {} in a closed world."""
        return {str(e.get("id")): readable(e) for e in read_lines(self.path / "earlier.jsonl")}

    @cached_property
    def naive(self) -> Naive:
        """The best constant prediction: `what`, `search`, `selection`, `why`; {} in runs that have none."""
        return read_naive(self.path)

    @property
    def leak_lines(self) -> list[str]:
        """What gives the target away by the data checks, and what to do about it, a line each."""
        return [leak_line(leak) for leak in self.profile.get("leaks") or []]

    @property
    def has_program(self) -> bool:
        """Whether the submission that stands is that of a program, and not of a constant."""
        if self.result:
            return bool(self.result.get("best") and self.result.get("submission"))
        return (self.path / "solution" / "main.py").is_file()

    @property
    def name(self) -> str:
        """The task's name, or the folder's where the task is not known."""
        return str(self.task.get("name") or self.path.resolve().name)

    @property
    def positive(self) -> str | None:
        """What a probability is that of, "P(label = 'fraud')"; None where the task has no positive class."""
        return Task(**self.task).says_positive if self.task.get("positive") else None

    @property
    def self_reported(self) -> str:
        """Why scores are what programs say of themselves; '' where the harness grades."""
        return str(self.task.get("self_reported") or "")

    @property
    def adapter(self) -> str:
        """The text of the run's adapter; '' if it has none."""
        try:
            return (self.path / "adapter" / "adapter.py").read_text(encoding="utf-8")
        except (OSError, ValueError):
            return ""

    @property
    def metric(self) -> str:
        """The metric's name as it stands before a score: in a self-reported run it says so."""
        return f"{'SELF-REPORTED ' if self.self_reported else ''}{self.task.get('metric') or 'score'}"

    @property
    def sign(self) -> int:
        """+1 where larger scores are better, -1 where smaller ones are."""
        return sign_of(self.task.get("direction", "maximize"))

    @property
    def better(self) -> str:
        """Which scores are better, in words: "higher is better". Empty where nobody has said, and no program has one."""
        if not self.task.get("direction_known", True):
            return ""
        return f"{'lower' if self.sign < 0 else 'higher'} is better"

    @property
    def reasoner(self) -> str:
        """Who reasoned: a model's name, or the offline reasoner called what it is."""
        model = self.config.get("model", "offline")
        named = "offline reasoner (rules, not a language model)" if model == "offline" else model
        return str(self.result.get("reasoner") or named)

    @property
    def seconds(self) -> float | None:
        """Seconds worked on the run, stops not counted."""
        known = [self.result.get("seconds"), *(e.get("elapsed") for e in reversed(self.events))]
        return next((s for s in known if is_number(s)), None)

    @cached_property
    def artifacts(self) -> Artifacts:
        """The run's artifacts."""
        return Artifacts(self.path / "artifacts")

    def text(self, ref: Any) -> str | None:
        """The text of an artifact reference, None if there is none."""
        try:
            return self.artifacts.get_text(ref) if ref else None
        except (OSError, ValueError, TypeError):
            return None

    def rows_of(self, record: StepRecord) -> RowChanges | None:
        """How a step does on the rows that its parent predicted worst; None where that was not kept."""
        try:
            return cast(RowChanges, self.artifacts.get_json(record.worst_rows)) if record.worst_rows else None
        except (OSError, ValueError):
            return None

    @cached_property
    def accepted(self) -> list[StepRecord]:
        """Accepted steps that have a score, best first."""
        rows = [(r.value, r) for r in self.records if r.accepted and r.value is not None]
        return [r for _, r in sorted(rows, key=lambda row: -self.sign * row[0])]

    @property
    def best(self) -> Best | None:
        """What would be handed over now, as in result.json: kind, members, search and selection score."""
        if self.result:
            return self.result.get("best")
        if not self.accepted:
            return None
        top = self.accepted[0]
        member = Member(id=top.id, code=top.code, weight=1.0)
        return Best(kind="single", members=[member], search=top.score, selection=None)

    @property
    def first_draft(self) -> StepRecord | None:
        """The best of the traces' first accepted solutions: where the search began."""
        return first_draft(self.records, self.sign)

    def count(self, verdict: str) -> int:
        """How many steps ended with this verdict."""
        return sum(r.verdict == verdict for r in self.records)

    @cached_property
    def usage_by_role(self) -> list[JsonObject]:
        """Calls and tokens per role and model, from the journal of exchanges; a question asked twice counts once."""
        rows: dict[tuple[str, str], JsonObject] = {}
        asked = set()
        for exchange in heads(self.path / "exchanges.jsonl"):
            key = (str(exchange.get("role")), str(exchange.get("model")))
            row = rows.setdefault(key, {"role": key[0], "model": key[1], **nothing_used()})
            if exchange.get("key") not in asked and (usage := exchange.get("usage")):
                row.update(add_usage(cast(Usage, row), usage))
            asked.add(exchange.get("key"))
        return [rows[key] for key in sorted(rows)]

    @cached_property
    def usage(self) -> Usage:
        """Calls, tokens and money of the whole run: the result's figures, else those of the exchanges so far."""
        rows: list[Any] = [self.result["usage"]] if self.result.get("usage") else self.usage_by_role
        return reduce(add_usage, rows, nothing_used())

    @property
    def evaluations(self) -> int:
        """Programs that were graded on the search part, or begun to be."""
        return len({path.name.split("-")[0] for path in (self.path / "results").glob("*-search-s*-f0.json")})


def _read_json(path: Path) -> JsonObject:
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}
