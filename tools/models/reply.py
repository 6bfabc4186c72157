"""What a model replied: its text, how it ended, and the text as a schema."""

from pathlib import Path
from typing import TypeVar

from langchain_core.messages import AIMessage
from pydantic import BaseModel, ValidationError

from gome.tools.models.parsing import extract_json
from gome.tools.text import storable

Reply = TypeVar("Reply", bound=BaseModel)
MAX_REPLY = 2_000_000
"""Characters of a reply that are read; more is no reply to any of our prompts."""
UNFINISHED = {
    "length": "it was cut off at the limit of its length",
    "declined": "the content was refused",
    "empty": "it was empty",
}
# How providers spell why a reply ended: OpenAI, Anthropic, Ollama, Bedrock, Gemini, Mistral.
_FINISH_FIELDS = ("finish_reason", "stop_reason", "done_reason", "stopReason")
_CUT_OFF = {"length", "max_tokens", "max_output_tokens", "model_length", "model_context_window_exceeded"}
_DECLINED = {"content_filter", "content_filtered", "refusal", "safety", "guardrail_intervened"}


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


def text_of(message: AIMessage) -> str:
    """What the message says."""
    text = message.text if isinstance(message.text, str) else message.text()
    return storable(text[:MAX_REPLY])


def finish_of(message: AIMessage) -> str:
    """How the reply ended: 'stop', or a key of `UNFINISHED`. A message that only calls tools is not empty."""
    said = message.response_metadata
    told = [
        *(said.get(field) for field in _FINISH_FIELDS),
        (said.get("incomplete_details") or {}).get("reason"),
    ]
    reason = str(next(filter(None, told), "stop"))
    if message.additional_kwargs.get("refusal") or reason.lower() in _DECLINED:
        return "declined"
    text = text_of(message)
    if reason.lower() in _CUT_OFF or len(text) == MAX_REPLY:
        return "length"
    return "stop" if text.strip() or message.tool_calls or message.invalid_tool_calls else "empty"


def repair_text(problem: str, finish: str) -> str:
    """The turn that asks for a usable reply; jinja2 is loaded only when there is one."""
    from jinja2 import Template

    text = Path(__file__).with_name("repair.md").read_text(encoding="utf-8")
    template = Template(text, trim_blocks=True)  # plain text for a model, never markup for a browser
    return template.render(problem=problem[:2000], finish=finish)
