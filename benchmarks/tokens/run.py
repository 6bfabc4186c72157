"""Tokens and calls of a step in the recorded runs, and how much of what is sent repeats an earlier request.

python -m benchmarks.tokens.run

The recordings of tests/recordings are played again with real programs; the prompts are those that this version makes. It
imports little, so that a copy of it in an older checkout tells how it was there.
"""

import argparse
import json
import re
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr

from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.tools.models.usage import CHARS_PER_TOKEN
from tests.real_tasks import write_diabetes, write_digits

RECORDINGS = Path(__file__).parents[2] / "tests" / "recordings"
RUNS: list[tuple[str, Callable[[Path], Path], int, int]] = [
    ("diabetes", partial(write_diabetes, test_size=0.3), 1, 3),
    ("digits", write_digits, 2, 2),
]
"""Recording, what writes its task, traces, steps."""
_CONTEXT = re.compile(r"<context>\n(.*?)\n</context>", re.DOTALL)
_WITH_ROUNDS = ("draft", "edit", "debug", "merge")


@dataclass(frozen=True)
class Request:
    """What one call of the model was sent, all of it in one text, and the characters of its reply."""

    key: str
    sent: str
    reply: int


class Player(BaseChatModel):
    """Answers with the recorded reply to the same place in the run, and keeps what it was sent."""

    replies: dict[str, str]
    _requests: list[Request] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "player"

    @property
    def requests(self) -> list[Request]:
        """All requests so far, oldest first."""
        return self._requests

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        key = key_of(messages)
        reply = self.replies[key]
        sent = "\n".join(f"[{m.type}]\n{m.content}" for m in messages)
        self._requests.append(Request(key, sent, len(reply)))
        return ChatResult(generations=[ChatGeneration(message=AIMessage(reply))])


def key_of(messages: Sequence[BaseMessage]) -> str:
    """trace:step:call:turn, by the context of the prompts."""
    facts: dict[str, Any] = {}
    turn = 0
    for message in messages:
        blocks = _CONTEXT.findall(str(message.content)) if message.type == "human" else []
        for block in blocks:
            facts |= json.loads(block)
        turn = 0 if blocks else turn + (message.type == "ai")
    rounds = (facts.get("error") or {}).get("round", 0) if facts["call"] in _WITH_ROUNDS else ""
    return f"{facts['trace']}:{facts['step']}:{facts['call']}{rounds}:{turn}"


def repeated(requests: Sequence[Request]) -> int:
    """Characters that are sent as the beginning of an earlier request had them: what a provider's cache can know."""
    known, total = [""], 0
    for request in requests:
        total += max(_common(request.sent, earlier) for earlier in known)
        known.append(request.sent)
    return total


def _common(one: str, other: str) -> int:
    """Characters with which both begin."""
    most = min(len(one), len(other))
    return next((i for i in range(most) if one[i] != other[i]), most)


def row_of(name: str, steps: int, requests: Sequence[Request]) -> dict[str, Any]:
    """The figures of one run."""
    sent, said = sum(len(r.sent) for r in requests), sum(r.reply for r in requests)
    share = repeated(requests) / sent
    return {
        "recording": name,
        "steps": steps,
        "calls a step": round(len(requests) / steps, 2),
        "tokens sent a step": round(sent / CHARS_PER_TOKEN / steps),
        "a repeated prefix": f"{share:.0%}",
        "sent as new a step": round(sent * (1 - share) / CHARS_PER_TOKEN / steps),
        "tokens of replies a step": round(said / CHARS_PER_TOKEN / steps),
    }


def played(name: str, write: Callable[[Path], Path], traces: int, steps: int, work: Path) -> list[Request]:
    """The requests of one recorded run, played again."""
    lines = (RECORDINGS / f"{name}.jsonl").read_text().splitlines()
    model = Player(replies={row["key"]: row["reply"] for row in map(json.loads, lines)})
    config = RunConfig(run_dir=str(work / "run"), traces=traces, steps=steps, finalists=1, selection_seeds=1)
    roles = dict.fromkeys(("researcher", "coder", "critic"), model)
    build_graph(models=roles).compile().invoke(
        {"task": str(write(work / name))}, {"recursion_limit": 1000}, context=config
    )
    return model.requests


def main() -> None:
    """Play all recordings and print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--calls", action="store_true", help="a line for each request as well")
    given = parser.parse_args()
    rows = []
    for name, write, traces, steps in RUNS:
        with tempfile.TemporaryDirectory(prefix="gome-tokens-") as work:
            requests = played(name, write, traces, steps, Path(work))
        rows.append(row_of(name, traces * steps, requests))
        for n, request in enumerate(requests if given.calls else ()):
            new = len(request.sent) - repeated(requests[: n + 1]) + repeated(requests[:n])
            print(f"{request.key:>20} {len(request.sent):8,} characters, {new:8,} new", flush=True)
    head = list(rows[0])
    for cells in (head, ["---"] * len(head), *(list(map(str, row.values())) for row in rows)):
        print(f"| {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
