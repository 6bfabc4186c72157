"""An OpenAI-compatible model on this machine that answers at once and always the same: for measuring the rest.

As a script it serves until it is killed: python -m benchmarks.loopback PORT LOG. Every request for which a reply was
written is a line of LOG (its key). POST /outage {"seconds": s} makes it answer 503 for so long.
"""

import json
import sys
import time
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from benchmarks.faults.scripted_model import key_of, reply_with_hands

Answer = Callable[[dict[str, Any]], dict[str, Any]]
"""From the request's body to the reply's message, with its `usage` if that is to be told as it is."""


class Loopback(ThreadingHTTPServer):
    """The server. `asked` is told the body of each request that was answered."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, answer: Answer, asked: Callable[[dict[str, Any]], None], port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.answer, self.asked, self.down_until = answer, asked, 0.0

    @property
    def url(self) -> str:
        """What --base-url takes."""
        return f"http://127.0.0.1:{self.server_address[1]}/v1"


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Loopback

    def do_GET(self) -> None:
        self._send(200, {"object": "list", "data": [{"id": "loopback", "object": "model"}]})

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length", 0))) or b"{}")
        if self.path == "/outage":
            self.server.down_until = time.monotonic() + body["seconds"]
            self._send(200, {})
        elif time.monotonic() < self.server.down_until:
            self._send(503, {"error": {"message": "out of service"}})
        else:
            message = self.server.answer(body)
            self.server.asked(body)
            self._send(200, _completion(body, message))

    def _send(self, status: int, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


def _completion(body: dict[str, Any], message: dict[str, Any]) -> dict[str, Any]:
    usage = {"prompt_tokens": 1000, "completion_tokens": 200, "total_tokens": 1200}
    finish = "tool_calls" if message.get("tool_calls") else "stop"
    return {
        "id": "loopback",
        "object": "chat.completion",
        "created": int(time.time()),
        "model": body.get("model", "loopback"),
        "choices": [
            {
                "index": 0,
                "message": {
                    "role": "assistant",
                    "content": None,
                    **{k: v for k, v in message.items() if k != "usage"},
                },
                "finish_reason": finish,
            }
        ],
        "usage": message.get("usage", usage),
    }


def _is_probe(body: dict[str, Any]) -> bool:
    return len(body["messages"]) == 1  # a prompt has a system message before it


def main(port: int, log: Path) -> None:
    """Serve the scripted model of benchmarks.faults until killed. Probes are answered, not written down."""
    with log.open("a", buffering=1) as file:

        def answer(body: dict[str, Any]) -> dict[str, Any]:
            return {"content": "OK" if _is_probe(body) else reply_with_hands(body["messages"])}

        def asked(body: dict[str, Any]) -> None:
            if not _is_probe(body):
                file.write(key_of(body["messages"]) + "\n")

        server = Loopback(answer, asked, port)
        server.serve_forever()


if __name__ == "__main__":
    main(int(sys.argv[1]), Path(sys.argv[2]))
