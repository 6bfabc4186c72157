"""Optimizers and ablations with a scripted model and real programs: what is asked, and what a step starts from."""

import json
from pathlib import Path

import pytest

from tests.integration.test_steps import BETTER, PROGRAM, WORSE, by_step, fenced, run
from tests.scripted import REPLIES, ScriptedModel, call_of, facts_of, player

pytestmark = pytest.mark.slow
WEAK = PROGRAM.replace("[:2]", "[:1]")


def calls(model: ScriptedModel) -> list[str]:
    return [call_of(m) for m in model.calls]


def test_the_tree_drafts_first_and_then_improves_the_best_program(cancer: Path, tmp_path: Path) -> None:
    code = by_step(fenced(PROGRAM), fenced(WEAK), BETTER, WORSE, WORSE, WORSE, WORSE, WORSE)
    model = player(code, propose=REPLIES["choose"])
    _, records = run(cancer, tmp_path / "out", model, steps=8, optimizer="tree")
    assert [r["move"] for r in records] == ["draft"] * 2 + ["edit"] * 6
    assert all(r["optimizer"] == "tree" for r in records)
    assert records[2]["parent"] == records[0]["code"] != records[1]["code"]
    assert {r["parent"] for r in records[3:]} == {records[2]["code"]}
    assert set(calls(model)) == {"propose", "draft", "edit", "judge"}
    asked = next(facts_of(m) for m in model.calls if call_of(m) == "propose" and facts_of(m)["step"] == 2)
    assert "evidence" not in asked
    assert len(asked["history"]) == 2


def test_without_reasoning_the_descent_asks_for_one_plain_idea(cancer: Path, tmp_path: Path) -> None:
    model = player(by_step(fenced(PROGRAM), BETTER), propose=REPLIES["choose"])
    _, records = run(cancer, tmp_path / "out", model, without=("reasoning",))
    assert calls(model) == ["propose", "draft", "judge", "propose", "edit", "judge"]
    assert [r["verdict"] for r in records] == ["accepted", "accepted"]


def test_without_memory_and_evidence_no_prompt_carries_them(cancer: Path, tmp_path: Path) -> None:
    model = player(by_step(fenced(PROGRAM), BETTER))
    _, records = run(cancer, tmp_path / "out", model, without=("memory", "evidence"))
    asked = [facts_of(m) for m in model.calls if facts_of(m)["step"] == 1]
    assert not any(facts.get("momentum") for facts in asked)
    assert not any("evidence" in facts for facts in asked)
    assert records[1]["recalled"] == []


def test_without_traces_one_trace_takes_all_steps_and_the_ensemble_is_left_out(
    cancer: Path, tmp_path: Path
) -> None:
    model = player(by_step(fenced(PROGRAM), BETTER))
    result, records = run(cancer, tmp_path / "out", model, traces=2, steps=1, without=("traces", "ensemble"))
    assert [(r["trace"], r["step"]) for r in records] == [(0, 0), (0, 1)]
    assert result["best"]["kind"] == "single"
    assert json.loads((tmp_path / "out" / "run.json").read_text())["config"]["steps"] == 2
