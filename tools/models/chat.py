"""Chat models by name, over langchain-openai: hosted, or any OpenAI-compatible endpoint."""

import os

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from gome.state.errors import GomeError

REQUEST_TIMEOUT_S = 600.0
RETRIES = 6


def make_model(spec: str, base_url: str | None = None) -> BaseChatModel:
    """A chat model from 'openai:NAME'. A local endpoint (`base_url`) needs no key.

    Raises GomeError for another form of `spec` and for a hosted model without OPENAI_API_KEY.
    """
    provider, _, name = spec.partition(":")
    if provider != "openai" or not name:
        raise GomeError(
            f"model {spec!r}: use 'offline' or 'openai:NAME' (with --base-url for any OpenAI-compatible endpoint)"
        )
    base_url = base_url or os.environ.get("OPENAI_BASE_URL") or None
    key = os.environ.get("OPENAI_API_KEY")
    if not key and not base_url:
        raise GomeError(
            f"model {spec!r} needs OPENAI_API_KEY in the environment, or --base-url for a local endpoint"
        )
    return ChatOpenAI(
        model=name,
        base_url=base_url,
        api_key=SecretStr(key or "none"),
        timeout=REQUEST_TIMEOUT_S,
        max_retries=RETRIES,
    )
