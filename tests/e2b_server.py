"""A loopback server that speaks the E2B service's protocol to the real SDK, and really runs the commands it is sent.

One folder stands for the disk of each sandbox: ROOT in a path or a command is rewritten to it. Commands run as local
processes with an environment of their own, without the walls that the service has.
"""

import base64
import contextlib
import datetime
import io
import json
import os
import shutil
import signal
import struct
import subprocess
import sys
import tarfile
import threading
import urllib.parse
import uuid
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import psutil

ROOT = "/srv/gome"
KEY = "e2b_0123456789abcdef0123456789abcdef01234567"


@dataclass
class FakeSandbox:
    """What the service knows of one sandbox."""

    id: str
    folder: Path
    request: dict[str, Any]
    token: str = field(default_factory=lambda: uuid.uuid4().hex)
    started: datetime.datetime = field(default_factory=lambda: datetime.datetime.now(datetime.UTC))
    timeouts: list[int] = field(default_factory=list)
    archives: list[list[str]] = field(default_factory=list)
    commands: list[str] = field(default_factory=list)
    types: list[str] = field(default_factory=list)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    alive: bool = True
    paused: bool = False

    def here(self, text: str) -> str:
        """A path or command of the sandbox, on this machine."""
        return text.replace(ROOT, str(self.folder))

    def end(self) -> None:
        """End the sandbox with all that runs in it, as the service does when its time is over."""
        self.freeze(False)
        self.alive = False
        for process in self.processes:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)

    def freeze(self, paused: bool) -> None:
        """Stop all that runs in the sandbox, or let it go on."""
        self.paused = paused
        for process in self.processes:
            with contextlib.suppress(psutil.Error):
                top = psutil.Process(process.pid)
                for one in (top, *top.children(recursive=True)):
                    one.suspend() if paused else one.resume()


class FakeService(ThreadingHTTPServer):
    """The service: its sandboxes by id, ended ones too, and all that was sent to it."""

    daemon_threads = True

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder, self.sandboxes = folder, dict[str, FakeSandbox]()
        self.snapshots: dict[str, Path] = {}
        self.received = bytearray()
        self.refuse: dict[str, Any] | None = None
        self.end_at_start = 0
        self.end_after: bytes | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @property
    def alive(self) -> list[FakeSandbox]:
        return [box for box in self.sandboxes.values() if box.alive]


@contextlib.contextmanager
def fake_service(folder: Path) -> Iterator[FakeService]:
    """Serve on a free port of the loopback until the block ends; then nothing that it started is left."""
    service = FakeService(folder)
    thread = threading.Thread(target=service.serve_forever, args=(0.05,), daemon=True)
    thread.start()
    try:
        yield service
    finally:
        service.shutdown()
        service.server_close()
        for box in service.alive:
            box.end()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: FakeService

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def handle(self) -> None:
        with contextlib.suppress(ConnectionError):
            super().handle()

    def do_GET(self) -> None:
        self._route()

    do_POST = do_PUT = do_DELETE = do_GET

    def _route(self) -> None:
        body = self._body()
        self.server.received += body + str(self.headers).encode()
        url = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(url.query))
        if url.path == "/snapshots":
            found = [name for name in self.server.snapshots if name == query["name"]]
            self._json(200, [_snapshot(name) for name in found])
            return
        if url.path.startswith(("/v2/sandboxes", "/sandboxes")):
            self._control(url.path.removeprefix("/v2").split("/")[2:], query, body)
            return
        box = self.server.sandboxes.get(self.headers.get("E2b-Sandbox-Id", ""))
        if box is None or not box.alive or box.paused:
            self._json(502, {"message": "The sandbox was not found", "code": 502})
        elif self.headers.get("X-Access-Token") != box.token:
            self._json(401, {"message": "wrong access token", "code": 401})
        elif url.path == "/health":
            self._send(204)
        elif url.path == "/files":
            self._files(box, Path(box.here(query["path"])), body)
        elif url.path == "/process.Process/Start":
            self._start(box, json.loads(body[5:]))
        else:
            self._json(404, {"message": f"no {self.path}", "code": 404})

    def _control(self, path: list[str], query: dict[str, str], body: bytes) -> None:
        service = self.server
        if self.headers.get("X-API-KEY") != KEY:
            self._json(401, {"message": "Invalid API key", "code": 401})
        elif not path and self.command == "GET":
            wanted = dict(urllib.parse.parse_qsl(query.get("metadata", ""))).items()
            self._json(
                200, [_listed(box) for box in service.alive if wanted <= box.request["metadata"].items()]
            )
        elif not path and service.refuse:
            self._json(service.refuse["code"], service.refuse)
        elif not path:
            self._create(json.loads(body))
        elif (box := service.sandboxes.get(path[0])) is None or not box.alive:
            self._json(404, {"message": "not found", "code": 404})
        elif self.command == "DELETE":
            box.end()
            self._send(204)
        elif path[1:] == ["pause"]:
            box.freeze(True)
            self._send(204)
        elif path[1:] == ["connect"]:
            box.freeze(False)
            self._json(200, {**_names(box), "envdAccessToken": box.token, "domain": None})
        elif path[1:] == ["timeout"]:
            box.timeouts.append(json.loads(body)["timeout"])
            self._send(204)
        elif path[1:] == ["snapshots"]:
            name = json.loads(body)["name"]
            self.server.snapshots[name] = copy = self.server.folder / f"snapshot-{name}"
            shutil.copytree(box.folder, copy, symlinks=True)
            self._json(201, _snapshot(name))
        else:
            self._json(404, {"message": f"no {self.path}", "code": 404})

    def _create(self, request: dict[str, Any]) -> None:
        name = f"i{uuid.uuid4().hex[:19]}"
        folder = self.server.folder / name
        if origin := self.server.snapshots.get(request["templateID"].removeprefix("snapshot-of-")):
            shutil.copytree(origin, folder, symlinks=True)
        else:
            folder.mkdir(parents=True)
        box = self.server.sandboxes[name] = FakeSandbox(name, folder, request)
        self._json(201, {**_names(box), "envdAccessToken": box.token, "domain": None})

    def _files(self, box: FakeSandbox, path: Path, body: bytes) -> None:
        if self.command == "GET":
            if path.is_file():
                self._send(200, path.read_bytes(), "application/octet-stream")
            else:
                self._json(404, {"message": f"{path} does not exist", "code": 404})
            return
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(body)
        box.types.append(self.headers["Content-Type"])
        if path.suffix == ".tar":
            with tarfile.open(fileobj=io.BytesIO(body)) as tar:
                box.archives.append(tar.getnames())
        self._json(200, [{"name": path.name, "type": "file", "path": str(path)}])

    def _start(self, box: FakeSandbox, request: dict[str, Any]) -> None:
        config = request["process"]
        box.commands.append(config["args"][-1])
        python = Path(sys.executable).parent
        process = subprocess.Popen(
            [config["cmd"], "-c", box.here(config["args"][-1])],
            cwd=box.folder,
            env={"PATH": f"{python}:/usr/bin:/bin", "HOME": str(box.folder), "E2B_SANDBOX": "true"},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        box.processes.append(process)
        milliseconds = int(self.headers.get("Connect-Timeout-Ms", 0))
        timer = threading.Timer(milliseconds / 1000, process.kill)
        if milliseconds:
            timer.start()
        self.send_response(200)
        self.send_header("Content-Type", "application/connect+json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        if self.server.end_at_start:
            self.server.end_at_start -= 1
            threading.Timer(0.3, box.end).start()
        try:
            self._stream(box, process)
        finally:
            timer.cancel()

    def _stream(self, box: FakeSandbox, process: subprocess.Popen[bytes]) -> None:
        """Events as they come. A sandbox that ended in between just stops answering."""
        assert process.stdout is not None
        self._frame({"event": {"start": {"pid": process.pid}}})
        while data := os.read(process.stdout.fileno(), 65_536):
            with contextlib.suppress(ConnectionError):  # a client that left does not end the process
                self._frame({"event": {"data": {"stdout": base64.b64encode(data).decode()}}})
            if self.server.end_after and self.server.end_after in data:
                box.end()
        code = process.wait()
        self.close_connection = not box.alive
        if box.alive:
            end = {"exitCode": max(code, 0), "exited": code >= 0, "status": f"exit status {code}"}
            self._frame({"event": {"end": end}})
            self._frame({}, flag=2)
            self.wfile.write(b"0\r\n\r\n")

    def _frame(self, message: dict[str, Any], flag: int = 0) -> None:
        data = json.dumps(message).encode()
        frame = struct.pack(">BI", flag, len(data)) + data
        self.wfile.write(f"{len(frame):x}\r\n".encode() + frame + b"\r\n")
        self.wfile.flush()

    def _body(self) -> bytes:
        if self.headers.get("Transfer-Encoding") != "chunked":
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        parts = []
        while size := int(self.rfile.readline().split(b";")[0], 16):
            parts.append(self.rfile.read(size))
            self.rfile.readline()
        self.rfile.readline()
        return b"".join(parts)

    def _json(self, code: int, value: Any) -> None:
        self._send(code, json.dumps(value).encode(), "application/json")

    def _send(self, code: int, data: bytes = b"", kind: str | None = None) -> None:
        self.send_response(code)
        if kind:
            self.send_header("Content-Type", kind)
        if code != 204:
            self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _snapshot(name: str) -> dict[str, Any]:
    return {"snapshotID": f"snapshot-of-{name}", "names": [name]}


def _names(box: FakeSandbox) -> dict[str, Any]:
    template = box.request["templateID"]
    return {"templateID": template, "sandboxID": box.id, "clientID": "local", "envdVersion": "0.6.7"}


def _listed(box: FakeSandbox) -> dict[str, Any]:
    end = box.started + datetime.timedelta(hours=1)
    size = {
        "cpuCount": 2,
        "memoryMB": 1024,
        "diskSizeMB": 1024,
        "state": "paused" if box.paused else "running",
    }
    times = {"startedAt": box.started.isoformat(), "endAt": end.isoformat()}
    return {**_names(box), **size, **times, "metadata": box.request["metadata"]}
