"""The journal of model exchanges: what was paid for once is not asked again after a crash."""

import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NotRequired, TypedDict, cast

from gome.state.parts import Usage
from gome.state.plain import JsonObject
from gome.tools.records.jsonl import append_line, line_at, parse_line, places


class ToolCall(TypedDict):
    """One call of a tool. `id` is the provider's, None where it was asked for in text; `problem` why it cannot be carried
    out."""

    name: str
    args: dict[str, Any]
    id: str | None
    problem: str | None


class Exchange(TypedDict):
    """One request and its reply. `key` says where in the run it was asked: trace:step:call:turn. What is short stands
    first (`heads`).

    `messages` are what was sent; where it went on from the exchange `continues`, only what came after that one's reply.
    `finish` says how the reply ended: stop, length (cut off), declined or empty; `calls` are those of tools in it.
    """

    key: str
    role: str
    model: str
    finish: NotRequired[str]
    usage: Usage
    messages: list[dict[str, str]]
    continues: NotRequired[str]
    reply: str
    calls: NotRequired[list[ToolCall]]


_MESSAGES, _REPLY = b', "messages": ', b', "reply": '
"""As they stand in a line that was appended: there what is long begins, and its last part, by which a line is seen to be
whole. Within a text their quotes would be escaped."""


def heads(path: Path) -> Iterator[JsonObject]:
    """The exchanges in the file without messages, reply and calls, which are most of it; of an earlier version's, whose
    fields stand in another order, everything."""
    return (exchange for _, exchange in places(path, _head))


def _head(line: bytes) -> JsonObject | None:
    short, _, long = line.partition(_MESSAGES)
    _, found, reply = long.rpartition(_REPLY)
    if found and parse_line(b'{"reply": ' + reply) is not None:  # not cut off
        head = parse_line(short + b"}")
        if head and "usage" in head:
            return head
    return parse_line(line)


class Journal:
    """Exchanges by key, written before the reply is used, and read where they lie: memory does not grow with them.
    Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._places: dict[str, int] = {}
        self._by_step: dict[str, Usage] = {}
        self._total = nothing_used()
        for place, exchange in places(path):
            self._keep(place, cast(Exchange, exchange))

    def _keep(self, place: int, exchange: Exchange) -> None:
        key = exchange["key"]
        if key in self._places:
            return
        self._places[key] = place
        step = ":".join(key.split(":")[:2])
        self._by_step[step] = add_usage(self._by_step.get(step, nothing_used()), exchange["usage"])
        self._total = add_usage(self._total, exchange["usage"])

    def __len__(self) -> int:
        return len(self._places)

    def __contains__(self, key: str) -> bool:
        return key in self._places

    def exchange(self, key: str) -> Exchange | None:
        """The exchange that was made under this key, if there was one."""
        place = self._places.get(key)
        return None if place is None else cast(Exchange, line_at(self.path, place))

    def add(self, exchange: Exchange) -> Exchange:
        """Write an exchange down, make it known, and return it."""
        with self._lock:
            self._keep(append_line(self.path, cast(dict, exchange), durable=True), exchange)
        return exchange

    def usage(self) -> Usage:
        """Of all exchanges."""
        with self._lock:
            return self._total

    def usage_of(self, trace: int, step: int) -> Usage:
        """Of the exchanges of one step."""
        with self._lock:
            return self._by_step.get(f"{trace}:{step}", nothing_used())


def nothing_used() -> Usage:
    """Usage of no call."""
    return Usage(calls=0, tokens_in=0, tokens_out=0, usd=0.0, unpriced=0)


def add_usage(one: Usage, other: Usage) -> Usage:
    """Both together. Journals of earlier versions know no prices: their calls count as unpriced."""
    return Usage(
        calls=one["calls"] + other["calls"],
        tokens_in=one["tokens_in"] + other["tokens_in"],
        tokens_out=one["tokens_out"] + other["tokens_out"],
        usd=round(one["usd"] + other.get("usd", 0.0), 9),
        unpriced=one["unpriced"] + other.get("unpriced", other["calls"]),
    )
