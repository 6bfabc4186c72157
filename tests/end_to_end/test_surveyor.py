"""Whole runs of a task that only a model understands: it looks at the folder and writes the adapter, or gives up."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.types import Command

from gome.graph.run import build_graph
from gome.report.page import write_report
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.records.jsonl import read_lines
from tests.openai_server import Endpoint
from tests.readings import ADAPTER, PROGRAM, write_readings
from tests.scripted import ScriptedModel, player

pytestmark = pytest.mark.slow
ROOT = Path(__file__).parents[2]
ROLES = ("researcher", "coder", "critic")
LOOK = "Let me look.\n\n```look\nprint(open('input/readings.txt').readline())\n```\n"
WRONG = ADAPTER.replace('rows[u][1], "?"]', "*rows[u][1:]]")  # the hidden levels stay where they are


def surveying(*replies: str) -> ScriptedModel:
    """A model that gives these replies as the surveyor, one after the other, and drafts one program."""
    left = iter(replies)
    steps = player(lambda facts: f"```python\n{PROGRAM.replace('1.0', '3.0').replace('CLAIM', 'error')}```")

    def script(messages: list[BaseMessage]) -> str:
        survey = "surveyor" in str(messages[0].content)[:40]
        return next(left) if survey else steps.script(messages)

    return ScriptedModel(script=script)


def adapter(source: str) -> str:
    return f"Units are readings.\n\n```python\n{source}```\n"


def run(task: Path, out: Path, model: ScriptedModel, **options: Any) -> dict[str, Any]:
    settings = {"traces": 1, "steps": 1, "folds": 2, "selection_seeds": 1, "finalists": 1, **options}
    graph = build_graph(models=dict.fromkeys(ROLES, model)).compile()
    return graph.invoke({"task": str(task)}, context=RunConfig(run_dir=str(out), **settings))["result"]


def asked(out: Path) -> list[str]:
    return [e["key"] for e in read_lines(out / "exchanges.jsonl")]


def test_a_failed_check_goes_back_and_is_mended(tmp_path: Path) -> None:
    task, out = write_readings(tmp_path / "task"), tmp_path / "out"
    model = surveying(adapter(WRONG), adapter(ADAPTER))
    result = run(task, out, model)
    assert result["best"]["selection"]
    told = str(model.calls[1][-1].content)
    assert told.startswith("# mend_adapter")
    assert "readings.txt" in told
    assert str(out) not in told
    for fold in (out / "inputs").glob("search-*"):
        assert "?" in (fold / "readings.txt").read_text()


def reviewed(
    task: Path, out: Path, model: ScriptedModel, *answers: dict[str, str], **options: Any
) -> list[dict[str, Any]]:
    """The questions of a run whose adapter a person decides on."""
    settings = {
        "traces": 1,
        "steps": 1,
        "folds": 2,
        "selection_seeds": 1,
        "finalists": 1,
        "review": "task",
        **options,
    }
    config: Any = {"configurable": {"thread_id": "reviewed"}}
    graph = build_graph(models=dict.fromkeys(ROLES, model)).compile(checkpointer=InMemorySaver())
    context, questions = RunConfig(run_dir=str(out), **settings), []
    graph.invoke({"task": str(task)}, config, context=context)
    for answer in answers:
        (question,) = graph.get_state(config).interrupts
        questions.append(json.loads(json.dumps(question.value)))
        graph.invoke(Command(resume=answer), config, context=context)
    assert not graph.get_state(config).next
    return questions


def test_an_adapter_is_written_a_person_decides_and_the_harness_grades(tmp_path: Path) -> None:
    task, out = write_readings(tmp_path / "task"), tmp_path / "out"
    model = surveying(LOOK, adapter(ADAPTER))
    first, second = reviewed(
        task,
        out,
        model,
        {"action": "replace", "program": "def units(public:"},
        {"action": "replace", "program": f"{ADAPTER}\n# seen\n", "reason": "my own"},
    )
    assert (first["review"], first["program"]) == ("task", ADAPTER)
    assert any("judged by" in fact for fact in first["facts"])
    assert "not valid Python" in second["problem"]
    assert (out / "adapter" / "adapter.py").read_text() == f"{ADAPTER}\n# seen\n"
    assert json.loads((out / "run.json").read_text())["survey"].endswith("; replaced in review: my own")
    result = json.loads((out / "result.json").read_text())
    assert result["submission_ok"]
    assert result["self_reported"] is None
    assert result["best"]["selection"]["value"] < 0.5 < result["naive"]["selection"]["value"]
    assert asked(out)[:2] == ["survey:0:write:0", "survey:0:write:1"]
    shown = str(model.calls[1][-1].content)
    assert (task / "readings.txt").read_text().splitlines()[0] in shown
    report = write_report(out).read_text()
    assert "SELF-REPORTED" not in report
    assert "a person decided on it: replaced in review: my own" in report


def test_an_adapter_that_a_person_rejects_is_not_used(tmp_path: Path) -> None:
    task, out = write_readings(tmp_path / "task"), tmp_path / "out"
    reviewed(
        task,
        out,
        surveying(adapter(ADAPTER)),
        {"action": "reject", "reason": "levels drift"},
        direction="minimize",
    )
    result = json.loads((out / "result.json").read_text())
    assert "rejected in review: levels drift" in result["self_reported"]
    assert not (out / "adapter").exists()


def test_given_up_it_is_self_reported_and_says_why(tmp_path: Path) -> None:
    task, out = write_readings(tmp_path / "task"), tmp_path / "out"
    result = run(task, out, surveying("GIVE UP: the labels are not there"), direction="minimize")
    assert "the labels are not there" in result["self_reported"]
    assert result["best"]["search"]["stderr"] == 0
    assert not (out / "adapter").exists()


def test_rounds_end(tmp_path: Path) -> None:
    task, out = write_readings(tmp_path / "task"), tmp_path / "out"
    model = surveying(*[adapter(f"{WRONG}\n# {i}\n") for i in range(4)])
    result = run(task, out, model, direction="minimize")
    assert "4 rounds" in result["self_reported"]
    assert sorted(p.name for p in (out / "inputs").glob("*-*")) == ["final-0"]


def test_the_direction_is_asked_when_nobody_says_it(tmp_path: Path) -> None:
    task, out = write_readings(tmp_path / "task"), tmp_path / "out"
    with pytest.raises(GomeError, match="give `direction`"):
        run(task, out, surveying("GIVE UP: no idea"))
    assert (out / "solution" / "submission.csv").is_file()


def test_the_example_of_the_prompt_is_the_one_that_tests_run() -> None:
    shown = (ROOT / "agents/prompts/_adapter_example.md").read_text()
    assert shown == f"```python\n{(ROOT / 'examples/adapters/class_folders.py').read_text()}```\n"


def test_killed_in_the_middle_it_repeats_nothing(tmp_path: Path) -> None:
    task, out = write_readings(tmp_path / "task"), tmp_path / "out"
    replies = {0: LOOK, 1: adapter(WRONG), 2: adapter(ADAPTER)}
    model, killed, surveyed = surveying(), [], []

    def script(messages: list[BaseMessage]) -> str:
        if "surveyor" not in str(messages[0].content)[:40]:
            return str(model.script(messages))
        at = (len(messages) - 2) // 2
        if at == 2 and not killed:
            killed.append(at)
            os.kill(first.pid, signal.SIGKILL)
            time.sleep(1)
        surveyed.append(at)
        return replies[at]

    with Endpoint(script) as endpoint:
        options = [
            "--traces",
            "1",
            "--steps",
            "1",
            "--folds",
            "2",
            "--selection-seeds",
            "1",
            "--run-dir",
            "out",
        ]
        first = gome(
            ["run", str(task), *options, "--model", "openai:m", "--base-url", endpoint.url], tmp_path
        )
        first.wait(timeout=300)
        assert killed, (tmp_path / "log.txt").read_text()[-2000:]
        assert (out / "solution" / "submission.csv").is_file()
        looks = {p.name: p.stat().st_mtime_ns for p in (out / "survey").glob("*.txt")}
        assert len(looks) == 2
        log = tmp_path / "log.txt"
        assert gome(["resume", "out"], tmp_path).wait(timeout=300) == 0, log.read_text()[-2000:]
    assert surveyed[:2] == [0, 1]
    assert surveyed[2:] in ([2], [2, 2])  # the reply in flight was lost with the process
    assert {p.name: p.stat().st_mtime_ns for p in (out / "survey").glob("*.txt")} == looks
    keys = asked(out)
    assert len(keys) == len(set(keys))
    assert not json.loads((out / "result.json").read_text())["self_reported"]


def gome(arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    log = (folder / "log.txt").open("ab")
    env = {**os.environ, "OPENAI_API_KEY": "none"}
    command = [sys.executable, "-m", "gome", *arguments]
    return subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
