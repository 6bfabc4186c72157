"""What the sandboxes of a run took: read from e2b.jsonl in the run's folder, to which the pool writes."""

import datetime
import math
import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gome.state.errors import GomeError
from gome.state.plain import JsonObject
from gome.tools.records.jsonl import append_line, read_lines

PRICE = "E2B_USD_PER_HOUR"


def usd_per_hour() -> float | None:
    """What the user says that an hour of a sandbox costs; None if that is not known. GomeError for what is no price."""
    text = os.environ.get(PRICE)
    if not text:
        return None
    try:
        price = float(text)
    except ValueError:
        price = math.nan
    if not 0 <= price < math.inf:
        raise GomeError(f"{PRICE}={text}: give the price of an hour of a sandbox in US dollars, such as 0.11")
    return price


class SandboxLog:
    """The lines of one run: each sandbox by its name, when it was started or ended, and what job it has."""

    def __init__(self, run_dir: Path) -> None:
        self._path = run_dir / "e2b.jsonl"

    def running(self, name: str, what: str = "started") -> None:
        """It runs from now on: 'started' or 'resumed'."""
        price = {"usd_per_hour": usd_per_hour()} if what == "started" else {}
        self._add(name, **{what: _now().isoformat(timespec="milliseconds")}, **price)

    def stopped(self, name: str, seconds: float, what: str = "ended") -> None:
        """It has run for so many seconds, and was 'ended' or 'paused' now."""
        self._add(name, **{what: _now().isoformat(timespec="milliseconds")}, seconds=round(seconds, 3))

    def lost(self, name: str) -> None:
        """It ended while nobody looked."""
        self._add(name, lost=_now().isoformat(timespec="milliseconds"))

    def has_job(self, name: str, job: str) -> None:
        """This job is in it from now on; '' for none."""
        self._add(name, job=job)

    def jobs(self) -> dict[str, str]:
        """The job that each sandbox had last."""
        return {row["sandbox"]: row["job"] for row in read_lines(self._path) if "job" in row}

    def use(self) -> "SandboxUse":
        """What all of them took until now."""
        use = SandboxUse()
        for row in read_lines(self._path):
            use.add(row)
        return use

    def _add(self, name: str, **row: Any) -> None:
        append_line(self._path, {"sandbox": name, **row})


@dataclass
class SandboxUse:
    """What sandboxes took: `count` of them, `seconds` and `usd` of those that were stopped.

    `lost` are those that ended while nobody looked, `unpriced` those whose price is not known. `running` are the others,
    with the time since when.
    """

    count: int = 0
    seconds: float = 0.0
    usd: float = 0.0
    lost: int = 0
    unpriced: int = 0
    running: dict[str, datetime.datetime] = field(default_factory=dict)
    _prices: dict[str, float] = field(default_factory=dict)

    def add(self, row: JsonObject) -> None:
        """Take in one line."""
        name, seconds, price = row["sandbox"], row.get("seconds", 0.0), row.get("usd_per_hour")
        if "started" in row:
            self.count += 1
            self.unpriced += price is None
            self._prices[name] = price or 0.0
        if begun := row.get("started") or row.get("resumed"):
            self.running[name] = datetime.datetime.fromisoformat(begun)
        if {"ended", "paused", "lost"} & row.keys():
            self.running.pop(name, None)
            self.lost += "lost" in row
            self.seconds += seconds
            self.usd += self._cost(name, seconds)

    def usd_by_now(self) -> float:
        """With what the running ones cost until now."""
        return self.usd + sum(
            self._cost(name, (_now() - since).total_seconds()) for name, since in self.running.items()
        )

    def _cost(self, name: str, seconds: float) -> float:
        return seconds / 3600 * self._prices.get(name, 0.0)


def _now() -> datetime.datetime:
    return datetime.datetime.now(datetime.UTC)
