"""The offline reasoner: a chat model whose replies are made by rules. It is not a language model."""

import json
import re
from typing import Any, cast

from langchain_core.callbacks import CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGeneration, ChatResult

from gome.offline import coding, judging, proposing
from gome.offline.evidence import Case
from gome.offline.recipe import read_recipe
from gome.state.prompt_context import PromptContext

_FENCE = re.compile(r"(`{3,})([\w+-]*)")
OFFLINE_NEEDS = ("numpy", "pandas", "scikit-learn")
"""Distributions that every program of the rules imports."""


class OfflineReasoner(BaseChatModel):
    """Rules behind the chat-model interface: reads the facts and the program in the prompt, keeps nothing between calls.

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
    """The reply to a conversation whose first user message is one of Gome's prompts."""
    prompt = next((str(m.content) for m in messages if isinstance(m, HumanMessage)), "")
    case = case_of(prompt)
    if case is None:
        return "The offline reasoner is a set of rules and answers only the prompts of Gome's own steps."
    call, program = case.facts.get("call"), _program("Program", prompt)
    if call == "diagnose":
        return json.dumps(proposing.diagnose(case))
    if call == "propose":
        return json.dumps(proposing.propose(case))
    if call == "critique":
        return json.dumps(proposing.criticise(case))
    if call == "choose":
        return json.dumps(proposing.choose(case))
    if call == "judge":
        return json.dumps(judging.judge(case))
    if call == "draft":
        return coding.draft(case)
    if call == "edit":
        return coding.edit(case, program)
    if call == "merge":
        return coding.merge(case, program, read_recipe(_program("Other program", prompt)))
    if call == "debug":
        return coding.debug(case, program)
    return f"The offline reasoner has no rules for the call {call!r}."


def case_of(prompt: str) -> Case | None:
    """The evidence of one of Gome's prompts, None for any other text."""
    facts = _facts(prompt)
    return None if facts is None else Case(facts, read_recipe(_program("Program", prompt)))


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


def _facts(prompt: str) -> PromptContext | None:
    start, end = prompt.rfind("<facts>"), prompt.rfind("</facts>")
    if start < 0 or end < start:
        return None
    try:
        facts = json.loads(prompt[start + len("<facts>") : end])
    except ValueError:
        return None
    return cast(PromptContext, facts) if isinstance(facts, dict) else None
