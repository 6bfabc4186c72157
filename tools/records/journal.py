"""The journal of model exchanges: what was paid for once is not asked again after a crash."""

import threading
from pathlib import Path
from typing import TypedDict, cast

from gome.state.records import Usage
from gome.tools.records.jsonl import append_line, read_lines


class Exchange(TypedDict):
    """One request and its reply. `key` says where in the run it was asked: trace:step:call:turn."""

    key: str
    role: str
    model: str
    messages: list[dict[str, str]]
    reply: str
    usage: Usage


class Journal:
    """Exchanges by key, written before the reply is used. Thread-safe."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._replies: dict[str, str] = {}
        self._usage: dict[str, Usage] = {}
        for exchange in read_lines(path):
            self._keep(cast(Exchange, exchange))

    def _keep(self, exchange: Exchange) -> None:
        self._replies[exchange["key"]] = exchange["reply"]
        self._usage[exchange["key"]] = exchange["usage"]

    def reply(self, key: str) -> str | None:
        """The reply that was given under this key, if there was one."""
        return self._replies.get(key)

    def add(self, exchange: Exchange) -> None:
        """Write an exchange down, then make it known."""
        with self._lock:
            append_line(self.path, cast(dict, exchange), durable=True)
            self._keep(exchange)

    def usage(self, prefix: str = "") -> Usage:
        """Sum of usage over the exchanges whose key starts with `prefix` ('0:3:' is step 3 of trace 0)."""
        with self._lock:
            rows = [u for key, u in self._usage.items() if key.startswith(prefix)]
        return Usage(
            calls=len(rows),
            tokens_in=sum(u["tokens_in"] for u in rows),
            tokens_out=sum(u["tokens_out"] for u in rows),
        )
