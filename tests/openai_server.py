"""An OpenAI-compatible endpoint on a loopback port: it answers as a script says, and fails as real ones do."""

import json
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any

from langchain_core.messages import BaseMessage
from langchain_core.messages.utils import convert_to_messages

from gome.tools.models.first_call import QUESTION


@dataclass(frozen=True)
class Answer:
    """What goes back: a chat completion with `text` and `calls` of tools (name, arguments as they are written), or, with
    another status, an error. `hang_s` comes before it; `trickle` sends blanks for ever instead, as gateways do to keep a
    connection open; `drop` closes the connection."""

    text: str = ""
    calls: tuple[tuple[str, str], ...] = ()
    finish: str = "stop"
    refusal: str | None = None
    usage: bool = True
    status: int = 200
    code: str = "error"
    headers: dict[str, str] = field(default_factory=dict)
    hang_s: float = 0.0
    trickle: bool = False
    drop: bool = False


Script = Callable[[list[BaseMessage]], Answer | str]


class Endpoint:
    """A context manager; `url` is the base URL, `requests` the messages of all requests with the time they came,
    `authorizations` what each brought to show who asks, `offered` the names of the tools that each offered."""

    def __init__(self, script: Script, *, greets: bool = True) -> None:
        """`greets`: the tiny call before a run is answered as it should be, and is none of the script's."""
        self.script, self._greets = script, greets
        self.requests: list[tuple[float, list[BaseMessage]]] = []
        self.authorizations: list[str] = []
        self.offered: list[list[str]] = []
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}/v1"

    def __enter__(self) -> "Endpoint":
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._over.set()
        self._server.shutdown()
        self._server.server_close()

    def times(self) -> list[float]:
        """When each request came, seconds after the first."""
        return [at - self.requests[0][0] for at, _ in self.requests]

    def _answer(self, body: dict[str, Any]) -> Answer:
        messages = convert_to_messages(body["messages"])
        if self._greets and messages[-1].content == QUESTION:
            return Answer('{"ok": true}')
        with self._lock:
            self.offered.append([tool["function"]["name"] for tool in body.get("tools", [])])
            self.requests.append((time.monotonic(), messages))
            made = self.script(messages)
        return Answer(made) if isinstance(made, str) else made

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        endpoint = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self) -> None:
                length = int(self.headers["content-length"])
                endpoint.authorizations.append(self.headers["authorization"])
                answer = endpoint._answer(json.loads(self.rfile.read(length)))
                endpoint._over.wait(answer.hang_s)
                if answer.drop:
                    self.close_connection = True
                    self.connection.close()
                elif answer.trickle:
                    self._trickle()
                else:
                    self._send(answer)

            def _send(self, answer: Answer) -> None:
                data = json.dumps(_completion(answer) if answer.status == 200 else _error(answer)).encode()
                self.send_response(answer.status)
                for name, value in {"content-type": "application/json", **answer.headers}.items():
                    self.send_header(name, value)
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

            def _trickle(self) -> None:
                self.send_response(200)
                self.send_header("content-type", "application/json")
                self.send_header("content-length", "1000000")
                self.end_headers()
                while not endpoint._over.wait(0.1):
                    self.wfile.write(b" ")
                    self.wfile.flush()

            def log_message(self, *_: Any) -> None:
                pass

        return Handler


def _completion(answer: Answer) -> dict[str, Any]:
    message: dict[str, Any] = {"role": "assistant", "content": answer.text}
    if answer.refusal:
        message = {"role": "assistant", "content": None, "refusal": answer.refusal}
    if answer.calls:
        message["tool_calls"] = [
            {"id": f"call{n}", "type": "function", "function": {"name": name, "arguments": arguments}}
            for n, (name, arguments) in enumerate(answer.calls)
        ]
    made: dict[str, Any] = {
        "id": "1",
        "object": "chat.completion",
        "created": 0,
        "model": "test-model",
        "choices": [{"index": 0, "message": message, "finish_reason": answer.finish}],
    }
    if answer.usage:
        made["usage"] = {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120}
    return made


def _error(answer: Answer) -> dict[str, Any]:
    return {"error": {"message": answer.text, "type": answer.code, "code": answer.code, "param": None}}
