"""The choice of a step: made in the diagnosis where nothing more is recalled, else in a turn of its own."""

import json
from pathlib import Path
from typing import Any

import pytest

from gome.agents.choosing import choices, chosen_at_once
from gome.agents.prompts.replies import Diagnosis, HypothesisReply
from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.state.prompt_context import PromptContext
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
