"""One way to ask a model: journalled, within the caps, cut to fit."""

from collections.abc import Callable, Sequence
from functools import partial
from string import digits
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.runnables import Runnable, RunnableConfig
from langchain_core.tools import BaseTool

from gome.state.errors import StepFailed
from gome.tools.budget import Budget
from gome.tools.models.chat import name_of
from gome.tools.models.conversation import Conversation
from gome.tools.models.gateway import Gateway, PromptTooLong, RequestRefused
from gome.tools.models.pictures import without_pictures
from gome.tools.models.prices import Prices
from gome.tools.models.prompt import Prompt
from gome.tools.models.reply import Reply, finish_of, text_of
from gome.tools.models.thread import Thread
from gome.tools.models.tool_calls import calls_of
from gome.tools.models.usage import CHARS_PER_TOKEN, size_of, usage_of
from gome.tools.records.journal import Exchange, Journal
from gome.tools.secrets import keys_masked
from gome.tools.spans import labels

PROMPT_SHARE = 0.75
"""Of the context window; the rest is for the reply and a repair turn."""


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
        self._without_calls: set[str] = set()
        self._blind: set[str] = set()

    def ask(
        self,
        role: str,
        prompt: Prompt,
        schema: type[Reply],
        *,
        key: str,
        check: Callable[[Reply], None] | None = None,
    ) -> Reply:
        """The reply of `role` to a single prompt: see `Conversation.ask`."""
        return Conversation(self, role).ask(prompt, schema, key=key, check=check)

    def exchange(
        self, role: str, thread: Thread, key: str, tools: Sequence[BaseTool] = ()
    ) -> tuple[Exchange, AIMessage | None]:
        """The journalled exchange of this key, or a new one with its message: `thread` is sent, shortened until it fits.

        A model that knows no tool calls or takes no pictures, or refuses them, is sent text alone from then on. What is
        raised: see `Conversation.ask`.
        """
        known = self.journal.exchange(key)
        if known is not None:
            thread.journalled = None
            return known, None
        if role in self._blind:
            thread.drop_pictures()
        while True:
            bound = self._bound(role, tools)
            messages = self._fitting(role, thread)
            self._check_caps()
            try:
                message = self.gateways[role].send(
                    self.models[role], messages, partial(self.say, key), _labels(role, key), bound
                )
            except PromptTooLong as error:
                size = size_of(messages)
                self._room[role] = min(self._room[role], size - 1)
                if not thread.shorten():
                    raise StepFailed(f"{role}: the prompt does not fit, even cut short ({error})") from None
                self.say(key, f"the prompt of {size} characters does not fit; cutting it")
            except RequestRefused as error:
                if thread.drop_pictures():
                    self._blind.add(role)
                    self.say(key, f"the endpoint takes no pictures ({error}); it is asked without")
                    continue
                if bound is None:
                    raise
                self._without_calls.add(role)
                self.say(key, f"the endpoint takes no tool calls ({error}); they are written as text")
            else:
                exchange = self._as_exchange(role, messages, message, key, tools)
                return self.journal.add(_without_known(exchange, thread)), message

    def _bound(self, role: str, tools: Sequence[BaseTool]) -> Runnable[Any, AIMessage] | None:
        """The model with its tools; None where it is to be asked without."""
        if not tools or role in self._without_calls:
            return None
        try:
            return self.models[role].bind_tools(tools)
        except NotImplementedError:
            self._without_calls.add(role)
            return None

    def _fitting(self, role: str, thread: Thread) -> list[BaseMessage]:
        while True:
            messages = thread.messages(native=role not in self._without_calls)
            if size_of(messages) <= self._room[role] or not thread.shorten():
                return messages

    def note_probe(self, model: BaseChatModel, reply: AIMessage) -> None:
        """Count what it cost to find out whether a provider answers."""
        role = next(role for role, other in self.models.items() if other is model)
        self.journal.add(self._as_exchange(role, [], reply, f"probe:{len(self.journal)}"))

    def _as_exchange(
        self,
        role: str,
        messages: list[BaseMessage],
        message: AIMessage,
        key: str,
        tools: Sequence[BaseTool] = (),
    ) -> Exchange:
        name = name_of(self.models[role])
        exchange = Exchange(
            key=key,
            role=role,
            model=name,
            finish=finish_of(message),
            usage=usage_of(message, messages, self.prices.of(name)),
            messages=[{"role": m.type, "content": without_pictures(m)} for m in messages],
            reply=keys_masked(text_of(message)),
        )
        if calls := calls_of(message, tools):
            exchange["calls"] = calls
        return exchange

    def _check_caps(self) -> None:
        self.budget.check_search()
        self.budget.check_usage(self.journal.usage())


def _without_known(exchange: Exchange, thread: Thread) -> Exchange:
    """The exchange without the messages that the last one of its thread was written down with."""
    rows = exchange["messages"]
    last, thread.journalled = thread.journalled, (exchange["key"], rows)
    if last is None or rows[: len(last[1])] != last[1]:
        return exchange
    return {**exchange, "messages": rows[len(last[1]) + 1 :], "continues": last[0]}
