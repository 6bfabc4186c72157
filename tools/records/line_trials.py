"""The trials of the line search, in line_trials.jsonl, a line as each is begun and one as it has ended: a finished one is
never repeated, and one that was cut off is taken up again with the same values."""

import threading
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gome.state.parts import Comparison, comparison_from_json
from gome.tools.records.jsonl import Tail, append_line


@dataclass(frozen=True)
class BegunTrial:
    """Other values for the step sizes of the program `base`, an artifact like `program`, which has them."""

    base: str
    values: dict[str, float]
    program: str


@dataclass(frozen=True)
class LineTrial(BegunTrial):
    """A finished one. `comparison`: of it against the base, on all folds where `whole`, else on those before the race was
    decided; None where it failed. `seconds`: of its programs."""

    comparison: Comparison | None
    whole: bool
    seconds: float


class LineTrials:
    """Safe to share between threads."""

    def __init__(self, path: Path) -> None:
        self.path, self._tail, self._lock = path, Tail(path), threading.Lock()
        self._begun: dict[str, BegunTrial] = {}
        self._finished: list[LineTrial] = []

    def begin(self, trial: BegunTrial) -> None:
        """Write down what is tried now."""
        append_line(self.path, asdict(trial), durable=True)

    def add(self, trial: LineTrial) -> None:
        """Write a finished trial down."""
        append_line(self.path, asdict(trial), durable=True)

    def all(self) -> list[LineTrial]:
        """All finished trials, in the order in which they ended."""
        self._read()
        return list(self._finished)

    def of(self, base: str) -> list[LineTrial]:
        """Those of one program."""
        return [trial for trial in self.all() if trial.base == base]

    def unfinished(self, base: str) -> list[BegunTrial]:
        """Those of one program that were begun and have not ended, in their order."""
        self._read()
        return [trial for trial in list(self._begun.values()) if trial.base == base]

    def _read(self) -> None:
        with self._lock:
            for row in self._tail.new():
                begun = BegunTrial(row["base"], _values(row), row["program"])
                if "whole" in row:
                    self._begun.pop(begun.program, None)
                    self._finished.append(_finished(begun, row))
                else:
                    self._begun[begun.program] = begun


def _values(row: Mapping[str, Any]) -> dict[str, float]:
    return {str(name): float(value) for name, value in row["values"].items()}


def _finished(begun: BegunTrial, row: Mapping[str, Any]) -> LineTrial:
    found = comparison_from_json(row.get("comparison"))
    return LineTrial(
        **asdict(begun), comparison=found, whole=bool(row["whole"]), seconds=float(row["seconds"])
    )
