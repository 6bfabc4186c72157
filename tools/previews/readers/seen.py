"""What a reader tells of one file."""

import importlib
from dataclasses import dataclass, field
from typing import Any

Fact = int | float | str | list[str]
REPLY = "seen.jsonl"
"""The file of what was seen, a line of JSON for each file that was asked for."""
PIECE = 1 << 20
"""Bytes that are read of a file at the most where its form does not say what to read."""
EXCERPT, MOST_CHARACTERS, MOST_ITEMS = 300, 2000, 60
"""Characters of an excerpt, of any text in a reply, and items of a list in it."""


@dataclass(frozen=True)
class Seen:
    """`kind` in words. Of several files figures become ranges, words are counted, lists united; `example` is shown of the
    first one alone. `problem` says why there is no more."""

    kind: str
    facts: dict[str, Fact] = field(default_factory=dict)
    example: str = ""
    problem: str = ""

    def shortened(self) -> "Seen":
        """The same without what nobody will show: a table may have a hundred thousand columns."""

        def cut(fact: Fact) -> Fact:
            if isinstance(fact, list):
                return [item[:MOST_CHARACTERS] for item in fact[:MOST_ITEMS]]
            return fact[:MOST_CHARACTERS] if isinstance(fact, str) else fact

        facts = {key[:MOST_CHARACTERS]: cut(fact) for key, fact in list(self.facts.items())[:MOST_ITEMS]}
        return Seen(self.kind, facts, self.example[:MOST_CHARACTERS], self.problem)


class Lacking(Exception):
    """A library that the file needs is not in this environment."""


def library(name: str) -> Any:
    """The module of this name. Lacking."""
    try:
        return importlib.import_module(name)
    except ImportError:
        raise Lacking(f"{name.split('.')[0]} is not in this environment") from None
