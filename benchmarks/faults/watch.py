"""What a run has finished, looked at from outside when its process is dead, and what a later process repeated of it."""

import json
import re
import socket
import subprocess
import sys
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gome.tools.records.history import History
from gome.tools.records.jsonl import read_lines


@dataclass(frozen=True)
class Finished:
    """Model replies that are in the journal (by key), results of programs and probes (file: time written), requests
    answered."""

    replies: frozenset[str]
    results: dict[str, int]
    asked: int


def finished(run_dir: Path, asked: list[str]) -> Finished:
    """What nobody may do again from now on."""
    replies = frozenset(e["key"] for e in read_lines(run_dir / "exchanges.jsonl"))
    files = [p for p in (run_dir / "results").glob("*-f*.json") if '"compacted"' not in p.read_text()]
    files += (run_dir / "probes").glob("*.json")
    results = {p.name: p.stat().st_mtime_ns for p in files}
    return Finished(replies, results, len(asked))


def repeated(before: Finished, run_dir: Path, asked: list[str]) -> tuple[int, int]:
    """(model calls, programs) that were finished `before` and have been done again since."""
    calls = sum(key in before.replies for key in asked[before.asked :])
    now = finished(run_dir, asked).results
    return calls, sum(now.get(name, written) != written for name, written in before.results.items())


def decisions(run_dir: Path) -> list[tuple[str, str | None, str]]:
    """(step, program, verdict) of every step: what two runs under one seed must have in common."""
    return [(r.id, r.code, r.verdict) for r in History(run_dir / "history.jsonl").records()]


def is_one_clear_line(text: str) -> bool:
    """Whether a process said one line for a person as its last word, and no traceback."""
    said = [line for line in text.splitlines() if line.startswith("gome: ")]
    return len(said) == 1 and "Traceback" not in text


class Model:
    """The loopback model in a process of its own, which no fault of the agent's reaches."""

    def __init__(self, folder: Path) -> None:
        self._log = folder / "asked.txt"
        self._log.touch()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self._base = f"http://127.0.0.1:{port}"
        command = [sys.executable, "-m", "benchmarks.loopback", str(port), str(self._log)]
        self._process = subprocess.Popen(command, cwd=Path(__file__).parents[2])
        self._wait_until_up()

    def __enter__(self) -> "Model":
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    @property
    def url(self) -> str:
        """What --base-url takes."""
        return f"{self._base}/v1"

    def asked(self) -> list[str]:
        """The keys of all requests that were answered, oldest first."""
        return self._log.read_text().split()

    def out_of_service(self, seconds: float) -> None:
        """Answer 503 for so long."""
        body = json.dumps({"seconds": seconds}).encode()
        urllib.request.urlopen(urllib.request.Request(f"{self._base}/outage", body), timeout=10).read()

    def _wait_until_up(self) -> None:
        for _ in range(300):
            try:
                urllib.request.urlopen(f"{self._base}/v1/models", timeout=5).read()
                return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError("the loopback model does not come up")


def last_words(log: Path) -> str:
    """The end of what a process said, without colours."""
    text = log.read_text(errors="replace")[-3000:] if log.is_file() else ""
    return re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", text)


def as_table(rows: list[dict[str, Any]]) -> str:
    """Rows of equal keys as a Markdown table."""
    head = list(rows[0])
    lines = [head, ["---"] * len(head), *([str(row[k]) for k in head] for row in rows)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)
