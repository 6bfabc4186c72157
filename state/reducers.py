"""Reducers of the shared channels: associative and idempotent, so that a re-executed node changes nothing."""

from collections.abc import Iterable
from typing import TypeVar

from gome.state.in_flight import TraceSummary
from gome.state.step import StepBrief, brief_from_json

RECENT = 8
Brief = TypeVar("Brief", bound=StepBrief)


def _key(entry: StepBrief) -> tuple[int, int]:
    return int(entry["trace"]), int(entry["step"])


def _upsert(old: Iterable[Brief], new: Iterable[Brief]) -> list[Brief]:
    rows = {_key(e): e for e in old}
    rows.update({_key(e): e for e in new})
    return [rows[k] for k in sorted(rows)]


def upsert(old: list[Brief] | None, new: list[Brief] | None) -> list[Brief]:
    """Entries keyed by (trace, step); a later one replaces an earlier one of the same key."""
    return _upsert(old or [], new or [])


def upsert_recent(old: list[StepBrief] | None, new: list[StepBrief] | None) -> list[StepBrief]:
    """As `upsert`, but only the last `RECENT` steps of each trace stay: the state is flat in the number of steps."""
    kept: list[StepBrief] = []
    by_trace: dict[int, list[StepBrief]] = {}
    for entry in _upsert(old or [], new or []):
        by_trace.setdefault(int(entry["trace"]), []).append(entry)
    for trace in sorted(by_trace):
        kept.extend(by_trace[trace][-RECENT:])
    return kept


def latest_summaries(
    old: dict[str, TraceSummary] | None, new: dict[str, TraceSummary] | None
) -> dict[str, TraceSummary]:
    """One summary per trace: the one that is further on (larger `step`) stays, the right one at equal steps.

    A trace hands back its siblings' summaries as it was sent them; those are older and must not win.
    """
    latest = dict(old or {})
    for trace, summary in (new or {}).items():
        if trace not in latest or summary["step"] >= latest[trace]["step"]:
            latest[trace] = summary
    return latest


BEST_REMEMBERED, RECENT_REMEMBERED = 48, 4


def upsert_momentum(old: list[StepBrief] | None, new: list[StepBrief] | None) -> list[StepBrief]:
    """As `upsert`, bounded: the accepted entries with the largest gains and the last few of each trace stay.

    All of the momentum is in the store; the channel carries what the next step is likely to need.
    """
    rows = [
        brief_from_json(e) for e in _upsert(old or [], new or [])
    ]  # a checkpoint may be of an earlier version
    accepted = [e for e in rows if e["verdict"] == "accepted"]
    accepted.sort(key=lambda e: (-(e["gain_se"] or 0.0), *_key(e)))
    keep = {_key(e) for e in accepted[:BEST_REMEMBERED]}
    latest: dict[int, list[StepBrief]] = {}
    for entry in rows:
        latest.setdefault(int(entry["trace"]), []).append(entry)
    keep |= {_key(e) for trace in latest.values() for e in trace[-RECENT_REMEMBERED:]}
    return [e for e in rows if _key(e) in keep]
