"""Optimizers and ablations with a scripted model and real programs: what is asked, and what a step starts from."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.integration.test_steps import BETTER, PROGRAM, WORSE, by_step, fenced, run
from tests.scripted import HYPOTHESIS, REPLIES, ScriptedModel, call_of, facts_of, player

pytestmark = pytest.mark.slow
WEAK = PROGRAM.replace("[:2]", "[:1]")
SHAPES, SIZES = PROGRAM.replace("[:2]", "[24:26]"), PROGRAM.replace("[:2]", "[10:12]")
"""The mean of both predictions has an AUC of .93, each alone one of .85 to .86."""


def calls(model: ScriptedModel) -> list[str]:
    return [call_of(m) for m in model.calls]


def test_the_tree_drafts_first_and_then_improves_the_best_program(cancer: Path, tmp_path: Path) -> None:
    code = by_step(fenced(PROGRAM), fenced(WEAK), BETTER, WORSE, WORSE, WORSE, WORSE, WORSE)
    model = player(code, propose=REPLIES["choose"])
    _, records = run(cancer, tmp_path / "out", model, steps=8, optimizer="tree")
    assert [r.kind for r in records] == ["draft"] * 2 + ["edit"] * 6
    assert all(r.optimizer == "tree" for r in records)
    assert records[2].parent == records[0].code != records[1].code
    assert {r.parent for r in records[3:]} == {records[2].code}
    assert set(calls(model)) == {"propose", "draft", "edit"}
    asked = next(facts_of(m) for m in model.calls if call_of(m) == "propose" and facts_of(m)["step"] == 2)
    assert "evidence" not in asked
    assert len(asked["history"]) == 2


def test_without_reasoning_the_descent_asks_for_one_plain_idea(cancer: Path, tmp_path: Path) -> None:
    model = player(by_step(fenced(PROGRAM), BETTER), propose=REPLIES["choose"])
    _, records = run(cancer, tmp_path / "out", model, without=("reasoning",))
    assert calls(model) == ["propose", "draft", "propose", "edit"]
    assert [r.verdict for r in records] == ["accepted", "accepted"]


def test_without_momentum_and_evidence_no_prompt_carries_them(cancer: Path, tmp_path: Path) -> None:
    model = player(by_step(fenced(PROGRAM), BETTER))
    _, records = run(cancer, tmp_path / "out", model, without=("momentum", "evidence"))
    asked = [facts_of(m) for m in model.calls if facts_of(m)["step"] == 1]
    assert not any(facts.get("momentum") for facts in asked)
    assert not any("evidence" in facts for facts in asked)
    assert records[1].recalled == []


def test_without_traces_one_trace_takes_all_steps_and_the_ensemble_is_left_out(
    cancer: Path, tmp_path: Path
) -> None:
    model = player(by_step(fenced(PROGRAM), BETTER))
    result, records = run(cancer, tmp_path / "out", model, traces=2, steps=1, without=("traces", "ensemble"))
    assert [(r.trace, r.step) for r in records] == [(0, 0), (0, 1)]
    assert result["best"]["kind"] == "single"
    assert json.loads((tmp_path / "out" / "run.json").read_text())["config"]["steps"] == 2


def idea(trace: int, step: int) -> str:
    """No two are alike."""
    return f"idea{step}_of_trace{trace}"


def statement_of(facts: dict[str, Any]) -> dict[str, Any]:
    return {**HYPOTHESIS, "statement": idea(facts["trace"], facts["step"])}


def choose(facts: dict[str, Any]) -> str:
    return json.dumps({"decision": "select", "hypothesis": statement_of(facts), "plan": ["do it"]})


def choose_merge(facts: dict[str, Any]) -> str:
    merge = [row for row in facts["choices"] if row["statement"].startswith("Merge")]
    chosen = {"decision": "select", "hypothesis": merge[0], "plan": ["merge"]} if merge else None
    return json.dumps(chosen) if chosen else choose(facts)


def test_a_merge_is_asked_with_both_programs(cancer: Path, tmp_path: Path) -> None:
    both = PROGRAM.replace("[:2]", "")

    def code(facts: dict[str, Any]) -> str:
        if facts["call"] == "merge":
            return fenced(both)
        return fenced(SIZES if facts["trace"] else SHAPES) if facts["stage"] == "draft" else WORSE

    model = player(code, choose=choose_merge)
    _, records = run(cancer, tmp_path / "out", model, traces=2, steps=4, sync_every=1, finalists=1)
    (merge,) = [r for r in records if r.kind == "merge"]
    leader, guest = merge.trace, 1 - merge.trace
    assert (merge.step, merge.source) == (3, f"{guest}:0")
    assert merge.verdict == "accepted"
    assert merge.hypothesis["predicted_gain"] > 0
    assert idea(guest, 0) in merge.hypothesis["statement"]
    (asked,) = [m for m in model.calls if call_of(m) == "merge"]
    assert [row["hypothesis"] for row in facts_of(asked)["other"]["accepted"]] == [idea(guest, 0)]
    first, second = str(asked[1].content).split("## Other program")
    mine, theirs = (SHAPES, SIZES) if leader == 0 else (SIZES, SHAPES)
    assert mine in first
    assert theirs in second
    asked_at_merge = [m for m in model.calls if facts_of(m)["trace"] == leader and facts_of(m)["step"] == 3]
    assert [call_of(m) for m in asked_at_merge] == ["diagnose", "choose", "merge"]
    offered = facts_of(asked_at_merge[1])["choices"]
    assert [row["statement"].startswith("Merge what trace") for row in offered] == [False, True]
    refuted = {row["hypothesis"] for row in facts_of(asked)["other"]["refuted"]}
    rejected = {r.statement for r in records if r.verdict == "rejected" and r.step < 3}
    assert rejected
    assert refuted == rejected
    shown = facts_of(asked_at_merge[1])["other"]
    assert {row["hypothesis"] for row in shown["refuted"]} == rejected
    assert [row["hypothesis"] for row in shown["accepted"]] == [idea(guest, 0)]


def test_a_merge_that_is_offered_may_be_passed_over(cancer: Path, tmp_path: Path) -> None:
    def code(facts: dict[str, Any]) -> str:
        return fenced(SIZES if facts["trace"] else SHAPES) if facts["stage"] == "draft" else WORSE

    model = player(code, choose=choose)
    _, records = run(cancer, tmp_path / "out", model, traces=2, steps=4, sync_every=1, finalists=1)
    assert {r.kind for r in records if r.step} == {"edit"}
    assert all(r.source is None for r in records)
    offered = [facts_of(m)["choices"] for m in model.calls if call_of(m) == "choose"]
    assert any(len(rows) == 2 for rows in offered)


def test_programs_that_say_the_same_are_not_merged(cancer: Path, tmp_path: Path) -> None:
    def code(facts: dict[str, Any]) -> str:
        twin = f"# trace {facts['trace']}\n{PROGRAM}"
        return fenced(twin) if facts["stage"] == "draft" else WORSE

    model = player(code, choose=choose_merge)
    _, records = run(cancer, tmp_path / "out", model, traces=2, steps=4, sync_every=1, finalists=1)
    assert "merge" not in {r.kind for r in records}
    offered = [facts_of(m)["choices"] for m in model.calls if call_of(m) == "choose"]
    assert {len(rows) for rows in offered} == {1}


def test_a_stalled_trace_restarts_elsewhere_then_folds_and_leaves_its_steps(
    cancer: Path, tmp_path: Path
) -> None:
    good = PROGRAM.replace("[:2]", "")

    def code(facts: dict[str, Any]) -> str:
        return fenced(WEAK if facts["trace"] else good) if facts["stage"] == "draft" else WORSE

    model = player(code, choose=choose)
    options = {"traces": 2, "steps": 6, "sync_every": 1, "patience": 1, "without": ("merge",)}
    result, records = run(cancer, tmp_path / "out", model, **options)
    weak = [r for r in records if r.trace == 1]
    assert [r.kind for r in weak] == ["draft", "edit", "restart", "edit"]
    assert weak[2].source == "0:0"
    assert weak[2].parent == weak[3].parent == records[0].code != weak[0].code
    assert "folded" in result["ended"]["1"]
    assert "trace 0 has its 2 steps" in result["ended"]["1"]
    assert [r.step for r in records if r.trace == 0] == list(range(8))


def test_what_few_predictions_were_worth_is_not_told(cancer: Path, tmp_path: Path) -> None:
    model = player(by_step(fenced(PROGRAM), WORSE, WORSE))
    run(cancer, tmp_path / "out", model, steps=3)
    last = next(m for m in model.calls if call_of(m) == "choose" and facts_of(m)["step"] == 2)
    assert "calibrated_gain" not in facts_of(last)["choices"][0]
    assert "## Predictions" not in str(last)


def test_the_critique_rewrites_the_hypotheses_before_the_choice(cancer: Path, tmp_path: Path) -> None:
    def critique(facts: dict[str, Any]) -> str:
        rows = [{**row, "critique": "vague", "statement": "scale the columns"} for row in facts["choices"]]
        return json.dumps({"hypotheses": rows})

    model = player(by_step(fenced(PROGRAM)), critique=critique)
    _, records = run(cancer, tmp_path / "out", model, steps=1, critique=True)
    assert calls(model) == ["diagnose", "critique", "choose", "draft"]
    shown = facts_of(model.calls[2])["choices"]
    assert [row["statement"] for row in shown] == ["scale the columns"]
    assert records[0].hypotheses[0]["critique"] == "vague"  # type: ignore[typeddict-item]
