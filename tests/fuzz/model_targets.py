"""Readers of what a language model wrote: replies, edit blocks, the programs they stand for, calls of tools, adapters."""

from contextlib import suppress

from hypothesis import strategies as st
from langchain_core.tools import tool

from gome.agents.prompts.edits import diff
from gome.agents.prompts.replies import Choice, CodeReply, Critique, Diagnosis, Judgement
from gome.agents.surveyor import AdapterReply
from gome.agents.trying import updated
from gome.tools.models.reply import read_reply
from gome.tools.models.tool_calls import calls_in
from tests.fuzz.target import Target, holdable, pieces

THOUGHTS = ["<think>", "</think>", "<reasoning>", "</reasoning>", "<THINK>"]
FENCES = ["```", "````", "```python\n", "```json\n", "\n", " ", "~~~"]
JSON = [
    "{", "}", "[", "]", '"', "'", ":", ",", "\\", "\\ud800", "\\u0000", "//", "/*", "1e999", "9" * 400,
    "null", "NaN", '"diagnosis":', '"challenges":', '"hypotheses":', '"statement":', '"scores":',
    '"predicted_gain":', '"plan":', '"accept":', "true", '"fit another model"', '"x",',
]  # fmt: skip
REPLY = '{"diagnosis": "d", "challenges": [{"caption": "c", "statement": "s"}], "hypotheses": [{"statement": "fit more"'
SCHEMAS = (Diagnosis, Critique, Choice, Judgement, CodeReply, AdapterReply)


def replies(text: str) -> int:
    for schema in SCHEMAS:
        try:
            reply = read_reply(text, schema)
        except ValueError:
            continue
        if schema not in (CodeReply, AdapterReply):
            holdable(reply.model_dump())
    return len(text) * len(SCHEMAS)


BLOCKS = [
    "<<<<<<< SEARCH\n", "=======\n", ">>>>>>> REPLACE\n", ">>>>>>> REPLACE", "<<<<<", "=====", "\r\n", "\n",
    "x = 1\n", "    x = 1\n", "y", " ",
]  # fmt: skip
PYTHON = [
    "x = ", "-", "not ", "a", "+", ".b", "(", ")", "[", "]", "{", "}", ":", "lambda: ", "1 if 1 else ", "\n",
    "    ", "if a:\n", "else:\n", "f'", "'", '"""', "*", "await ", "9" * 5000, "\\", "\0", "\ud800", "#",
    "return\n", "x = 1\n", "match a:\n", "with a as b:\n", "@a\n", "def f():\n",
]  # fmt: skip


def edit_blocks(given: tuple[str, str]) -> int:
    program, reply = given
    try:
        changed = updated(CodeReply.from_text(reply), program)
    except ValueError:
        return len(program) + len(reply)
    diff(program, changed)
    return len(program) + len(reply)


def programs(text: str) -> int:
    with suppress(ValueError):
        updated(CodeReply(program=text), None)
    return len(text)


@tool
def probe(program: str) -> str:
    """A tool of one text."""
    return program


@tool
def look(path: str, lines: int = 5) -> str:
    """A tool of several arguments."""
    return f"{lines} lines of {path}"


CALLS = [
    "<tool_call>", "</tool_call>", "```probe\n", "```look\n", '{"name": "look", "arguments": {"path": "x"}}',
    '{"name": "probe", "arguments": ', '{"tool":', '"args":', '"look"', '"probe"', '"lines": 3', '"\\ud800"',
]  # fmt: skip


def tool_calls(text: str) -> int:
    for call in calls_in(text, [probe, look]):
        holdable(call)
    return len(text)


MODEL_TARGETS = (
    Target("replies", pieces([*THOUGHTS, *FENCES, *JSON, REPLY, *BLOCKS]), replies),
    Target("edit blocks", st.tuples(pieces(BLOCKS), pieces([*BLOCKS, *THOUGHTS, *FENCES])), edit_blocks),
    Target("programs", pieces(PYTHON), programs),
    Target("tool calls", pieces([*CALLS, *FENCES, *JSON, *THOUGHTS]), tool_calls),
)
