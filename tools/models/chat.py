"""Chat models by name: of OpenAI or any endpoint of its kind, and of every provider that LangChain has a package for."""

import os
from typing import Any

from langchain_core.language_models import BaseChatModel
from pydantic import SecretStr, ValidationError

from gome.state.errors import GomeError
from gome.tools.models.gateway import REQUEST_TIMEOUT_S
from gome.tools.models.replay import RecordedModel, recorded
from gome.tools.secrets import masked

OPENAI_URL = "https://api.openai.com/v1"
OPENAI = "openai"
_FORMS = (
    "'offline', 'openai:NAME' (`base_url` for any endpoint of that kind), PROVIDER:NAME, e.g. anthropic:NAME, "
    "or 'replay:FILE'"
)


def endpoint(base_url: str | None) -> str:
    """The URL that openai: models are asked at: the given one, else OPENAI_BASE_URL of the environment, else OpenAI's."""
    return base_url or os.environ.get("OPENAI_BASE_URL") or OPENAI_URL


def split_spec(spec: str) -> tuple[str, str]:
    """('openai', 'gpt-5') of 'openai:gpt-5'; ('', 'gpt-5') of 'gpt-5'. Providers are spelled as LangChain spells them."""
    provider, colon, name = spec.partition(":")
    return (provider.lower().replace("-", "_"), name) if colon else ("", spec)


def make_model(spec: str, base_url: str | None = None) -> BaseChatModel:
    """A chat model from 'PROVIDER:NAME' or 'replay:FILE'. An OpenAI-compatible endpoint other than OpenAI's own
    (`base_url`) needs no key; another provider takes key and address from its own environment variables. It does not try
    again by itself: that is the gateway's part.

    Raises GomeError for another form of `spec`, an unknown provider, one whose package or key is missing.
    """
    if source := recorded(spec):
        return RecordedModel(source=str(source))
    provider, name = split_spec(spec)
    if not provider or not name:
        raise GomeError(f"model {spec!r}: use {_FORMS}")
    if provider == OPENAI:
        return _initialised(spec, **_at(endpoint(base_url), spec), timeout=REQUEST_TIMEOUT_S, max_retries=0)
    if base_url:
        raise GomeError(
            f"model {spec!r}: `base_url` is for openai: models alone; name their endpoint in OPENAI_BASE_URL, and this "
            "one's in its provider's own variable"
        )
    fields = type(_initialised(spec)).model_fields.items()
    known = {spelling for field, info in fields for spelling in (field, info.alias)}
    limits = {"timeout": REQUEST_TIMEOUT_S, "max_retries": 0}
    return _initialised(spec, **{limit: value for limit, value in limits.items() if limit in known})


def _at(url: str, spec: str) -> dict[str, Any]:
    """Where and by which key an openai: model is asked."""
    key = os.environ.get("OPENAI_API_KEY")
    if not key and url == OPENAI_URL:
        raise GomeError(
            f"model {spec!r} needs OPENAI_API_KEY in the environment, or `base_url` for a local endpoint"
        )
    return {"base_url": None if url == OPENAI_URL else url, "api_key": SecretStr(key or "none")}


def _initialised(spec: str, **given: Any) -> BaseChatModel:
    """The model of LangChain's class for the provider. What keeps it from being made is one line."""
    from langchain.chat_models import init_chat_model  # on first use: who runs offline does not wait for it

    provider, name = split_spec(spec)
    try:
        return init_chat_model(name, model_provider=provider, **given)
    except ImportError as error:  # names the package to install
        cause = f" ({_line(error.__cause__)})" if error.__cause__ else ""
        raise GomeError(f"model {spec!r}: {_line(error)}{cause}") from None
    except ValidationError as error:  # its own text would repeat what was given, keys as well
        raise GomeError(f"model {spec!r}: {_line('; '.join(row['msg'] for row in error.errors()))}") from None
    except Exception as error:  # an unknown provider; a client's own word on a missing key or address
        raise GomeError(f"model {spec!r}: {_line(error)}") from None


def _line(said: object) -> str:
    return masked(" ".join(str(said).split()))[:700]


def provider_of(model: BaseChatModel) -> str:
    """What stands for the provider of a model: its endpoint, else its class. Backoff is shared by it."""
    return str(getattr(model, "openai_api_base", None) or type(model).__name__)


def name_of(model: BaseChatModel) -> str:
    """The model's own name, under which the provider lists its price; else the kind of its class."""
    named = (getattr(model, field, None) for field in ("model_name", "model", "model_id"))
    return next((name for name in named if isinstance(name, str) and name), model._llm_type).removeprefix(
        "models/"
    )
