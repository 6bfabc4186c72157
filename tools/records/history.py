"""The whole history of a run: one line a step, de-duplicated by (trace, step) when read."""

from pathlib import Path
from typing import cast

from gome.state.records import StepRecord
from gome.tools.records.jsonl import append_line, read_lines


class History:
    """Append-only step records. A step that was executed again after a kill counts once, by its last line."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def append(self, record: StepRecord) -> None:
        """Write one step down."""
        append_line(self.path, cast(dict, record), durable=True)

    def records(self) -> list[StepRecord]:
        """All steps, ordered by (trace, step)."""
        rows = {(r["trace"], r["step"]): r for r in read_lines(self.path) if "trace" in r and "step" in r}
        return [cast(StepRecord, rows[k]) for k in sorted(rows)]
