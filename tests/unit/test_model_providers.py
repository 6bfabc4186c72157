"""Models by PROVIDER:NAME: what LangChain has a package for is asked, what can't be is one line."""

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from pydantic import BaseModel

from gome.graph.run_layout import prices_of
from gome.state.config import RunConfig
from gome.state.errors import GomeError, StepFailed
from gome.tools.budget import Budget
from gome.tools.models.ask import Asker
from gome.tools.models.chat import make_model, name_of, provider_of
from gome.tools.models.gateway import REQUEST_TIMEOUT_S, Gateway
from gome.tools.models.prompt import Prompt
from gome.tools.records.clock import Clock
from gome.tools.records.journal import Journal
from tests.openai_server import Answer, Endpoint

ROOT = Path(__file__).resolve().parents[2]
PROMPT = Prompt("You are Gome's critic.", "# judge")
OWN_CLASS = """\
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models import BaseChatModel
from langchain_core.language_models.fake_chat_models import GenericFakeChatModel
from langchain_core.messages import AIMessage
from pydantic import BaseModel
from langchain_core.outputs import ChatGeneration, ChatResult
from pydantic import ConfigDict

class ChatOllama(BaseChatModel):
    model_config = ConfigDict(extra="forbid")
    model: str

    @property
    def _llm_type(self):
        return "chat-ollama"

    def _generate(self, messages, stop=None, run_manager=None, **kwargs):
        return ChatResult(generations=[ChatGeneration(message=AIMessage(f"I am {self.model}"))])
"""


class Reply(BaseModel):
    value: int


def ask(folder: Path, model: BaseChatModel, config: RunConfig) -> tuple[int, Journal]:
    """What the critic says, asked over the model, and the journal of it."""
    clock, journal = Clock(folder / "clock.jsonl"), Journal(folder / "exchanges.jsonl")
    budget = Budget(config, clock, folder, slots=1)
    gateways = {"critic": Gateway(budget)}
    asker = Asker({"critic": model}, journal, gateways=gateways, budget=budget, prices=prices_of(config))
    with clock.working():
        return asker.ask("critic", PROMPT, Reply, key="0:0:judge").value, journal


@pytest.fixture(autouse=True)
def _no_keys(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [n for n in os.environ if n.startswith(("OPENAI_", "AZURE_", "LANGSMITH_"))]:
        monkeypatch.delenv(name)


def refusal(spec: str, base_url: str | None = None) -> str:
    with pytest.raises(GomeError) as refused:
        make_model(spec, base_url)
    assert "\n" not in str(refused.value)
    return str(refused.value)


def test_what_cannot_be_made_is_one_line() -> None:
    assert "provider='gooogle'" in refusal("gooogle:gemini")
    assert "PROVIDER:NAME" in refusal("gpt-5")
    assert "PROVIDER:NAME" in refusal("anthropic:")
    assert "AZURE_OPENAI_API_KEY" in refusal("azure_openai:gpt-5")
    assert "OPENAI_BASE_URL" in refusal("azure_openai:gpt-5", "http://127.0.0.1:9/v1")
    assert "OPENAI_API_KEY" in refusal("OpenAI:gpt-5")


@pytest.mark.parametrize(
    ("provider", "package"),
    [
        ("anthropic", "langchain-anthropic"),
        ("google_genai", "langchain-google-genai"),
        ("xai", "langchain-xai"),
    ],
)
def test_a_missing_package_is_named(provider: str, package: str) -> None:
    if importlib.util.find_spec(package.replace("-", "_")):
        pytest.skip(f"{package} is installed")
    assert f"pip install {package}" in refusal(f"{provider}:some-model")


def test_openai_is_asked_as_ever() -> None:
    local = make_model("openai:qwen3:8b", "http://127.0.0.1:9/v1")
    assert (name_of(local), provider_of(local)) == ("qwen3:8b", "http://127.0.0.1:9/v1")
    assert (local.request_timeout, local.max_retries) == (REQUEST_TIMEOUT_S, 0)  # type: ignore[attr-defined]
    assert local.openai_api_key.get_secret_value() == "none"  # type: ignore[attr-defined]


def test_another_provider_answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Azure's class comes with langchain-openai and speaks the loopback server's protocol at another path."""
    with Endpoint(lambda messages: Answer('{"value": 3}')) as server:
        monkeypatch.setenv("AZURE_OPENAI_ENDPOINT", server.url)
        monkeypatch.setenv("AZURE_OPENAI_API_KEY", "azure-secret")
        monkeypatch.setenv("OPENAI_API_VERSION", "2024-10-21")
        model = make_model("azure_openai:gpt-5")
        assert (model.request_timeout, model.max_retries) == (REQUEST_TIMEOUT_S, 0)  # type: ignore[attr-defined]
        value, journal = ask(tmp_path, model, RunConfig(model="azure_openai:gpt-5"))
        assert value == 3
        exchange = journal.exchange("0:0:judge:0")
        assert exchange is not None
        assert (exchange["model"], exchange["usage"]["unpriced"]) == ("gpt-5", 1)


def test_a_class_that_knows_no_limits_is_given_none(tmp_path: Path) -> None:
    """A package as a provider ships it, in a process of its own: its class takes a model's name and nothing else."""
    (tmp_path / "langchain_ollama").mkdir()
    (tmp_path / "langchain_ollama/__init__.py").write_text(OWN_CLASS)
    code = (
        "from gome.tools.models.chat import make_model, name_of; m = make_model('ollama:qwen3:8b'); "
        "print(name_of(m), '|', m.invoke('who?').text)"
    )
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{ROOT}"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True)
    assert done.stdout.strip() == "qwen3:8b | I am qwen3:8b", done.stderr


def test_built_in_prices_hold_for_openai_alone() -> None:
    mixed = prices_of(
        RunConfig(model="openai:gpt-5", role_models={"critic": "azure_openai:gpt-4.1-2025-04-14"})
    )
    assert mixed.of("gpt-5") is not None
    assert mixed.of("gpt-4.1-2025-04-14") is None
    assert mixed.of("gpt-4.1-mini") is not None


@pytest.mark.parametrize(
    "said",
    [
        {"finish_reason": "length"},
        {"stop_reason": "max_tokens"},
        {"finish_reason": "MAX_TOKENS"},
        {"done_reason": "length"},
        {"stopReason": "max_tokens"},
        {"incomplete_details": {"reason": "max_output_tokens"}},
    ],
)
def test_a_reply_that_was_cut_off_is_known_by_each_providers_word(tmp_path: Path, said: dict) -> None:
    replies = iter([AIMessage('{"value": 3}', response_metadata=said)] * 2)
    with pytest.raises(StepFailed, match="cut off at the limit"):
        ask(tmp_path, GenericFakeChatModel(messages=replies), RunConfig())
    assert next(replies, None) is None  # it got its repair turn
