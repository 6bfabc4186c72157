"""The trials of the line search, one line each in line_trials.jsonl: a finished one is never repeated."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from gome.state.parts import Comparison, comparison_from_json
from gome.tools.records.jsonl import append_line, read_lines


@dataclass(frozen=True)
class LineTrial:
    """Other values for the step sizes of the program `base`, an artifact like `program`, which has them. `comparison`: of
    it against the base, on all folds where `whole`, else on those before the race was decided; None where it failed."""

    base: str
    values: dict[str, float]
    program: str
    comparison: Comparison | None
    whole: bool
    seconds: float


class LineTrials:
    """Appended to by one thread, read by others."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def add(self, trial: LineTrial) -> None:
        """Write a finished trial down."""
        append_line(self.path, asdict(trial), durable=True)

    def all(self) -> list[LineTrial]:
        """All finished trials, in their order."""
        return [_trial(row) for row in read_lines(self.path)]

    def of(self, base: str) -> list[LineTrial]:
        """Those of one program."""
        return [trial for trial in self.all() if trial.base == base]


def _trial(row: Mapping[str, Any]) -> LineTrial:
    values = {str(name): float(value) for name, value in row["values"].items()}
    found = comparison_from_json(row.get("comparison"))
    return LineTrial(row["base"], values, row["program"], found, bool(row["whole"]), float(row["seconds"]))
