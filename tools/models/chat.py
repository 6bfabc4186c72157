"""Chat models by name, over langchain-openai: hosted, or any OpenAI-compatible endpoint."""

import os

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from gome.state.errors import GomeError
from gome.tools.models.gateway import REQUEST_TIMEOUT_S
from gome.tools.models.replay import RecordedModel, recorded

OPENAI_URL = "https://api.openai.com/v1"


def endpoint(base_url: str | None) -> str:
    """The URL that is asked: the given one, else OPENAI_BASE_URL of the environment, else OpenAI's own."""
    return base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL


def make_model(spec: str, base_url: str | None = None) -> BaseChatModel:
    """A chat model from 'openai:NAME' or 'replay:FILE'. Another endpoint than OpenAI's own (`base_url`) needs no key. It
    does not try again by itself: that is the line's part.

    Raises GomeError for another form of `spec` and for a hosted model without OPENAI_API_KEY.
    """
    if source := recorded(spec):
        return RecordedModel(source=str(source))
    provider, _, name = spec.partition(":")
    if provider != "openai" or not name:
        raise GomeError(
            f"model {spec!r}: use 'offline', 'openai:NAME' (`base_url` for any endpoint of that kind) or 'replay:FILE'"
        )
    url = endpoint(base_url)
    key = os.environ.get("OPENAI_API_KEY")
    if not key and url == OPENAI_URL:
        raise GomeError(
            f"model {spec!r} needs OPENAI_API_KEY in the environment, or `base_url` for a local endpoint"
        )
    return ChatOpenAI(
        model=name,
        base_url=None if url == OPENAI_URL else url,
        api_key=SecretStr(key or "none"),
        timeout=REQUEST_TIMEOUT_S,
        max_retries=0,
    )


def provider_of(model: BaseChatModel) -> str:
    """What stands for the provider of a model: its endpoint, else its class. Backoff is shared by it."""
    return str(getattr(model, "openai_api_base", None) or type(model).__name__)
