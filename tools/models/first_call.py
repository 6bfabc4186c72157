"""One tiny call to a model before a run rests on it: whether it answers, in what form, how fast, for how much.

What is wrong at the start is most likely a setting, so it is told in one line with the URL and what to do. What may pass
(too many requests, a server's own trouble, no answer yet) is no error: a run waits it out.
"""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, HumanMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from gome.state.errors import GomeError
from gome.tools.models.background import BackgroundCall
from gome.tools.models.chat import OPENAI, endpoint, make_model, name_of, split_spec
from gome.tools.models.faults import Fault, fault_of
from gome.tools.models.prices import Prices
from gome.tools.models.reply import read_reply, text_of
from gome.tools.models.usage import usage_of
from gome.tools.records.journal import Exchange
from gome.tools.secrets import keys_masked, masked

QUESTION = 'Reply with this JSON object and nothing else: {"ok": true}'
ROLE = "first call"
PATIENCE_S = 30.0
_NAMES_SHOWN = 8
_WINDOW = ("max_model_len", "context_length", "context_window", "max_context_length", "n_ctx", "n_ctx_train")
"""What servers call the context window in their list of models (vLLM, OpenRouter, LM Studio, llama.cpp)."""


class NotNow(Exception):
    """The model does not answer now, and may later: one line that says where and why."""


class NotServed(GomeError):
    """The settings are right as far as one can tell, and the model is not to be had until somebody mends what is behind
    them: a server that is down, a key, an account."""


@dataclass(frozen=True)
class FirstCall:
    """What the call showed. `where` it was asked: a URL, or the provider. None: not known. `told`: the endpoint counts
    tokens itself. `exchange` goes into the journal of the run that is begun, so that it counts under its caps."""

    model: str
    where: str
    seconds: float
    json: bool
    tools: bool
    context_tokens: int | None
    told: bool
    exchange: Exchange

    @property
    def line(self) -> str:
        """What it found, in one line."""
        window = f"{self.context_tokens:,} tokens" if self.context_tokens else "not told"
        used = self.exchange["usage"]
        counted = f"{used['tokens_in'] + used['tokens_out']} tokens" if self.told else "tokens not told"
        price = "price not known (--prices FILE)" if used["unpriced"] else f"${used['usd']:.2g}"
        yes = {True: "yes", False: "no"}
        return (
            f"{self.model} at {self.where} answers in {self.seconds:.1f} s: JSON {yes[self.json]}, tool calls "
            f"{yes[self.tools]}, context {window}; {counted}, {price}"
        )

    @property
    def notes(self) -> list[str]:
        """What a run loses by this model, a line each."""
        lost = []
        if not self.json:
            lost.append(
                f"{self.model} did not reply with the JSON object that it was asked for: replies will need repair turns, "
                "and steps will be lost"
            )
        if not self.tools:
            lost.append(
                f"{self.model} is offered no tool calls at {self.where}: probes and trials are asked for in text, which "
                "weak models do badly"
            )
        return lost


class _Answer(BaseModel):
    ok: bool


@tool
def ready() -> str:
    """Says that you are ready. There is no need to call it."""
    return "ready"


def first_call(spec: str, base_url: str | None, prices: Prices) -> FirstCall:
    """Ask the model of 'PROVIDER:NAME' one thing, with a tool on offer. GomeError, with what to do: no such model, no
    endpoint; NotServed among them: no answer there, key or account refused. NotNow."""
    model = make_model(spec, base_url)
    provider, name = split_spec(spec)
    where = masked(endpoint(base_url)) if provider == OPENAI else provider
    began = time.monotonic()
    try:
        message, tools = _asked(model)
    except Exception as error:  # providers raise their own classes
        raise _told(fault_of(error), error, model, where, name) from None
    return FirstCall(
        model=spec,
        where=where,
        seconds=time.monotonic() - began,
        json=_is_json(text_of(message)),
        tools=tools,
        context_tokens=_window(_models(model), name),
        told=bool(message.usage_metadata),
        exchange=Exchange(
            key=f"first:{spec}",
            role=ROLE,
            model=name_of(model),
            usage=usage_of(message, [HumanMessage(QUESTION)], prices.of(name_of(model))),
            messages=[{"role": "human", "content": QUESTION}],
            reply=keys_masked(text_of(message)),
        ),
    )


def _asked(model: BaseChatModel) -> tuple[AIMessage, bool]:
    """The reply, and whether a tool could be on offer."""
    question = [HumanMessage(QUESTION)]
    try:
        bound = model.bind_tools([ready])
    except NotImplementedError:
        return _in_time(lambda: model.invoke(question)), False
    try:
        return _in_time(lambda: bound.invoke(question)), True
    except Exception as error:
        if fault_of(error).kind != "bad":
            raise
        return _in_time(lambda: model.invoke(question)), False


def _in_time(ask: Callable[[], AIMessage]) -> AIMessage:
    """`ask()` in a thread of its own, which is left to itself after `PATIENCE_S`. TimeoutError."""
    call = BackgroundCall(ask, "first call")
    if not call.ends_within(PATIENCE_S):
        raise TimeoutError(f"no answer within {PATIENCE_S:.0f} s")
    return call.result()


def _told(fault: Fault, error: Exception, model: BaseChatModel, where: str, name: str) -> Exception:
    """What a person is told of a fault."""
    status = getattr(error, "status_code", None)
    if isinstance(error, TimeoutError) or fault.kind == "busy" or (fault.kind == "down" and status):
        return NotNow(f"{where} does not answer now ({fault.text})")
    if fault.kind == "down":
        return NotServed(
            f"nothing answers at {where} ({_cause(error)}): is the server up, are host and port right?"
        )
    if status in (401, 403):
        return NotServed(
            f"{where} refuses the key ({fault.text}): give the right one, for openai: in OPENAI_API_KEY"
        )
    if status in (402, 429):
        return NotServed(f"the account at {where} has no money left ({fault.text})")
    of_the_url = status in (404, 405) or fault.kind == "odd" or "model" in fault.text
    if of_the_url and (line := _no_endpoint(error, model, where) or _no_model(model, where, name)):
        return GomeError(line)
    return GomeError(f"{where} refuses the model {name!r} or the request ({fault.text})")


def _no_endpoint(error: Exception, model: BaseChatModel, where: str) -> str:
    """'' if the URL is one of an endpoint, or nobody knows."""
    page = _content_type(getattr(error, "response", None)) or _content_type(_listing(model))
    if "html" not in page and _models(model) is not None:
        return ""
    found = (
        f"{where}/v1 answers as an endpoint does" if _models(model, "/v1") is not None else "is /v1 missing?"
    )
    if "html" in page:
        return f"an HTML page answered at {where}, which is no endpoint for models: {found}"
    return "" if where.rstrip("/").endswith("/v1") else f"there is no endpoint for models at {where}: {found}"


def _no_model(model: BaseChatModel, where: str, name: str) -> str:
    """'' if the model is there, or nobody knows."""
    names = sorted(str(row.get("id")) for row in _models(model) or [])
    if not names or name in names:
        return ""
    near = get_close_matches(name, names, n=3)
    shown = f"nearest: {', '.join(near)}" if near else f"it has {', '.join(names[:_NAMES_SHOWN])}"
    more = f" and {len(names) - _NAMES_SHOWN} more" if not near and len(names) > _NAMES_SHOWN else ""
    return f"{where} has no model {name!r}; {shown}{more}"


def _models(model: BaseChatModel, below: str = "") -> list[dict[str, Any]] | None:
    """The list of models of an openai: model's endpoint, or of what lies `below` its URL; None if there is none."""
    try:
        rows = json.loads(_listing(model, below).text)["data"]
        return [row for row in rows if isinstance(row, dict)]
    except Exception:  # whatever it was, it is no list
        return None


def _listing(model: BaseChatModel, below: str = "") -> Any:
    """The endpoint's response to a request for its models, or to one that it refuses. None: no answer, no endpoint."""
    client = getattr(model, "root_client", None)
    if client is None:
        return None
    base = f"{str(client.base_url).rstrip('/')}{below}"
    try:
        return client.with_options(base_url=base, timeout=5.0, max_retries=0).models.with_raw_response.list()
    except Exception as error:
        return getattr(error, "response", None)


def _content_type(response: Any) -> str:
    return str((getattr(response, "headers", None) or {}).get("content-type", "")).lower()


def _window(rows: list[dict[str, Any]] | None, name: str) -> int | None:
    """The context window that the list says of the model, tokens."""
    row = next((row for row in rows or [] if row.get("id") == name), {})
    about = {**row, **(row["meta"] if isinstance(row.get("meta"), dict) else {})}
    return next((about[key] for key in _WINDOW if isinstance(about.get(key), int)), None)


def _is_json(text: str) -> bool:
    try:
        return read_reply(text, _Answer).ok
    except ValueError:
        return False


def _cause(error: BaseException) -> str:
    """What lies at the bottom of an error, in one line: the client's own words are 'Connection error.'"""
    while error.__cause__ or error.__context__:
        error = error.__cause__ or error.__context__  # type: ignore[assignment]
    return masked(" ".join(str(error).split()))[:200] or type(error).__name__
