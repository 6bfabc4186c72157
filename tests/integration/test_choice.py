"""The choice of a step: made in the diagnosis where nothing more is recalled, else in a turn of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from gome.agents.choosing import REMEMBERED, choices, chosen_at_once, recalled_for
from gome.agents.prompts.replies import Diagnosis, HypothesisReply
from gome.graph.registry import ServiceRegistry
from gome.graph.run import build_graph
from gome.graph.run_layout import prepare_run
from gome.state.config import RunConfig
from gome.state.in_flight import Incumbent
from gome.state.parts import Score
from gome.state.prompt_context import PromptContext
from gome.state.schema import TraceState
from gome.state.step import StepRecord
from gome.tools.models.reply import read_reply
from gome.tools.records.history import History
from tests.quick import PROGRAM
from tests.scripted import HYPOTHESIS, REPLIES, ScriptedModel, call_of, player

SECOND = {**HYPOTHESIS, "statement": "read one more column"}
AT_ONCE = {"index": 1, "reason": "cheap", "plan": ["read it"]}


def diagnosis(choice: Any) -> str:
    reply = {**json.loads(REPLIES["diagnose"]), "hypotheses": [HYPOTHESIS, SECOND], "choice": choice}
    return json.dumps(reply)


PICK = json.dumps({"decision": "select", "index": 0, "plan": "as it is"})


def played(
    task: Path, out: Path, choice: Any, pick: str = PICK, **config: Any
) -> tuple[ScriptedModel, list[StepRecord]]:
    model = player(lambda facts: f"```python\n{PROGRAM}```", diagnose=diagnosis(choice), choose=pick)
    options = {"traces": 1, "steps": 1, "folds": 2, "finalists": 1, "selection_seeds": 1} | config
    run = RunConfig(run_dir=str(out), **options)
    roles = dict.fromkeys(("researcher", "coder", "critic"), model)
    build_graph(models=roles).compile().invoke({"task": str(task)}, {"recursion_limit": 100}, context=run)
    return model, History(out / "history.jsonl").records()


def test_a_choice_in_the_diagnosis_is_taken(diabetes: Path, tmp_path: Path) -> None:
    model, records = played(diabetes, tmp_path / "out", AT_ONCE)
    assert [call_of(m) for m in model.calls] == ["diagnose", "draft"]
    assert (records[0].statement, records[0].plan) == (SECOND["statement"], ["read it"])
    assert [h["statement"] for h in records[0].hypotheses] == [HYPOTHESIS["statement"], SECOND["statement"]]


def test_a_choice_of_nothing_costs_a_turn(diabetes: Path, tmp_path: Path) -> None:
    model, records = played(diabetes, tmp_path / "out", {"index": 2, "plan": ["x"]})
    assert [call_of(m) for m in model.calls] == ["diagnose", "choose", "draft"]
    assert (records[0].statement, records[0].plan) == (HYPOTHESIS["statement"], ["as it is"])


def test_where_the_turn_brings_nothing_the_choice_of_the_diagnosis_stands(
    diabetes: Path, tmp_path: Path
) -> None:
    """The start that was planned for trace 0 is another one than it chose, so that it is asked."""
    model, records = played(diabetes, tmp_path / "out", AT_ONCE, pick="I would rather not.", traces=2)
    assert "choose" in [call_of(m) for m in model.calls]
    assert [r.statement for r in records] == [SECOND["statement"]] * 2


@pytest.mark.parametrize(
    "choice", [None, "the first", {"index": 0}, {"plan": ["x"]}, {"index": "b", "plan": "x"}]
)
def test_what_is_no_choice_spoils_no_diagnosis(choice: Any) -> None:
    read = read_reply(diagnosis(choice), Diagnosis)
    assert len(read.hypotheses) == 2
    assert chosen_at_once(read, [], {}) is None


def test_what_is_recalled_has_to_be_seen_before_the_choice() -> None:
    """A step of another trace that the diagnosis was not shown; a trace's own steps stand in its history."""
    read = read_reply(diagnosis(AT_ONCE), Diagnosis)
    rows = [StepRecord.from_json({"trace": t, "step": 3, "verdict": "rejected"}).brief() for t in (0, 1)]
    shown: PromptContext = {"history": [{"trace": 0, "step": 3}], "siblings": [], "momentum": []}
    taken = chosen_at_once(read, rows[:1], shown)
    assert taken
    assert taken.hypothesis.statement == SECOND["statement"]
    assert chosen_at_once(read, rows, shown) is None


def test_gains_are_calibrated_once_it_is_known_what_predictions_are_worth() -> None:
    hypothesis = HypothesisReply.model_validate(HYPOTHESIS)
    assert "calibrated_gain" not in choices([hypothesis], {})[0]
    (row,) = choices([hypothesis], {"reliability": {"factor": 0.3}})
    assert row["calibrated_gain"] == pytest.approx(0.3 * HYPOTHESIS["predicted_gain"])


def test_after_thousands_of_steps_the_last_are_recalled_from_and_the_best_is_still_shown(
    diabetes: Path, tmp_path: Path
) -> None:
    """The best step of all is the first; the words asked for stand in old steps and, less alike, in late ones."""
    count = 2 * REMEMBERED
    records = []
    for step in range(count):
        accepted = step < 4 or step % 2 == 0
        row = {
            "trace": 0,
            "step": step,
            "verdict": "accepted" if accepted else "rejected",
            "code": f"{step}.py",
            "hypothesis": {"statement": "use a rare word" if 0 < step < 4 else f"use word{step}"},
            "evaluation": {
                "status": "ok",
                "seconds": 1.0,
                "problems": [],
                "score": {"value": 50.0 + step, "stderr": 1.0, "folds": []},
            },
        }
        records.append(StepRecord.from_json(row))
    run_dir = prepare_run(str(diabetes), RunConfig(run_dir=str(tmp_path / "out"), slots=1))
    registry = ServiceRegistry()
    services = registry.services(run_dir, None, lambda event: None)
    lines = [json.dumps(record.to_json()) + "\n" for record in records]
    (run_dir / "history.jsonl").write_text("".join(lines))
    for record in records:
        services.momentum.put(record.brief())
    stands = Incumbent(
        step=count - 2,
        code=f"{count - 2}.py",
        score=Score(value=48.0 + count, stderr=1.0, folds=[]),
        evaluation="",
        evidence="",
        hypothesis="",
        component="model",
        feedback="",
    )
    state = TraceState(trace=0, step=count, incumbent=stands)
    hypothesis = HypothesisReply(statement="use a rare word")
    found = {entry["step"] for entry in recalled_for([hypothesis], state, services)}
    registry.close(run_dir)
    assert 0 in found
    assert not found & {1, 2, 3}
    assert len(found) > 1
    assert min(found - {0}) >= REMEMBERED // 2
