"""The offline reasoner: a chat model whose replies are made by rules. It is not a language model."""

import json
import re
from typing import Any, cast

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from gome.offline import coder, critic, researcher
from gome.offline.case import Case
from gome.offline.recipe import read_recipe
from gome.state.prompt_context import PromptContext

_CONTEXT = re.compile(r"<context>\n(.*?)\n</context>", re.DOTALL)
_FENCE = re.compile(r"(`{3,})([\w+-]*)")
OFFLINE_NEEDS = ("numpy", "pandas", "scikit-learn")
"""Distributions that every program of the rules imports."""
NO_RULES = (
    "the offline reasoner has rules for train and test tables with classes or numbers to predict, and none for this "
    "task; a language model (--model) looks at the files itself"
)
"""Why it writes no program for a task that is not tabular."""


class OfflineReasoner(BaseChatModel):
    """Rules behind the chat-model interface: reads context and program in the prompt, keeps nothing between calls.

    It answers the calls that Gome's prompts make and nothing else; it costs no tokens.
    """

    @property
    def _llm_type(self) -> str:
        return "gome-offline-rules"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        usage = {"input_tokens": 0, "output_tokens": 0, "total_tokens": 0}
        message = AIMessage(content=answer(messages), usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])


def answer(messages: list[BaseMessage]) -> str:
    """The reply to a conversation of Gome's prompts: later ones say only what is new."""
    prompt = "\n\n".join(m.text for m in messages if isinstance(m, HumanMessage))
    case = case_of(prompt)
    if case is None:
        return "The offline reasoner is a set of rules and answers only the prompts of Gome's own steps."
    call, program = case.context.get("call"), _program("Program", prompt)
    if call == "diagnose":
        return json.dumps(researcher.diagnose(case))
    if call == "propose":
        return json.dumps(researcher.propose(case))
    if call == "critique":
        return json.dumps(researcher.criticise(case))
    if call == "choose":
        return json.dumps(researcher.choose(case))
    if call == "judge":
        return json.dumps(critic.judge(case))
    if call == "draft":
        return coder.draft(case)
    if call == "edit":
        return coder.edit(case, program)
    if call == "merge":
        return coder.merge(case, program, read_recipe(_program("Other program", prompt)))
    if call == "debug":
        return coder.debug(case, program)
    return f"The offline reasoner has no rules for the call {call!r}."


def case_of(prompt: str) -> Case | None:
    """What one of Gome's prompts says, None for any other text."""
    context = _context(prompt)
    return None if context is None else Case(context, read_recipe(_program("Program", prompt)))


def _program(heading: str, prompt: str) -> str:
    """The first Python block below a heading of the prompt; what stands in other blocks is passed over."""
    lines, at, below = prompt.split("\n"), 0, False
    while at < len(lines):
        if fence := _FENCE.fullmatch(lines[at]):
            end = next((i for i in range(at + 1, len(lines)) if lines[i] == fence[1]), len(lines))
            if below and fence[2] == "python":
                return "\n".join(lines[at + 1 : end])
            at = end
        elif lines[at].startswith("## "):
            below = lines[at] == f"## {heading}"
        at += 1
    return ""


def _context(prompt: str) -> PromptContext | None:
    """All parts of the context together, later ones before earlier ones; None if there is none to be read."""
    context: dict[str, Any] = {}
    for block in _CONTEXT.findall(prompt):
        try:
            part = json.loads(block)
        except ValueError:
            return None
        context |= part if isinstance(part, dict) else {}
    return cast(PromptContext, context) if "call" in context else None
