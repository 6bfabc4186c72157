"""Advice: what a person says to a run while it goes, from any process; each trace is told each piece once."""

import datetime
from pathlib import Path

from gome.tools.records.jsonl import append_line, read_lines


class Advice:
    """advice.jsonl of a run: the pieces of advice, and which step of which trace was told which."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def give(self, text: str) -> None:
        """Write a piece of advice down; the next diagnosis of every trace reads it."""
        append_line(
            self.path,
            {"t": datetime.datetime.now(datetime.UTC).isoformat(timespec="seconds"), "advice": text},
        )

    def all(self) -> list[str]:
        """Every piece, oldest first."""
        return [str(row["advice"]) for row in read_lines(self.path) if "advice" in row]

    def tell(self, trace: int, step: int) -> list[str]:
        """What no step of the trace before this one was told; a step executed again is told the same again."""
        pieces = self.all()
        told = {r["step"]: r["told"] for r in read_lines(self.path) if r.get("trace") == trace}
        if step not in told:
            told[step] = len(pieces)
            append_line(self.path, {"trace": trace, "step": step, "told": len(pieces)})
        known = max((count for earlier, count in told.items() if earlier < step), default=0)
        return pieces[known : told[step]]
