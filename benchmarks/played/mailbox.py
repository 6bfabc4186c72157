"""A model that is played by hand, native tool calls among it: python -m benchmarks.played.mailbox BOX PORT.

An OpenAI-compatible endpoint. Request N appears as BOX/N.request.json and, to be read, as BOX/N.request.md; the reply is
written as BOX/N.reply.md (elsewhere first, then moved in). In a reply a line `CALL NAME` begins a call of that tool: what
follows, up to the next such line, is its one text argument; what stands before the first is the message's content. A
reply may hold several calls.
"""

import itertools
import json
import re
import sys
import time
from pathlib import Path
from typing import Any

from benchmarks.loopback import Loopback

CALL = re.compile(r"^CALL (\w+)[ \t]*\n", re.MULTILINE)
CHARACTERS_A_TOKEN = 4


def main(box: Path, port: int) -> None:
    """Serve until killed."""
    box.mkdir(parents=True, exist_ok=True)
    numbers = itertools.count(len(list(box.glob("*.request.json"))) + 1)

    def answer(body: dict[str, Any]) -> dict[str, Any]:
        number, shown = f"{next(numbers):05d}", readable(body)
        (box / f"{number}.request.json").write_text(json.dumps(body, indent=1))
        (box / f"{number}.request.md").write_text(shown)
        path = box / f"{number}.reply.md"
        while not path.is_file():
            time.sleep(0.2)
        said = path.read_text()
        return {**message(said, body, number), "usage": usage(shown, said)}

    Loopback(answer, lambda body: None, port).serve_forever()


def readable(body: dict[str, Any]) -> str:
    """A request as text: its messages with their calls, then the tools that it offers."""
    parts = []
    for row in body["messages"]:
        parts.append(f"===== {row['role']} =====\n{row.get('content') or ''}")
        for call in row.get("tool_calls") or []:
            arguments = json.loads(call["function"]["arguments"])
            parts.append(f"CALL {call['function']['name']}\n" + "\n".join(map(str, arguments.values())))
    if tools := body.get("tools"):
        parts.append(f"===== tools =====\n{json.dumps(tools, indent=1)}")
    return "\n\n".join(parts) + "\n"


def message(said: str, body: dict[str, Any], number: str) -> dict[str, Any]:
    """The message that a reply stands for; the calls with the name of the argument that their tool takes."""
    before, *rest = CALL.split(said)
    if not rest:
        return {"content": said}
    tools = {tool["function"]["name"]: tool["function"] for tool in body.get("tools") or []}
    calls: list[dict[str, Any]] = []
    for name, text in zip(rest[::2], rest[1::2], strict=True):
        argument = next(iter(tools[name]["parameters"]["properties"]))
        function = {"name": name, "arguments": json.dumps({argument: text.strip("\n") + "\n"})}
        calls.append({"id": f"call-{number}-{len(calls)}", "type": "function", "function": function})
    return {"content": before.strip(), "tool_calls": calls}


def usage(shown: str, said: str) -> dict[str, int]:
    """Tokens, reckoned from characters."""
    sent, got = (max(1, len(text) // CHARACTERS_A_TOKEN) for text in (shown, said))
    return {"prompt_tokens": sent, "completion_tokens": got, "total_tokens": sent + got}


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
