"""kill -9 in the middle of a two-trace run, then resume: nothing finished is repeated, nothing accepted is lost."""

import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
from langchain_core.messages import BaseMessage

from benchmarks.faults.scripted_model import key_of
from benchmarks.faults.watch import finished, repeated
from gome.tools.records.history import History
from gome.tools.records.jsonl import read_lines
from tests.openai_server import Answer, Endpoint
from tests.quick import PROGRAM, QuickEndpoint
from tests.scripted import REPLIES

pytestmark = pytest.mark.slow
ROLES = {"human": "user"}
OPTIONS = ["--traces", "2", "--steps", "2", "--run-dir", "out", "--folds", "2", "--finalists", "1"]
OPTIONS += ["--selection-seeds", "1"]
SLEEPY = f"import time\ntime.sleep(1)\n{PROGRAM}"


@pytest.fixture
def model(monkeypatch: pytest.MonkeyPatch) -> Iterator[QuickEndpoint]:
    """Its programs take a second each."""
    monkeypatch.setenv("OPENAI_API_KEY", "no-secret")
    with QuickEndpoint(draft=lambda facts: f"```python\n{SLEEPY}```") as endpoint:
        yield endpoint


def asking(model: Endpoint) -> list[str]:
    return ["--model", "openai:test", "--base-url", model.url]


def start(arguments: list[str], cwd: Path) -> subprocess.Popen[bytes]:
    log = (cwd / "log.txt").open("ab")
    command = [sys.executable, "-m", "gome", *arguments]
    return subprocess.Popen(command, cwd=cwd, stdout=log, stderr=log, start_new_session=True)


def wait_for(condition, process: subprocess.Popen[bytes], seconds: float = 300) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert process.poll() is None, "the run ended before it could be killed"
        assert time.monotonic() < deadline, "nothing happened"
        time.sleep(0.02)


def results(out: Path) -> dict[str, int]:
    return {p.name: p.stat().st_mtime_ns for p in (out / "results").glob("*.json")}


def told(out: Path, phase: str, step: int) -> Iterator[dict[str, Any]]:
    """The events of a phase of a step."""
    return (e for e in read_lines(out / "events.jsonl") if (e["phase"], e["step"]) == (phase, step))


def test_kill_and_resume(diabetes: Path, tmp_path: Path, model: QuickEndpoint) -> None:
    out = tmp_path / "out"
    process = start(["run", str(diabetes), *OPTIONS, *asking(model)], tmp_path)
    wait_for(lambda: len(History(out / "history.jsonl").records()) >= 1, process)
    time.sleep(random.Random(0).uniform(0, 1))
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(1)
    orphans = [p for p in psutil.process_iter(["cmdline"]) if str(out) in " ".join(p.info["cmdline"] or [])]
    assert orphans == []
    before = History(out / "history.jsonl").records()
    finished, replied = results(out), {e["key"] for e in read_lines(out / "exchanges.jsonl")}
    again = start(["resume", "out"], tmp_path)
    assert again.wait(timeout=400) == 0, (tmp_path / "log.txt").read_text()[-3000:]
    after = {r.id: r for r in History(out / "history.jsonl").records()}
    assert len(after) == 4
    for record in before:
        assert after[record.id].code == record.code
        assert after[record.id].verdict == record.verdict
    now = results(out)
    assert all(now[name] == changed for name, changed in finished.items())
    keys = [e["key"] for e in read_lines(out / "exchanges.jsonl")]
    assert len(keys) == len(set(keys))
    assert replied <= set(keys)
    assert json.loads((out / "result.json").read_text())["submission_ok"]


def test_control_c_drains_and_a_second_writer_is_refused(
    diabetes: Path, tmp_path: Path, model: QuickEndpoint
) -> None:
    out = tmp_path / "out"
    model.down = {1}
    process = start(["run", str(diabetes), *OPTIONS, *asking(model)], tmp_path)
    wait_for(lambda: len(History(out / "history.jsonl").records()) >= 1, process)
    second = subprocess.run(
        [sys.executable, "-m", "gome", "resume", "out"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert second.returncode == 2
    assert str(process.pid) in second.stderr
    model.down = set()
    wait_for(lambda: any(told(out, "runner", step=1)), process)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=120)
    said = (tmp_path / "log.txt").read_text()
    assert "gome resume" in said
    assert "Traceback" not in said
    assert not (out / "result.json").exists()
    assert start(["resume", "out"], tmp_path).wait(timeout=400) == 0
    assert json.loads((out / "result.json").read_text())["submission_ok"]


def test_kills_amid_probe_turns_and_trial_repeat_nothing(
    diabetes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed while the second probe runs, while the choice is asked for, and while the second trial runs."""
    monkeypatch.setenv("OPENAI_API_KEY", "no-secret")
    out, slow = tmp_path / "out", "import time\ntime.sleep(3)\n"
    said = {
        "diagnose": ["```probe\nprint(1)\n```", f"```probe\n{slow}print(2)\n```", REPLIES["diagnose"]],
        "choose": [REPLIES["choose"]],
        "draft0": [f"```try\n{PROGRAM}```", f"```try\n{slow}{PROGRAM}```", "It runs."],
    }
    asked: list[str] = []
    hung = threading.Event()

    def script(messages: list[BaseMessage]) -> Answer | str:
        key = key_of([{"role": ROLES.get(m.type, m.type), "content": m.content} for m in messages])
        call, turn = key.split(":")[2:]
        if call == "choose" and not hung.is_set():
            hung.set()
            return Answer(hang_s=60)
        asked.append(key)
        return said[call][int(turn)]

    def running(what: str) -> bool:
        told = [e["text"] for e in read_lines(out / "events.jsonl")]
        return what in told and any((out / "work").iterdir())

    with Endpoint(script) as endpoint:
        small = [*OPTIONS, "--traces", "1", "--steps", "1"]
        process = start(["run", str(diabetes), *small, *asking(endpoint), "--seed", "1"], tmp_path)
        done = []
        for moment in (lambda: running("probe 2"), hung.is_set, lambda: running("trial 2")):
            wait_for(moment, process)
            os.kill(process.pid, signal.SIGKILL)
            process.wait()
            done.append(finished(out, asked))
            process = start(["resume", "out"], tmp_path)
        assert process.wait(timeout=400) == 0, (tmp_path / "log.txt").read_text()[-3000:]
    assert [repeated(before, out, asked) for before in done] == [(0, 0)] * 3
    assert [len(before.results) for before in done] == [1, 2, 3]  # probe, probe, trial
    (record,) = History(out / "history.jsonl").records()
    assert [p["output"].splitlines()[0] for p in record.probes] == ["1", "2"]
    assert [t["problems"] for t in record.trials] == [[], []]
    first, *keys = [e["key"] for e in read_lines(out / "exchanges.jsonl")]
    assert first.startswith("first:")  # the tiny call before the run
    assert sorted(asked) == sorted(keys)
    assert json.loads((out / "result.json").read_text())["submission_ok"]
