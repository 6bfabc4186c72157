"""A run whose model's endpoint is down, watched and stopped from other terminals."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.openai_server import Answer, Endpoint

pytestmark = pytest.mark.slow


def gome(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "gome", *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=120)


def test_a_run_in_an_outage_can_be_watched_is_not_run_twice_and_stops_when_told(
    cancer: Path, tmp_path: Path
) -> None:
    with Endpoint(lambda messages: Answer("down for repair", status=503)) as server:
        command = [
            sys.executable,
            "-m",
            "gome",
            "run",
            str(cancer),
            "--run-dir",
            "out",
            "--model",
            "openai:m",
        ]
        with subprocess.Popen(
            [*command, "--base-url", server.url], cwd=tmp_path, stdout=subprocess.DEVNULL
        ) as running:
            deadline = time.monotonic() + 120
            while not server.requests and time.monotonic() < deadline:
                time.sleep(0.1)
            status = gome("status", "out", cwd=tmp_path).stdout
            assert "running for" in status
            assert "trace 0:" in status
            assert "of 1 h" in status
            second = gome("resume", "out", cwd=tmp_path)
            assert (second.returncode, second.stderr.count("\n")) == (2, 1)
            assert str(running.pid) in second.stderr
            assert "down for repair" in gome("logs", "out", "--trace", "0", cwd=tmp_path).stdout
            with subprocess.Popen(
                [sys.executable, "-m", "gome", "logs", "-f", "out"],
                cwd=tmp_path,
                stdout=subprocess.PIPE,
                text=True,
            ) as following:
                stopped = gome("stop", "out", cwd=tmp_path)
                assert stopped.returncode == 0, stopped.stderr
                assert "has stopped" in stopped.stdout
                assert running.wait(10) == 1
                followed, _ = following.communicate(timeout=60)
            assert "down for repair" in followed
    assert "stopped after" in gome("status", "out", cwd=tmp_path).stdout
    again = gome("stop", "out", cwd=tmp_path)
    assert again.returncode == 2
    assert "not running" in again.stderr
