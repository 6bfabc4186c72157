"""One way to ask a model: journal, tolerant reading, validation, one repair turn, then a clear failure of the step."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from string import digits
from typing import TypeVar

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage
from langchain_core.runnables import RunnableConfig
from pydantic import BaseModel, ValidationError

from gome.state.errors import BudgetReached, GomeError, StepFailed
from gome.state.records import Usage
from gome.tools.models.parsing import extract_json
from gome.tools.records.journal import Exchange, Journal
from gome.tools.spans import labels

Reply = TypeVar("Reply", bound=BaseModel)
FATAL_STATUS = {401, 403, 404}


@dataclass(frozen=True)
class Prompt:
    """One request: the role's system text and the user text."""

    system: str
    user: str


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


def _as_dicts(messages: list[BaseMessage]) -> list[dict[str, str]]:
    return [{"role": m.type, "content": str(m.content)} for m in messages]


def _usage_of(message: AIMessage) -> Usage:
    used = message.usage_metadata
    return Usage(
        calls=1,
        tokens_in=used["input_tokens"] if used else 0,
        tokens_out=used["output_tokens"] if used else 0,
    )


class Asker:
    """Asks the model of a role. Every exchange is journalled before it is used; a key asked before is not asked again."""

    def __init__(
        self, models: dict[str, BaseChatModel], journal: Journal, *, max_tokens: int | None = None
    ) -> None:
        self.models, self.journal, self.max_tokens = models, journal, max_tokens

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

        A reply that does not fit gets one repair turn that quotes the error. Raises StepFailed when that fails too or
        the model cannot answer, BudgetReached when the token cap is used up, GomeError when the endpoint refuses the key.
        """
        messages: list[BaseMessage] = [SystemMessage(prompt.system), HumanMessage(prompt.user)]
        problem = ""
        for turn in (0, 1):
            text = self._exchange(role, messages, f"{key}:{turn}")
            try:
                reply = read_reply(text, schema)
                if check:
                    check(reply)
                return reply
            except ValueError as error:
                problem = str(error)
                messages = [*messages, AIMessage(text), HumanMessage(_repair(problem))]
        raise StepFailed(f"{role}: unusable reply after a repair turn: {problem[:300]}")

    def _exchange(self, role: str, messages: list[BaseMessage], key: str) -> str:
        known = self.journal.reply(key)
        if known is not None:
            return known
        self._check_cap()
        model = self.models[role]
        try:
            message = model.invoke(messages, _labels(role, key))
        except Exception as error:  # providers raise their own classes; the status tells what to do
            raise _as_ours(role, error) from error
        text = message.text if isinstance(message.text, str) else message.text()
        self.journal.add(
            Exchange(
                key=key,
                role=role,
                model=str(getattr(model, "model_name", None) or model._llm_type),
                messages=_as_dicts(messages),
                reply=text,
                usage=_usage_of(message),
            )
        )
        return text

    def _check_cap(self) -> None:
        used = self.journal.usage()
        if self.max_tokens is not None and used["tokens_in"] + used["tokens_out"] >= self.max_tokens:
            raise BudgetReached(f"the cap of {self.max_tokens} tokens is used up")


def _repair(problem: str) -> str:
    return (
        f"Your reply could not be used: {problem[:2000]}\n"
        "Reply again, whole, in exactly the format that was asked for, with this mended."
    )


def _as_ours(role: str, error: Exception) -> Exception:
    line = " ".join(str(error).split())[:300]
    if getattr(error, "status_code", None) in FATAL_STATUS:
        return GomeError(
            f"the model for {role} refused the request: {line}; mend the key, name or URL, then `gome resume`"
        )
    return StepFailed(f"{role}: the model did not answer ({type(error).__name__}: {line})")


def facts_block(facts: dict) -> str:
    """The evidence as the one JSON block that ends every prompt; absent values are left out, numbers rounded."""
    return f"<facts>\n{json.dumps(_trim(facts), ensure_ascii=False, allow_nan=False, default=str)}\n</facts>"


def _trim(value: object) -> object:
    if isinstance(value, dict):
        return {str(k): _trim(v) for k, v in value.items() if v is not None}
    if isinstance(value, list | tuple):
        return [_trim(v) for v in value]
    if isinstance(value, float):
        return float(f"{value:.6g}") if value == value and abs(value) != float("inf") else None
    return value
