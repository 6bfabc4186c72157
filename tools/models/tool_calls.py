"""Calls of tools in what a model wrote: the provider's own form, or fenced blocks where it has none.

Nothing here raises for what a model writes: a call that cannot be carried out says so in `problem`.
"""

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from langchain_core.messages import AIMessage
from langchain_core.runnables import RunnableConfig
from langchain_core.tools import BaseTool, ToolException
from pydantic import ValidationError

from gome.tools.models.parsing import extract_json, fenced_blocks, without_thoughts
from gome.tools.records.journal import ToolCall
from gome.tools.secrets import keys_masked
from gome.tools.text import all_storable, storable

MAX_OUTPUT = 20_000
"""Characters of a tool's output that a model is shown."""
_TAG, _END_TAG = "<tool_call>", "</tool_call>"
_NAMES, _ARGUMENTS = ("name", "tool"), ("arguments", "args", "parameters", "input")


def calls_of(message: AIMessage, tools: Sequence[BaseTool]) -> list[ToolCall]:
    """All calls of a message: native ones, mended where their arguments are broken JSON; else those in its text."""
    native = [_call(c["name"], c["args"], c["id"], tools) for c in message.tool_calls]
    for broken in message.invalid_tool_calls:
        native.append(_mended(broken["name"] or "", broken["args"] or "", broken["id"], tools))
    if native or not tools:
        return native
    text = message.text if isinstance(message.text, str) else message.text()
    return calls_in(text, tools)


def calls_in(text: str, tools: Sequence[BaseTool]) -> list[ToolCall]:
    """The calls that a text makes, in order: a fenced block in the name of a tool, or the JSON of a call, fenced or in
    the tags that some models are trained on."""
    found = []
    for language, body in fenced_blocks(text):
        if any(tool.name == language for tool in tools):
            found.append(_mended(language, body, None, tools))
        elif said := _said_call(body):
            found.append(_call(*said, None, tools))
    if not found:
        for body in _tagged(without_thoughts(text)):
            if said := _said_call(body):
                found.append(_call(*said, None, tools))
    return found


def run_call(call: ToolCall, tools: Sequence[BaseTool], config: RunnableConfig) -> str:
    """What the call brings: the tool's output, or in words why there is none."""
    if call["problem"]:
        return call["problem"]
    tool = next(tool for tool in tools if tool.name == call["name"])
    try:
        output = str(tool.invoke(call["args"], config))
    except ValidationError as error:
        rows = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:6]]
        output = f"the arguments of {tool.name} do not fit: {'; '.join(rows)}"
    except ToolException as error:
        output = str(error)
    return capped(storable(output), MAX_OUTPUT)


def capped(text: str, most: int) -> str:
    """The text with its middle left out where it is longer."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters left out ...]\n{text[-half:]}"


def how_to_call(tools: Sequence[BaseTool]) -> str:
    """How tools are called in plain text, for a model whose endpoint knows no tool calls."""
    from jinja2 import Template

    text = Path(__file__).with_name("tools.md").read_text(encoding="utf-8")
    rows = [
        {"name": tool.name, "does": tool.description, "text": _text_argument(tool), "args": tool.args}
        for tool in tools
    ]
    return Template(text, trim_blocks=True, lstrip_blocks=True).render(tools=rows).strip()


def as_text(call: ToolCall) -> str:
    """A call as a block of text, for an endpoint that is not to see the provider's form."""
    values = list(call["args"].values())
    body = values[0] if len(values) == 1 and isinstance(values[0], str) else json.dumps(call["args"])
    return f"```{call['name']}\n{body}\n```"


def _call(name: str, args: Any, id: str | None, tools: Sequence[BaseTool]) -> ToolCall:
    problem = None
    if not any(tool.name == name for tool in tools):
        known = ", ".join(tool.name for tool in tools) or "none"
        problem = f"there is no tool {name[:80]!r}; there is: {known}"
    elif not isinstance(args, dict):
        problem = f"the arguments of {name} are no JSON object"
    given = args if isinstance(args, dict) else {}
    kept = {str(k): keys_masked(v) if isinstance(v, str) else v for k, v in given.items()}
    return ToolCall(name=name, args=all_storable(kept), id=id, problem=problem)


def _mended(name: str, written: str, id: str | None, tools: Sequence[BaseTool]) -> ToolCall:
    """A call whose arguments were written as text: as they are if the tool takes one text, else as JSON."""
    tool = next((tool for tool in tools if tool.name == name), None)
    argument = _text_argument(tool) if tool else None
    try:
        args = extract_json(written) if argument is None or written.lstrip().startswith("{") else None
    except ValueError:
        args = None
    if argument is not None and not (args and set(args) == {argument}):
        args = {argument: written}
    return _call(name, args, id, tools)


def _text_argument(tool: BaseTool) -> str | None:
    """The one argument of a tool that takes a single text, None for another tool."""
    names = list(tool.args)
    return names[0] if len(names) == 1 and tool.args[names[0]].get("type") == "string" else None


def _tagged(text: str) -> Iterator[str]:
    """What stands between tags, in one pass: a text may hold any number of opening ones alone."""
    start = text.find(_TAG)
    while start >= 0 and (end := text.find(_END_TAG, start)) >= 0:
        yield text[start + len(_TAG) : end]
        start = text.find(_TAG, end)


def _said_call(text: str) -> tuple[str, Any] | None:
    """Name and arguments, if the text is the JSON of a call and nothing else."""
    if not text.lstrip().startswith("{"):
        return None
    try:
        said = extract_json(text)
    except ValueError:
        return None
    name = next((said[key] for key in _NAMES if isinstance(said.get(key), str)), None)
    args = next((said[key] for key in _ARGUMENTS if key in said), None)
    if name is None or args is None or set(said) - {*_NAMES, *_ARGUMENTS, "id", "type"}:
        return None
    if isinstance(args, str):
        try:
            args = extract_json(args)
        except ValueError:
            return name, args
    return name, args
