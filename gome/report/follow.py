"""The report of a run that goes on, served on this machine alone: the page renews itself while the run writes."""

import hashlib
import secrets
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from gome.report.page import report_page
from gome.state.errors import GomeError
from gome.tools.records.lock import writer_of

_RENEWED_BY = "run.json", "profile.json", "history.jsonl", "events.jsonl", "result.json"
_HANDED_OVER = {"/solution/submission.csv": "text/csv", "/solution/main.py": "text/plain"}
"""The files that the page links to."""


class ReportServer(ThreadingHTTPServer):
    """Serves the report of one run on 127.0.0.1. `port` 0: any that is free. GomeError if the port is taken."""

    daemon_threads = True

    def __init__(self, run_dir: Path, port: int = 0) -> None:
        self.run_dir = run_dir.resolve()
        try:
            super().__init__(("127.0.0.1", port), _Handler)
        except (OSError, OverflowError) as error:
            raise GomeError(
                f"nothing can be served on port {port} ({error}); name another with --port"
            ) from None

    @property
    def address(self) -> str:
        """What to open in a browser."""
        return f"http://127.0.0.1:{self.server_port}/"

    def version(self) -> str:
        """Another one whenever the page may say something else."""
        files = [self.run_dir / name for name in _RENEWED_BY]
        marks = [(stat.st_mtime_ns, stat.st_size) for f in files if f.is_file() and (stat := f.stat())]
        return hashlib.sha256(repr((marks, writer_of(self.run_dir) is None)).encode()).hexdigest()[:16]


class _Handler(BaseHTTPRequestHandler):
    server: ReportServer

    def do_GET(self) -> None:
        """The page, the files it links to; nothing for a page elsewhere that calls itself by our address."""
        port = self.server.server_port
        if self.headers.get("Host") not in (f"127.0.0.1:{port}", f"localhost:{port}"):
            self.send_error(403)
        elif self.path == "/":
            self._page()
        elif self.path in _HANDED_OVER and (file := self.server.run_dir / self.path[1:]).is_file():
            self._answer(file.read_bytes(), _HANDED_OVER[self.path])
        else:
            self.send_error(404)

    def _page(self) -> None:
        version = self.server.version()
        if self.headers.get("If-None-Match") == version:
            self.send_response(304)
            self.end_headers()
            return
        page = report_page(self.server.run_dir, follow=secrets.token_urlsafe(12))
        self._answer(page.encode("utf-8", "replace"), "text/html; charset=utf-8", version)

    def _answer(self, body: bytes, kind: str, version: str = "") -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("Cache-Control", "no-store")
        if version:
            self.send_header("ETag", version)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Silent: a line each few seconds would tell nobody anything."""
