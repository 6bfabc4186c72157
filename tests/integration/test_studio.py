"""LangGraph's own server and SDK: what Studio shows of a run, and does with it (docs/studio.md lists it)."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

from gome.state.config import RunConfig
from gome.tools.records.history import History
from gome.tools.records.jsonl import read_lines
from gome.tools.records.run_file import read_run
from tests.real_tasks import write_diabetes

pytest.importorskip("langgraph_api", reason="needs the extra 'studio'")
from tests.studio import Model, Server

pytestmark = pytest.mark.slow
NODES = {"survey", "prepare", "trace", "join", "ensemble", "select"}


@pytest.fixture
def model() -> Iterator[Model]:
    with Model() as endpoint:
        yield endpoint


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    folder = tmp_path_factory.mktemp("studio")
    with Server(folder, folder / "runs") as running:
        yield running


def until(condition: Callable[[], Any], what: str, seconds: float = 240) -> Any:
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.2)
    return found


def records(run_dir: str) -> dict[str, Any]:
    return {r.id: r for r in History(Path(run_dir) / "history.jsonl").records()}


def assert_nothing_was_asked_twice(run_dir: str) -> None:
    keys = [
        e["key"] for e in read_lines(Path(run_dir) / "exchanges.jsonl") if not e["key"].startswith("probe")
    ]
    assert len(keys) == len(set(keys))


def inner_states(server: Server, thread: str) -> list[dict[str, Any]]:
    tasks = server.client.threads.get_state(thread, subgraphs=True)["tasks"]
    return [task["state"]["values"] for task in tasks if task.get("state")]


def test_the_form_and_the_drawing(server: Server) -> None:
    assistants = {a["graph_id"]: a["assistant_id"] for a in server.client.assistants.search()}
    assert set(assistants) == {"gome", "trace"}
    schemas = server.client.assistants.get_schemas(assistants["gome"])
    form = schemas["context_schema"]["properties"]
    assert set(form) == set(RunConfig.model_fields)
    assert all(field["description"] and "default" in field for field in form.values())
    assert form["optimizer"]["enum"] == ["gradient", "tree"]
    assert (form["traces"]["minimum"], form["traces"]["maximum"]) == (1, 64)
    asked = schemas["input_schema"]["properties"]
    assert set(asked) == {"task", "rows"}
    assert all(field["description"] for field in asked.values())
    for graph, names in (("gome", NODES), ("trace", {"researcher", "coder", "runner", "critic", "select"})):
        drawn = {n["id"]: n for n in server.client.assistants.get_graph(assistants[graph])["nodes"]}
        assert names <= set(drawn)
        assert all(drawn[n]["metadata"]["does"] for n in names - {"trace"})
    inside = server.client.assistants.get_graph(assistants["gome"], xray=True)["nodes"]
    assert "trace:researcher" in {n["id"] for n in inside}


def test_uploaded_rows_are_run_and_watched(server: Server, model: Model) -> None:
    rows = load_diabetes(as_frame=True).frame.rename(columns={"target": "progression"})
    thread = server.client.threads.create()["thread_id"]
    events, states = [], []
    for part in server.client.runs.stream(
        thread,
        "gome",
        input={"rows": rows.to_dict("records")},
        context=model.config(server.folder, target="progression", metric="rmse"),
        stream_mode=["custom", "values"],
        stream_subgraphs=True,
    ):
        kind, _, namespace = part.event.partition("|")
        assert kind != "error", part.data
        if kind == "custom":
            events.append((namespace.partition(":")[0], part.data["phase"], part.data["trace"]))
        elif kind == "values" and not namespace:
            states.append(part.data)
    told = {("", "prepare", None), ("trace", "critic", 0), ("trace", "critic", 1), ("", "done", None)}
    assert told <= set(events)
    result = states[-1]["result"]
    assert result["submission_ok"], server.said()
    assert result["steps"] == 4
    assert all(not state.get("rows") for state in states[2:]), "rows stay out of later checkpoints"
    assert len(pd.read_csv(result["submission"])) > 50


def test_what_is_wrong_with_a_task_is_said(server: Server, model: Model) -> None:
    uneven = [{"a": 1, "progression": 2}, {"b": 1, "progression": 2}]
    cases: list[tuple[dict[str, Any], str]] = [
        ({"task": "/gone.csv"}, "/gone.csv: no such file"),
        ({}, "give either `task`"),
        ({"rows": uneven}, "row 2 and row 1 do not have the same columns"),
    ]
    context = model.config(server.folder, target="progression", metric="rmse")
    for graph in ("gome", "trace"):
        for given, words in cases:
            parts = list(server.client.runs.stream(None, graph, input=given, context=context))
            assert words in parts[-1].data["message"], server.said()


def test_running_traces_show_their_state_and_a_cancelled_run_goes_on(
    server: Server, model: Model, diabetes: Path
) -> None:
    client, thread = server.client, server.client.threads.create()["thread_id"]
    model.down = {1}
    run = client.runs.create(
        thread, "gome", input={"task": str(diabetes)}, context=model.config(server.folder), durability="sync"
    )
    inner = until(
        lambda: (
            (s := inner_states(server, thread)) and len(s) == 2 and all(t.get("step") == 1 for t in s) and s
        ),
        "both traces are in their second step",
    )
    assert sorted(t["trace"] for t in inner) == [0, 1]
    assert all(t["records"][0]["verdict"] == "accepted" and t["incumbent"]["score"] for t in inner)
    client.runs.cancel(thread, run["run_id"], wait=True)
    run_dir = client.threads.get_state(thread)["values"]["run_dir"]
    done = len(list(read_lines(Path(run_dir) / "events.jsonl")))
    model.down = set()
    time.sleep(1)
    assert len(list(read_lines(Path(run_dir) / "events.jsonl"))) == done, (
        "nothing goes on behind a cancelled run"
    )
    output = client.runs.wait(thread, "gome", input=None, durability="sync")
    assert output["result"]["steps"] == 4, server.said()
    assert_nothing_was_asked_twice(run_dir)


def test_a_question_is_answered_and_the_run_goes_on(server: Server, model: Model, diabetes: Path) -> None:
    client, thread = server.client, server.client.threads.create()["thread_id"]
    context = model.config(server.folder, traces=1, steps=1, review="hypotheses")
    client.runs.wait(thread, "gome", input={"task": str(diabetes)}, context=context)
    (question,) = client.threads.get_state(thread)["interrupts"]
    assert question["value"]["hypothesis"]["statement"] == "columns1_in_trace0"
    assert "accept" in question["value"]["how"]
    answer = {"action": "edit", "statement": "one column will do", "reason": "to begin with"}
    output = client.runs.wait(thread, "gome", command={"resume": answer})
    record = records(output["run_dir"])["0:0"]
    assert record.hypothesis["statement"] == "one column will do"
    assert record.reviews == [{"of": "hypothesis", "action": "edit", "reason": "to begin with"}]


def test_a_trace_is_forked_with_another_hypothesis(server: Server, model: Model, diabetes: Path) -> None:
    client, thread = server.client, server.client.threads.create()["thread_id"]
    context = model.config(server.folder, steps=3)
    first = client.runs.wait(
        thread, "trace", input={"task": str(diabetes)}, context=context, durability="sync"
    )
    assert first["result"]["steps"] == 3, server.said()
    before = records(first["run_dir"])
    earlier = next(
        state
        for state in client.threads.get_history(thread, limit=100)
        if state["next"] == ["coder"] and state["values"]["step"] == 1
    )
    work = {**earlier["values"]["work"], "hypothesis": "both measurements of the blood together"}
    fork = client.threads.update_state(
        thread, {"work": work}, checkpoint=earlier["checkpoint"], as_node="researcher"
    )
    output = client.runs.wait(thread, "trace", input=None, checkpoint=fork["checkpoint"], durability="sync")
    after = records(output["run_dir"])
    assert set(after) == {"0:0", "0:1", "0:2", "1:1", "1:2"}, server.said()
    assert after["1:1"].hypothesis["statement"] == "both measurements of the blood together"
    assert after["1:1"].parent == before["0:0"].code, "it starts from the same program"
    assert {k: after[k] for k in before} == before, "the first way is as it was"
    assert output["result"]["steps"] == 5
    assert output["result"]["submission_ok"]


def test_a_run_of_the_command_line_goes_on_in_a_server_that_is_killed(tmp_path: Path) -> None:
    out, task = tmp_path / "out", write_diabetes(tmp_path / "diabetes")
    with Model() as model:
        model.down = {1}
        options = [
            "--traces",
            "2",
            "--steps",
            "3",
            "--folds",
            "2",
            "--selection-seeds",
            "1",
            "--finalists",
            "1",
        ]
        asked = ["--model", "openai:test-model", "--base-url", model.url, "--run-dir", str(out)]
        with subprocess.Popen(
            [sys.executable, "-m", "gome", "run", str(task), *options, *asked],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as begun:
            until(lambda: len(History(out / "history.jsonl").records()) == 2, "a step of each trace")
            begun.kill()
        thread = str(read_run(out)["id"])
        model.down = {2}
        with Server(tmp_path / "server", out) as server:
            open_thread(server, thread)
            assert set(server.client.threads.get_state(thread)["values"]["traces"]) == {"0", "1"}
            server.client.runs.create(thread, "gome", input=None, durability="sync")
            until(lambda: len(records(str(out))) == 4, "two steps of each trace")
        model.down = set()
        with Server(tmp_path / "server", out) as server:
            open_thread(server, thread)
            output = server.client.runs.wait(thread, "gome", input=None, durability="sync")
            assert output["result"]["steps"] == 6, server.said()
    assert_nothing_was_asked_twice(str(out))
    status = subprocess.run(
        [sys.executable, "-m", "gome", "status", str(out)], capture_output=True, text=True, check=True
    )
    assert "finished" in status.stdout


def open_thread(server: Server, thread: str) -> None:
    server.client.threads.create(thread_id=thread, graph_id="gome", if_exists="do_nothing")
