"""A real `langgraph dev` server over langgraph.json, as `make studio` starts it, and its SDK."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx
from langgraph_sdk import get_sync_client
from langgraph_sdk.client import SyncLangGraphClient

from tests.quick import QuickEndpoint

ROOT = Path(__file__).resolve().parents[1]
START_S = 180


class Server:
    """A context manager; `run_dir` is the folder whose checkpoints and store it works on (GOME_RUN)."""

    def __init__(self, folder: Path, run_dir: Path) -> None:
        self.folder, self.run_dir = folder, run_dir
        folder.mkdir(parents=True, exist_ok=True)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self.client: SyncLangGraphClient = get_sync_client(url=f"http://127.0.0.1:{self.port}", api_key=None)

    def __enter__(self) -> "Server":
        env = {k: v for k, v in os.environ.items() if not k.startswith(("LANGSMITH", "LANGCHAIN"))}
        env |= {"LANGGRAPH_CLI_NO_ANALYTICS": "1", "GOME_RUN": str(self.run_dir), "OPENAI_API_KEY": "none"}
        self._log = (self.folder / "server.log").open("ab")
        langgraph = Path(sys.executable).with_name("langgraph")
        command = [langgraph, "dev", "--no-browser", "--no-reload", "--config", ROOT / "langgraph.json"]
        self.process = subprocess.Popen(
            [*command, "--port", str(self.port), "--n-jobs-per-worker", "4"],
            cwd=self.folder, env=env, stdout=self._log, stderr=self._log,
        )  # fmt: skip
        deadline = time.monotonic() + START_S
        while not self._answers():
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, self.said()
            time.sleep(0.2)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()

    def kill(self) -> None:
        """kill -9."""
        self.process.kill()
        self.process.wait()
        self._log.close()

    def said(self) -> str:
        """The end of the server's log."""
        return (self.folder / "server.log").read_text()[-3000:]

    def _answers(self) -> bool:
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/ok", timeout=5).is_success
        except httpx.TransportError:
            return False


class Model(QuickEndpoint):
    """The quick model, and how Studio asks for it."""

    def config(self, folder: Path, **options: Any) -> dict[str, Any]:
        """The context of a run that asks this model, as the form of Studio sends it."""
        small = {"steps": 2, "traces": 2, "folds": 2, "selection_seeds": 1, "finalists": 1}
        model = {"model": "openai:test-model", "base_url": self.url, "runs_dir": str(folder)}
        return json.loads(json.dumps({**small, **model, **options}))
