"""A scripted chat model: the only thing that tests put in a real part's place."""

import json
import re
from collections.abc import Callable
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import PrivateAttr


class ScriptedModel(BaseChatModel):
    """Answers with what `script` makes of the messages and keeps them; an exception in the script is raised."""

    script: Callable[[list[BaseMessage]], str]
    _calls: list[list[BaseMessage]] = PrivateAttr(default_factory=list)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    @property
    def calls(self) -> list[list[BaseMessage]]:
        """The messages of every call so far."""
        return self._calls

    def _generate(
        self, messages: list[BaseMessage], stop: Any = None, run_manager: Any = None, **kwargs: Any
    ) -> ChatResult:
        self._calls.append(messages)
        usage = {"input_tokens": 10, "output_tokens": 5, "total_tokens": 15}
        message = AIMessage(self.script(messages), usage_metadata=usage)
        return ChatResult(generations=[ChatGeneration(message=message)])


def in_order(*replies: str) -> ScriptedModel:
    """A model that gives these replies one after the other."""
    left = iter(replies)
    return ScriptedModel(script=lambda messages: next(left))


def call_of(messages: list[BaseMessage]) -> str:
    """Which call the last prompt is: diagnose, choose, draft, edit, debug or judge."""
    return str(facts_of(messages)["call"])


def facts_of(messages: list[BaseMessage]) -> dict[str, Any]:
    """The facts in the prompts of a conversation, later ones before earlier ones."""
    text = "\n".join(m.text for m in messages if m.type == "human")
    facts: dict[str, Any] = {}
    for block in re.findall(r"<context>\n(.*?)\n</context>", text, re.DOTALL):
        facts |= json.loads(block)
    return facts


HYPOTHESIS = {"statement": "fit another model", "component": "model", "predicted_gain": 0.01}

REPLIES = {
    "diagnose": json.dumps(
        {
            "diagnosis": "the model is too simple",
            "challenges": [{"caption": "bias", "statement": "underfits", "source": "scenario"}],
            "hypotheses": [HYPOTHESIS],
        }
    ),
    "choose": json.dumps(
        {"decision": "select", "hypothesis": HYPOTHESIS, "plan": ["do it"], "reason": "best"}
    ),
    "judge": json.dumps({"accept": True, "reason": "sound"}),
}


def player(
    code: Callable[[dict[str, Any]], str], **replies: str | Callable[[dict[str, Any]], str]
) -> ScriptedModel:
    """A model that plays all roles: `code(facts)` answers draft, edit and debug with a program or blocks; the other
    calls get plain sensible replies, or those given by name."""

    def script(messages: list[BaseMessage]) -> str:
        call, facts = call_of(messages), facts_of(messages)
        reply = replies.get(call) or REPLIES.get(call)
        if reply is None:
            return code(facts)
        return reply(facts) if callable(reply) else reply

    return ScriptedModel(script=script)
