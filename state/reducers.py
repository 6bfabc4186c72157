"""Reducers of the shared channels: associative and idempotent, so that a re-executed node changes nothing."""

from collections.abc import Iterable
from typing import Any

RECENT = 8


def _key(entry: dict[str, Any]) -> tuple[int, int]:
    return int(entry["trace"]), int(entry["step"])


def _upsert(old: Iterable[dict], new: Iterable[dict]) -> list[dict]:
    rows = {_key(e): e for e in old}
    rows.update({_key(e): e for e in new})
    return [rows[k] for k in sorted(rows)]


def upsert(old: list[dict] | None, new: list[dict] | None) -> list[dict]:
    """Entries keyed by (trace, step); a later one replaces an earlier one of the same key."""
    return _upsert(old or [], new or [])


def upsert_recent(old: list[dict] | None, new: list[dict] | None) -> list[dict]:
    """As `upsert`, but only the last `RECENT` steps of each trace stay: the state is flat in the number of steps."""
    kept: list[dict] = []
    by_trace: dict[int, list[dict]] = {}
    for entry in _upsert(old or [], new or []):
        by_trace.setdefault(int(entry["trace"]), []).append(entry)
    for trace in sorted(by_trace):
        kept.extend(by_trace[trace][-RECENT:])
    return kept


def merge(old: dict | None, new: dict | None) -> dict:
    """Shallow union of mappings; the right one wins key by key. Used for one entry per trace."""
    return {**(old or {}), **(new or {})}
