"""One way to ask a model: journal, tolerant reading, validation, one repair turn, then a clear failure of the step."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from string import digits
from typing import TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel, ValidationError

from gome.state.errors import StepFailed
from gome.state.parts import Usage
from gome.tools.budget import Budget
from gome.tools.models.chat import name_of
from gome.tools.models.gateway import Gateway, PromptTooLong
from gome.tools.models.parsing import extract_json
from gome.tools.models.prices import Prices
from gome.tools.records.journal import Exchange, Journal
from gome.tools.secrets import keys_masked
from gome.tools.spans import labels
from gome.tools.text import storable

Reply = TypeVar("Reply", bound=BaseModel)
CHARS_PER_TOKEN = 3.0
"""Of prompts, with their figures and programs; few on purpose, so that a prompt that should fit does."""
PROMPT_SHARE = 0.75
"""Of the context window; the rest is for the reply and a repair turn."""
MAX_REPLY = 2_000_000
"""Characters of a reply that are read; more is no reply to any of our prompts."""
_UNFINISHED = {
    "length": "it was cut off at the limit of its length",
    "declined": "the content was refused",
    "empty": "it was empty",
}
# How providers spell why a reply ended: OpenAI, Anthropic, Ollama, Bedrock, Gemini, Mistral.
_FINISH_FIELDS = ("finish_reason", "stop_reason", "done_reason", "stopReason")
_CUT_OFF = {"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"}
_DECLINED = {"content_filter", "content_filtered", "refusal", "safety", "guardrail_intervened"}


@dataclass(frozen=True)
class Prompt:
    """One request: the role's system text and the user text. `shorter` makes a shorter one, None when nothing is left
    that may be left out."""

    system: str
    user: str
    shorter: Callable[[], "Prompt | None"] = lambda: None

    @property
    def size(self) -> int:
        """Characters."""
        return len(self.system) + len(self.user)


def read_reply(text: str, schema: type[Reply]) -> Reply:
    """A model's text as `schema`: by its own `from_text` if it has one (code replies), else as JSON.

    ValueError with one readable line if it does not fit.
    """
    from_text = getattr(schema, "from_text", None)
    if from_text is not None:
        return from_text(text)
    try:
        return schema.model_validate(extract_json(text))
    except ValidationError as error:
        rows = [f"{'.'.join(map(str, e['loc']))}: {e['msg']}" for e in error.errors()[:6]]
        raise ValueError("; ".join(rows)) from None


def _labels(role: str, key: str) -> RunnableConfig:
    """What a trace viewer is told of the call, from its key trace:step:call:turn."""
    parts = dict(zip(("trace", "step", "call", "turn"), key.split(":"), strict=False))
    where = {name: int(part) if part.isdigit() else part for name, part in parts.items()}
    return labels(f"{role} {parts.get('call', '').rstrip(digits)}".strip(), role=role, **where)


class Asker:
    """Asks the model of a role over the gateway to its provider. Every exchange is journalled before it is used; a key
    asked before is not asked again. `say(key, text)` is told of trouble on the way."""

    def __init__(
        self,
        models: dict[str, BaseChatModel],
        journal: Journal,
        *,
        gateways: dict[str, Gateway],
        budget: Budget,
        prices: Prices,
        say: Callable[[str, str], None] = lambda key, text: None,
    ) -> None:
        self.models, self.journal, self.gateways = models, journal, gateways
        self.budget, self.prices, self.say = budget, prices, say
        window = budget.config.context_tokens
        self._room = {
            role: PROMPT_SHARE * CHARS_PER_TOKEN * window if window else float("inf") for role in models
        }

    def ask(
        self,
        role: str,
        prompt: Prompt,
        schema: type[Reply],
        *,
        key: str,
        check: Callable[[Reply], None] | None = None,
    ) -> Reply:
        """The reply of `role` to `prompt`, as `schema`; `check` may refuse it with a ValueError.

        A reply that does not fit, or is cut off, empty or a refusal, gets one repair turn that quotes the error. Raises
        StepFailed when that fails too or the model cannot answer, BudgetReached when a cap is used up, GomeError when the
        endpoint refuses the key, RunStopped when the run is stopped while it waits.
        """
        tail: list[BaseMessage] = []
        problem = ""
        for turn in (0, 1):
            exchange = self._exchange(role, prompt, tail, f"{key}:{turn}")
            text, finish = exchange["reply"], exchange.get("finish", "stop")
            try:
                if finish in _UNFINISHED:
                    raise ValueError(_UNFINISHED[finish])
                reply = read_reply(text, schema)
                if check:
                    check(reply)
                return reply
            except ValueError as error:
                problem = str(error)
                # not half a reply: it would be taken up where it ended
                said = [AIMessage(text)] if finish == "stop" else []
                tail = [*said, HumanMessage(_repair(problem, finish))]
        raise StepFailed(f"{role}: unusable reply after a repair turn: {problem[:300]}")

    def _exchange(self, role: str, prompt: Prompt, tail: list[BaseMessage], key: str) -> Exchange:
        """The journalled exchange of this key, or a new one; the prompt is cut until it fits."""
        known = self.journal.exchange(key)
        if known is not None:
            return known
        extra = sum(len(str(m.content)) for m in tail)
        while True:
            while prompt.size + extra > self._room[role] and (shorter := prompt.shorter()) is not None:
                prompt = shorter
            self._check_caps()
            messages = [SystemMessage(prompt.system), HumanMessage(prompt.user), *tail]
            try:
                message = self.gateways[role].send(
                    self.models[role], messages, partial(self.say, key), _labels(role, key)
                )
            except PromptTooLong as error:
                self._room[role] = min(self._room[role], prompt.size + extra - 1)
                if prompt.shorter() is None:
                    raise StepFailed(f"{role}: the prompt does not fit, even cut short ({error})") from None
                self.say(key, f"the prompt of {prompt.size} characters does not fit; cutting it")
                continue
            return self.journal.add(self._as_exchange(role, messages, message, key))

    def note_probe(self, model: BaseChatModel, reply: AIMessage) -> None:
        """Count what it cost to find out whether a provider answers."""
        role = next(role for role, other in self.models.items() if other is model)
        self.journal.add(self._as_exchange(role, [], reply, f"probe:{len(self.journal)}"))

    def _as_exchange(self, role: str, messages: list[BaseMessage], message: AIMessage, key: str) -> Exchange:
        name = name_of(self.models[role])
        return Exchange(
            key=key,
            role=role,
            model=name,
            messages=[{"role": m.type, "content": str(m.content)} for m in messages],
            reply=keys_masked(_text(message)),
            finish=_finish(message),
            usage=self._usage(name, message, messages),
        )

    def _usage(self, name: str, message: AIMessage, messages: list[BaseMessage]) -> Usage:
        """The API's own figures. An endpoint that gives none is counted by characters, so that a cap on tokens holds, and
        has no known price, unless it costs nothing."""
        used, price = message.usage_metadata, self.prices.of(name)
        if used:
            cached = (used.get("input_token_details") or {}).get("cache_read") or 0
            tokens_in, tokens_out = used["input_tokens"], used["output_tokens"]
            usd = price.usd(tokens_in, tokens_out, cached) if price else None
        else:
            tokens_in = round(sum(len(str(m.content)) for m in messages) / CHARS_PER_TOKEN)
            tokens_out = round(len(_text(message)) / CHARS_PER_TOKEN)
            usd = 0.0 if price and price.usd(1, 1) == 0 else None
        return Usage(
            calls=1, tokens_in=tokens_in, tokens_out=tokens_out, usd=usd or 0.0, unpriced=int(usd is None)
        )

    def _check_caps(self) -> None:
        self.budget.check_search()
        self.budget.check_usage(self.journal.usage())


def _text(message: AIMessage) -> str:
    text = message.text if isinstance(message.text, str) else message.text()
    return storable(text[:MAX_REPLY])


def _finish(message: AIMessage) -> str:
    """How the reply ended: 'stop', or a key of `_UNFINISHED`."""
    said = message.response_metadata
    told = [
        *(said.get(field) for field in _FINISH_FIELDS),
        (said.get("incomplete_details") or {}).get("reason"),
    ]
    reason = str(next(filter(None, told), "stop"))
    if message.additional_kwargs.get("refusal") or reason.lower() in _DECLINED:
        return "declined"
    text = _text(message)
    if reason.lower() in _CUT_OFF or len(text) == MAX_REPLY:
        return "length"
    return "stop" if text.strip() else "empty"


def _repair(problem: str, finish: str) -> str:
    """The repair turn; jinja2 is loaded only when there is one."""
    from jinja2 import Template

    text = Path(__file__).with_name("repair.md").read_text(encoding="utf-8")
    template = Template(text, trim_blocks=True)  # plain text for a model, never markup for a browser
    return template.render(problem=problem[:2000], finish=finish)


_ESCAPED = {ord("<"): "\\u003c", ord(">"): "\\u003e"}


def context_block(context: dict) -> str:
    """The context as the one JSON block that ends every prompt; absent values are left out, numbers rounded.

    Angle brackets in it are escaped as JSON has it, so that nothing a program or a column is called can end the block.
    """
    block = json.dumps(_trim(context), ensure_ascii=False, allow_nan=False, default=str)
    return f"<context>\n{block.translate(_ESCAPED)}\n</context>"


def _trim(value: object) -> object:
    if isinstance(value, dict):
        return {str(k): _trim(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_trim(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if value == value and abs(value) != float("inf") else None
    return value
