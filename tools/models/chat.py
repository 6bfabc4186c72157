"""Chat models by name, over langchain-openai: hosted, or any OpenAI-compatible endpoint."""

import os

from langchain_core.language_models import BaseChatModel
from langchain_openai import ChatOpenAI
from pydantic import SecretStr

from gome.state.errors import GomeError
from gome.tools.models.recorded import RecordedModel, recorded

REQUEST_TIMEOUT_S = 600.0
RETRIES = 6


def make_model(spec: str, base_url: str | None = None) -> BaseChatModel:
    """A chat model from 'openai:NAME' or 'replay:FILE'. A local endpoint (`base_url`) needs no key.

    Raises GomeError for another form of `spec` and for a hosted model without OPENAI_API_KEY.
    """
    if source := recorded(spec):
        return RecordedModel(source=str(source))
    provider, _, name = spec.partition(":")
    if provider != "openai" or not name:
        raise GomeError(
            f"model {spec!r}: use 'offline', 'openai:NAME' (--base-url for any endpoint of that kind) or 'replay:FILE'"
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
