"""Loopback servers that take what a tracer sends: LangSmith's batches and OpenTelemetry's OTLP over HTTP."""

import gzip
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import zstandard

BATCHES = {
    "use_multipart_endpoint": False,
    "size_limit": 100,
    "size_limit_bytes": 20_000_000,
    "scale_up_qsize_trigger": 1000,
    "scale_up_nthreads_limit": 4,
    "scale_down_nempty_trigger": 4,
}
"""What LangSmith's /info says: runs come as JSON, so that a test can read them."""


class TraceServer(ThreadingHTTPServer):
    """Keeps the bodies of all requests, by path, unpacked."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.bodies: list[tuple[str, bytes]] = []

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.server_address[1]}"

    def runs(self) -> dict[str, dict[str, Any]]:
        """LangSmith's runs by id: what was posted, with what was patched later."""
        found: dict[str, dict[str, Any]] = {}
        for path, body in self.bodies:
            if path != "/runs/batch":
                continue
            batch = json.loads(body)
            for run in [*batch.get("post", []), *batch.get("patch", [])]:
                given = {key: value for key, value in run.items() if value is not None}
                found.setdefault(run["id"], {}).update(given)
        return found


class _Handler(BaseHTTPRequestHandler):
    server: TraceServer
    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        self._reply({"version": "0.13", "batch_ingest_config": BATCHES})

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        encoding = self.headers.get("Content-Encoding", "")
        if encoding == "gzip":
            body = gzip.decompress(body)
        elif encoding == "zstd":
            body = zstandard.ZstdDecompressor().decompressobj().decompress(body)
        self.server.bodies.append((self.path, body))
        self._reply({})

    def _reply(self, value: dict[str, Any]) -> None:
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def log_message(self, format: str, *args: Any) -> None:
        """Say nothing."""


@contextmanager
def trace_server() -> Iterator[TraceServer]:
    """A server at work."""
    server = TraceServer()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
