"""What a call to a model used: tokens and money, by the API's own figures, or counted by its characters."""

from collections.abc import Sequence

from langchain_core.messages import AIMessage, BaseMessage

from gome.state.parts import Usage
from gome.tools.models.pictures import CHARACTERS, picture_count, without_pictures
from gome.tools.models.prices import Price
from gome.tools.models.reply import text_of

CHARS_PER_TOKEN = 3.0
"""Of prompts, with their figures and programs; few on purpose, so that a prompt that should fit does."""


def size_of(messages: Sequence[BaseMessage]) -> int:
    """Characters of what is sent, the arguments of calls among it; so many for each picture."""
    return sum(
        len(without_pictures(m))
        + CHARACTERS * picture_count(m)
        + len(str(getattr(m, "tool_calls", "") or ""))
        for m in messages
    )


def usage_of(message: AIMessage, messages: Sequence[BaseMessage], price: Price | None) -> Usage:
    """Of one reply to `messages`. An endpoint that gives no figures is counted by characters, so that a cap on tokens
    holds, and has no known price, unless it costs nothing."""
    used = message.usage_metadata
    if used:
        cached = (used.get("input_token_details") or {}).get("cache_read") or 0
        tokens_in, tokens_out = used["input_tokens"], used["output_tokens"]
        usd = price.usd(tokens_in, tokens_out, cached) if price else None
    else:
        tokens_in = round(size_of(messages) / CHARS_PER_TOKEN)
        tokens_out = round(len(text_of(message)) / CHARS_PER_TOKEN)
        usd = 0.0 if price and price.usd(1, 1) == 0 else None
    return Usage(
        calls=1, tokens_in=tokens_in, tokens_out=tokens_out, usd=usd or 0.0, unpriced=int(usd is None)
    )
