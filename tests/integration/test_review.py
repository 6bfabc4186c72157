"""A person in the loop: what an interrupt shows, what each answer does, and that no answer and no question is lost."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.store.memory import InMemoryStore
from langgraph.types import Command

from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.tools.records.history import History
from gome.tools.records.jsonl import read_lines
from tests.integration.test_steps import BETTER, COLUMNS_LINE, PROGRAM, by_step, edit, fenced
from tests.scripted import ScriptedModel, call_of, facts_of, player

pytestmark = pytest.mark.slow
SMALL = {"folds": 2, "selection_seeds": 1, "finalists": 1, "debug_rounds": 1}
Answers = Callable[[dict[str, Any]], Any]


def reviewed(task: Path, out: Path, model: ScriptedModel, answers: Answers, **options: Any) -> dict[str, Any]:
    """Records by id of a run whose questions `answers` answers; all that wait at once are answered at once."""
    context = RunConfig(run_dir=str(out), **{**SMALL, **options})
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), model)).compile(
        checkpointer=InMemorySaver(), store=InMemoryStore()
    )
    config: Any = {"configurable": {"thread_id": "reviewed"}}
    graph.invoke({"task": str(task)}, config, context=context)
    while waiting := graph.get_state(config).interrupts:
        answered = {i.id: answers(i.value) for i in waiting}
        graph.invoke(Command(resume=answered), config, context=context)
    return {r.id: r for r in History(out / "history.jsonl").records()}


def facts_by_call(model: ScriptedModel) -> dict[tuple[str, int, int], dict[str, Any]]:
    rows = [(call_of(m), facts_of(m)) for m in model.calls]
    return {(call, f["trace"], f["step"]): f for call, f in rows}


def test_hypotheses_are_shown_with_evidence_and_decided_on(cancer: Path, tmp_path: Path) -> None:
    asked: list[dict[str, Any]] = []
    script: dict[tuple[int, int], Any] = {
        (0, 0): "accept",
        (1, 0): {"action": "reject", "reason": "no licence for that model"},
        (0, 1): {"action": "edit", "statement": "use every column there is", "reason": "two are few"},
        (1, 1): {"action": "replace", "statement": "a linear model on all", "component": "features"},
    }

    def answers(question: dict[str, Any]) -> Any:
        asked.append(json.loads(json.dumps(question)))
        return script[question["trace"], question["step"]]

    def code(facts: dict[str, Any]) -> str:
        return BETTER if facts["call"] == "edit" else fenced(PROGRAM)

    model = player(code)
    records = reviewed(cancer, tmp_path / "out", model, answers, traces=2, steps=2, review="hypotheses")
    assert len(asked) == 4
    draft, improve = asked[0], next(q for q in asked if (q["trace"], q["step"]) == (0, 1))
    assert {q["trace"] for q in asked[:2]} == {0, 1}, "both traces wait at once"
    assert draft["candidates"][0]["weighted"] > 0
    assert draft["plan"] == ["do it"]
    assert draft["incumbent"] is None
    assert improve["incumbent"]["stderr"] > 0
    assert improve["evidence"]["rows"] > 0
    assert records["1:0"].verdict == "rejected"
    assert "no licence" in records["1:0"].reason
    assert records["1:0"].evaluation is None
    facts = facts_by_call(model)
    assert "no licence" in facts["diagnose", 1, 1]["history"][0]["reviews"][0]["reason"]
    assert ("draft", 1, 0) not in facts
    assert facts["edit", 0, 1]["hypothesis"]["statement"] == "use every column there is"
    assert facts["edit", 0, 1]["plan"] == ["do it"]
    assert facts["draft", 1, 1]["plan"] == ["a linear model on all"]
    assert records["1:1"].hypothesis["component"] == "features"
    assert records["0:1"].reviews == [{"of": "hypothesis", "action": "edit", "reason": "two are few"}]


def test_no_program_runs_unseen(cancer: Path, tmp_path: Path) -> None:
    problems: list[str] = []
    by_hand = PROGRAM.replace("[:2]", "[:5]")
    replies: list[Any] = [
        {"action": "replace", "program": "def broken(:\n"},
        {"action": "replace"},
        {"action": "refuse"},
        {"action": "replace", "program": by_hand, "reason": "five columns"},
        {"action": "edit", "program": edit(COLUMNS_LINE.replace("[:2]", "[:5]"), COLUMNS_LINE)},
        {"action": "reject", "reason": "enough"},
    ]

    def answers(question: dict[str, Any]) -> Any:
        problems.append(question.get("problem", ""))
        assert ("diff" in question) == (question["step"] > 0)
        return replies.pop(0)

    tail = "predicted = np.clip(scaled(test) @ weights, 0, 1)"
    model = player(by_step(fenced(PROGRAM), edit(tail, f"{tail} ** 2"), BETTER.replace("[:2]", "[:5]")))
    out = tmp_path / "out"
    records = reviewed(cancer, out, model, answers, traces=1, steps=3, review="programs")
    assert ["not valid Python" in problems[1], "`program`" in problems[2], "action" in problems[3]] == [
        True
    ] * 3
    assert problems[4:] == ["", ""]
    assert [r.verdict for r in records.values()][0::2] == ["accepted", "rejected"]
    programs = {path.read_text() for path in (out / "artifacts").rglob("*.py")}
    assert by_hand in programs
    assert records["0:2"].evaluation is None


def start(*arguments: str, cwd: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "gome", *arguments]
    pipe = subprocess.PIPE
    return subprocess.Popen(command, cwd=cwd, stdin=pipe, stdout=pipe, stderr=subprocess.STDOUT, text=True)


def wait_for(words: str, process: subprocess.Popen[str]) -> None:
    assert process.stdout is not None
    for line in process.stdout:
        if words in line:
            return
    pytest.fail(f"the process ended without saying {words!r}")


def test_a_question_survives_a_kill(cancer: Path, tmp_path: Path) -> None:
    options = ["--traces", "2", "--steps", "1", "--review", "hypotheses", "--selection-seeds", "1"]
    run = start("run", str(cancer), "--run-dir", "out", *options, cwd=tmp_path)
    wait_for("to review", run)
    os.kill(run.pid, signal.SIGKILL)
    run.wait()
    asked = {e["key"] for e in read_lines(tmp_path / "out/exchanges.jsonl")}
    assert asked == {f"{trace}:0:{call}:0" for trace in (0, 1) for call in ("diagnose", "choose")}
    nobody = start("resume", "out", cwd=tmp_path)
    said, _ = nobody.communicate("", timeout=60)
    assert nobody.returncode == 1
    assert "waits for review; go on with: gome resume" in said
    again = start("resume", "out", cwd=tmp_path)
    said, _ = again.communicate(
        'r\n\nr\ntoo plain\n{"action": "reject", "reason": "too slow"}\n', timeout=200
    )
    assert "the next diagnosis reads it" in said, "a rejection without a reason is asked again"
    records = History(tmp_path / "out/history.jsonl").records()
    assert [r.reviews[0]["reason"] for r in records] == ["too plain", "too slow"]
    keys = [e["key"] for e in read_lines(tmp_path / "out/exchanges.jsonl")]
    assert len(keys) == len(set(keys))


def test_advice_reaches_the_next_diagnosis_of_every_trace(cancer: Path, tmp_path: Path) -> None:
    """Given while the run waits for a person; the step in which it was read has it in its record."""

    def answers(question: dict[str, Any]) -> Any:
        if question["step"] == 0 and question["trace"] == 0:
            say = [sys.executable, "-m", "gome", "advise", "out", "mind the ties"]
            subprocess.run(say, cwd=tmp_path, check=True, capture_output=True, timeout=60)
        return {"action": "reject", "reason": "later"}

    model = player(by_step())
    records = reviewed(cancer, tmp_path / "out", model, answers, traces=2, steps=3, review="hypotheses")
    facts = facts_by_call(model)
    for trace in (0, 1):
        assert "advice" not in facts["diagnose", trace, 0]
        assert facts["diagnose", trace, 1]["advice"] == ["mind the ties"]
        assert facts["choose", trace, 1]["advice"] == ["mind the ties"]
        assert "advice" not in facts["diagnose", trace, 2]
        assert facts["diagnose", trace, 2]["history"][1]["advice"] == ["mind the ties"]
        assert records[f"{trace}:1"].advice == ["mind the ties"]
