"""The tiny call before a run: what is wrong with an endpoint is told in a line that names its URL and what to do."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from gome.cli.main import main
from gome.driver import prepare
from gome.run_folder import RunFolder
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.models.first_call import FirstCall, NotNow, first_call
from gome.tools.models.prices import Prices
from gome.tools.records.journal import Journal
from tests.openai_server import Answer, Endpoint

PAGE = "<!DOCTYPE html><html><body>A web interface</body></html>"


class Server(BaseHTTPRequestHandler):
    """Models qwen3 and llama below /v1, of which llama takes no tools and speaks no JSON; pages of HTML below everything
    else, but for /api, which answers errors in JSON."""

    def do_GET(self) -> None:
        if self.path == "/v1/models":
            self._send({"data": [{"id": "qwen3", "max_model_len": 32768}, {"id": "llama"}]})
        else:
            self._elsewhere()

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["content-length"])))
        if self.path != "/v1/chat/completions":
            self._elsewhere()
        elif body["model"] not in ("qwen3", "llama"):
            self._send({"error": {"message": "not found"}}, 404)
        elif body["model"] == "llama" and body.get("tools"):
            self._send({"error": {"message": "llama does not support tools"}}, 400)
        else:
            text = "Sure!" if body["model"] == "llama" else '{"ok": true}'
            message = {"role": "assistant", "content": text}
            choice = {"index": 0, "message": message, "finish_reason": "stop"}
            used = {"prompt_tokens": 50, "completion_tokens": 6, "total_tokens": 56}
            about = {"id": "1", "object": "chat.completion", "created": 0, "model": "m"}
            self._send({**about, "choices": [choice], "usage": used})

    def _elsewhere(self) -> None:
        if self.path.startswith("/api"):
            self._send({"detail": "Not Found"}, 404)
        else:
            self._send(PAGE, kind="text/html")

    def _send(self, content: Any, status: int = 200, kind: str = "application/json") -> None:
        data = (content if isinstance(content, str) else json.dumps(content)).encode()
        self.send_response(status)
        self.send_header("content-type", kind)
        self.send_header("content-length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def url() -> Iterator[str]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()


def ask(url: str, name: str = "qwen3") -> FirstCall:
    return first_call(f"openai:{name}", url, Prices.read(None, hosted=False))


def test_what_a_good_and_a_weak_model_show(url: str) -> None:
    good = ask(f"{url}/v1")
    assert (good.json, good.tools, good.context_tokens) == (True, True, 32768)
    assert (good.exchange["usage"]["tokens_in"], good.exchange["usage"]["tokens_out"]) == (50, 6)
    assert good.notes == []
    assert good.exchange["usage"]["unpriced"] == 1
    weak = ask(f"{url}/v1", "llama")
    assert (weak.json, weak.tools) == (False, False)
    assert ["JSON" in note or "tool calls" in note for note in weak.notes] == [True, True]


@pytest.mark.parametrize(
    ("path", "name", "line"),
    [
        ("/v1", "qwen4", "URL/v1 has no model 'qwen4'; nearest: qwen3"),
        ("/v1", "unheard", "URL/v1 has no model 'unheard'; it has llama, qwen3"),
        (
            "",
            "qwen3",
            "an HTML page answered at URL, which is no endpoint for models: URL/v1 answers as an endpoint",
        ),
        (
            "/chat",
            "qwen3",
            "an HTML page answered at URL/chat, which is no endpoint for models: is /v1 missing?",
        ),
        ("/api", "qwen3", "there is no endpoint for models at URL/api: is /v1 missing?"),
    ],
)
def test_what_is_wrong_with_url_or_name(url: str, path: str, name: str, line: str) -> None:
    with pytest.raises(GomeError) as told:
        ask(url + path, name)
    assert line.replace("URL", url) in str(told.value)


@pytest.mark.parametrize(
    ("answer", "kind", "line"),
    [
        (Answer("Incorrect API key provided", status=401), GomeError, "refuses the key (401"),
        (Answer("no", status=429, code="insufficient_quota"), GomeError, "has no money left"),
        (Answer("slow down", status=429), NotNow, "does not answer now (429"),
        (Answer("down for repair", status=503), NotNow, "does not answer now (503"),
    ],
)
def test_what_is_refused_and_what_passes(answer: Answer, kind: type[Exception], line: str) -> None:
    with Endpoint(lambda messages: answer, greets=False) as server, pytest.raises(kind) as told:
        ask(server.url)
    assert server.url in str(told.value)
    assert line in str(told.value)


def test_a_run_is_not_begun_and_the_doctor_says_the_same(
    url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    model = ["--model", "openai:qwen4", "--base-url", f"{url}/v1"]
    assert main(["run", str(tmp_path), "--run-dir", "out", *model]) == 2
    assert capsys.readouterr().err == f"gome: {url}/v1 has no model 'qwen4'; nearest: qwen3\n"
    assert not (tmp_path / "out").exists()
    assert main(["doctor", *model]) == 1
    assert f"model      FAILED: {url}/v1 has no model 'qwen4'" in capsys.readouterr().out
    (tmp_path / "gome.yaml").write_text(f"model: openai:qwen3\nbase_url: {url}/v1\n")
    assert main(["doctor"]) == 0
    assert (
        "JSON yes, tool calls yes, context 32,768 tokens; 56 tokens, price not known"
        in capsys.readouterr().out
    )


@pytest.mark.slow
def test_what_it_used_counts_under_the_caps_of_the_run(diabetes: Path, tmp_path: Path) -> None:
    with Endpoint(lambda messages: Answer()) as server:
        models = {"model": "openai:one", "role_models": {"coder": "openai:two"}, "base_url": server.url}
        run_dir = prepare(str(diabetes), RunConfig(run_dir=str(tmp_path / "run"), **models))
    used = Journal(run_dir / "exchanges.jsonl").usage()
    assert (used["calls"], used["tokens_in"], used["tokens_out"]) == (2, 200, 40)
    rows = RunFolder.read(run_dir).usage_by_role
    assert [(row["role"], row["model"]) for row in rows] == [("first call", "one"), ("first call", "two")]
