"""What leaves the process when the ecosystem's switches turn tracing on: to LangSmith and over OTLP, at the loopback."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from tests.trace_server import TraceServer, trace_server

pytestmark = pytest.mark.slow
SECRETS = {
    "OPENAI_API_KEY": "sk-kept-secret",
    "E2B_API_KEY": "e2b-kept-secret",
    "LANGSMITH_API_KEY": "ls-kept-secret",
}
SMALL = ["--traces", "1", "--steps", "1", "--folds", "2", "--selection-seeds", "1", "--finalists", "1"]


def run(task: Path, cwd: Path, *options: str, said: str = "", **switches: str) -> None:
    """A run of the CLI with these switches in its environment, and none that are set around the tests."""
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("LANGSMITH_", "LANGCHAIN_", "OTEL_"))}
    command = [sys.executable, "-m", "gome", "run", str(task), "--run-dir", "out", *SMALL, *options]
    environment = {**kept, **SECRETS, **switches}
    done = subprocess.run(
        command, cwd=cwd, env=environment, input=said, capture_output=True, text=True, timeout=300
    )
    assert done.returncode in (0, 1), done.stderr
    assert "Traceback" not in done.stderr


def langsmith(server: TraceServer) -> dict[str, str]:
    return {"LANGSMITH_TRACING": "true", "LANGSMITH_ENDPOINT": server.url}


def sent(server: TraceServer) -> str:
    return "\n".join(body.decode("utf-8", "replace") for _, body in server.bodies)


REJECTING: dict[str, Any] = {"said": "r\nnot now\n"}
REVIEWED = ["--review", "hypotheses"]


def test_spans_say_where_in_the_run_they_are_and_hold_no_data(cancer: Path, tmp_path: Path) -> None:
    with trace_server() as server:
        run(cancer, tmp_path, **langsmith(server))
        runs, text = server.runs(), sent(server)
    by_name = {r["name"]: r for r in runs.values()}
    assert {"gome", "trace", "researcher", "coder", "runner", "critic", "select"} <= set(by_name)
    called = by_name["researcher choose"]
    where = {k: v for k, v in called["extra"]["metadata"].items() if k.startswith("gome_")}
    assert where == {
        "gome_run": "out",
        "gome_task": "cancer",
        "gome_model": "offline",
        "gome_role": "researcher",
        "gome_trace": 0,
        "gome_step": 0,
        "gome_call": "choose",
        "gome_turn": 0,
    }
    assert called["run_type"] == "llm"
    assert runs[called["parent_run_id"]]["name"] == "researcher"
    programs = [r for r in runs.values() if r["name"] == "program search"]  # trials of the line search too
    (program,) = (r for r in programs if {"trace:0", "step:0", "split:search"} <= set(r["tags"]))
    assert runs[program["parent_run_id"]]["name"] == "runner"
    assert not [r for r in runs.values() if "trace:-1" in r["tags"]]
    assert not [
        (r["name"], r.get("error"), r.get("tags"))
        for r in runs.values()
        if not r["end_time"] or r.get("error")
    ]
    assert all(not r.get("inputs") and not r.get("outputs") for r in runs.values())
    assert not [secret for secret in SECRETS.values() if secret in text]
    table = pd.read_csv(cancer / "train.csv", dtype=str)
    found = [[value for value in row if len(value) > 5 and value in text] for row in table.to_numpy()]
    assert not [row for row in found if len(row) > 3], (
        "a row of data; one number may be there by chance, as a duration"
    )


def test_nothing_is_sent_unless_it_is_switched_on(cancer: Path, tmp_path: Path) -> None:
    with trace_server() as server:
        run(cancer, tmp_path, *REVIEWED, **REJECTING, LANGSMITH_ENDPOINT=server.url)
        assert server.bodies == []


def test_prompts_and_questions_leave_when_they_may(cancer: Path, tmp_path: Path) -> None:
    shown = {"LANGSMITH_HIDE_INPUTS": "false", "LANGSMITH_HIDE_OUTPUTS": "false"}
    with trace_server() as server:
        run(cancer, tmp_path, *REVIEWED, **REJECTING, **langsmith(server), **shown)
        text = sent(server)
    assert "<context>" in text
    assert "Interrupt(value=" in text
    assert not [secret for secret in SECRETS.values() if secret in text]


def test_opentelemetry(cancer: Path, tmp_path: Path) -> None:
    pytest.importorskip("opentelemetry.exporter.otlp.proto.http", reason="needs the extra: gome[otel]")
    from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

    with trace_server() as server:
        otel = {"LANGSMITH_TRACING_MODE": "otel", "OTEL_EXPORTER_OTLP_ENDPOINT": server.url}
        run(cancer, tmp_path, *REVIEWED, **REJECTING, LANGSMITH_TRACING="true", **otel)
        paths, text = {path for path, _ in server.bodies}, sent(server)
        requests = [ExportTraceServiceRequest.FromString(body) for _, body in server.bodies]
    spans = [
        s
        for q in requests
        for resource in q.resource_spans
        for scope in resource.scope_spans
        for s in scope.spans
    ]
    named = {span.name: {a.key: a.value for a in span.attributes} for span in spans}
    assert paths == {"/v1/traces"}
    assert {"gome", "trace", "researcher", "researcher diagnose", "reviewer", "critic"} <= set(named)
    assert named["researcher diagnose"]["langsmith.metadata.gome_role"].string_value == "researcher"
    assert "GraphInterrupt" in text, "that a person was waited for is told, not what was asked"
    assert "<context>" not in text
    assert "A sound baseline" not in text
    assert not [secret for secret in SECRETS.values() if secret in text]
