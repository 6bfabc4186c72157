"""Asking a model: tolerant reading, one repair turn, the journal, the token cap."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import BaseModel

from gome.agents.prompts.replies import Choice, CodeReply, Diagnosis, HypothesisReply
from gome.state.config import RunConfig
from gome.state.errors import BudgetReached, GomeError, StepFailed
from gome.tools.budget import Budget
from gome.tools.models.ask import Asker
from gome.tools.models.chat import make_model
from gome.tools.models.gateway import Gateway
from gome.tools.models.parsing import extract_json, fenced_blocks
from gome.tools.models.prices import Prices
from gome.tools.models.prompt import Prompt, context_block
from gome.tools.models.reply import read_reply
from gome.tools.records.clock import Clock
from gome.tools.records.journal import Journal
from tests.scripted import ScriptedModel, in_order

PROMPT = Prompt("You are Gome's critic.", "# judge")


class Answer(BaseModel):
    value: int


@pytest.mark.parametrize(
    "text",
    [
        '{"value": 3}',
        'Sure! Here it is:\n```json\n{"value": 3}\n```\nAnything else?',
        "<think>maybe {\"value\": 9}? no</think>\n{'value': 3,}",
        'the thoughts were cut </think> {"value": 3}',
        'Value below.\n\n{"value": 3, // three\n}',
        '```\n{"value": 3}\n```',
    ],
)
def test_json_is_read_out_of_what_models_really_write(text: str) -> None:
    assert read_reply(text, Answer) == Answer(value=3)


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))


@given(st.dictionaries(TEXT, st.integers() | TEXT | st.booleans(), min_size=1))
def test_any_object_survives_a_fence_and_prose(value: dict) -> None:
    import json

    assert extract_json(f"I think so.\n\n```json\n{json.dumps(value)}\n```\n") == value


def test_no_json_is_said() -> None:
    with pytest.raises(ValueError, match="no JSON object"):
        extract_json("I would rather not.")


def test_fences_of_a_program_that_holds_backticks() -> None:
    body = 'text = "not a `fence`"\nprint(text)\n'
    assert fenced_blocks(f"```python\n{body}```\n") == [("python", body)]


def asker(tmp_path: Path, model: ScriptedModel, **config: int) -> Asker:
    budget = Budget(RunConfig(**config), Clock(tmp_path / "clock.jsonl"), tmp_path, slots=1)
    journal, prices = Journal(tmp_path / "exchanges.jsonl"), Prices.read(None, hosted=False)
    return Asker(
        {"critic": model}, journal, gateways={"critic": Gateway(budget)}, budget=budget, prices=prices
    )


def test_a_bad_reply_is_repaired_with_the_error_quoted(tmp_path: Path) -> None:
    model = in_order('{"value": "many"}', '{"value": 3}')
    assert asker(tmp_path, model).ask("critic", PROMPT, Answer, key="0:0:judge").value == 3
    assert "valid integer" in model.calls[1][-1].content


def test_two_bad_replies_cost_the_step(tmp_path: Path) -> None:
    model = in_order("no", "no", '{"value": 3}')
    with pytest.raises(StepFailed, match="no JSON object"):
        asker(tmp_path, model).ask("critic", PROMPT, Answer, key="0:0:judge")
    assert len(model.calls) == 2


def test_a_check_can_refuse_a_reply(tmp_path: Path) -> None:
    def small(reply: Answer) -> None:
        if reply.value > 5:
            raise ValueError("value must be at most 5")

    model = in_order('{"value": 9}', '{"value": 3}')
    assert asker(tmp_path, model).ask("critic", PROMPT, Answer, key="k", check=small).value == 3


def test_what_was_asked_is_not_asked_again_after_a_crash(tmp_path: Path) -> None:
    asker(tmp_path, in_order('{"value": 3}')).ask("critic", PROMPT, Answer, key="0:1:judge")
    silent = in_order()
    again = asker(tmp_path, silent)
    assert again.ask("critic", PROMPT, Answer, key="0:1:judge").value == 3
    assert silent.calls == []
    assert again.journal.usage() == {
        "calls": 1,
        "tokens_in": 10,
        "tokens_out": 5,
        "usd": 0.0,
        "unpriced": 1,
    }


def test_a_journal_cut_off_by_a_kill_is_read_up_to_there(tmp_path: Path) -> None:
    first = asker(tmp_path, in_order('{"value": 3}', '{"value": 4}'))
    first.ask("critic", PROMPT, Answer, key="a")
    first.ask("critic", PROMPT, Answer, key="b")
    path = tmp_path / "exchanges.jsonl"
    path.write_bytes(path.read_bytes()[:-20])
    model = in_order('{"value": 5}', '{"value": 6}')
    again = asker(tmp_path, model)
    assert again.ask("critic", PROMPT, Answer, key="a").value == 3
    assert again.ask("critic", PROMPT, Answer, key="b").value == 5
    assert asker(tmp_path, in_order()).ask("critic", PROMPT, Answer, key="b").value == 5


def test_the_token_cap_ends_the_run_before_the_next_call(tmp_path: Path) -> None:
    capped = asker(tmp_path, in_order('{"value": 3}'), max_tokens=15)
    capped.ask("critic", PROMPT, Answer, key="a")
    with pytest.raises(BudgetReached, match="15 tokens"):
        capped.ask("critic", PROMPT, Answer, key="b")


def test_a_model_that_fails_costs_the_step_but_a_refused_key_stops_the_run(tmp_path: Path) -> None:
    def broken(messages: list) -> str:
        if len(messages) > 1:
            raise TimeoutError("no answer in 600 s")
        return "OK"

    def refused(messages: list) -> str:
        error = RuntimeError("incorrect API key")
        error.status_code = 401  # type: ignore[attr-defined]
        raise error

    with pytest.raises(StepFailed, match="no answer in 600 s"):
        asker(tmp_path, ScriptedModel(script=broken)).ask("critic", PROMPT, Answer, key="a")
    with pytest.raises(GomeError, match="incorrect API key"):
        asker(tmp_path, ScriptedModel(script=refused)).ask("critic", PROMPT, Answer, key="a")


def test_model_names(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)
    with pytest.raises(GomeError, match="OPENAI_API_KEY"):
        make_model("openai:gpt-5")
    with pytest.raises(GomeError, match="openai:NAME"):
        make_model("gpt-5")
    assert make_model("openai:qwen3", "http://127.0.0.1:9/v1") is not None


def test_hypothesis_slips_are_mended() -> None:
    reply = HypothesisReply.model_validate(
        {
            "statement": "use log target",
            "component": "FeatureEng",
            "scores": {"impact": {"score": 15, "reason": "x"}, "novelty": "7"},
            "predicted_gain": "+0.01",
        }
    )
    assert reply.component == "features"
    assert reply.scores["impact"] == 10
    assert reply.scores["novelty"] == 7
    assert reply.predicted_gain == pytest.approx(0.01)
    assert 1 <= reply.weighted() <= 10


def test_plan_as_text_and_too_many_challenges() -> None:
    hypothesis = {"statement": "use log target"}
    choice = Choice.model_validate({"decision": "Select #1", "hypothesis": hypothesis, "plan": "- a\n\n- b"})
    assert choice.plan == ["- a", "- b"]
    challenge = {"caption": "c", "statement": "s"}
    diagnosis = Diagnosis.model_validate(
        {"diagnosis": "d", "challenges": [challenge] * 9, "hypotheses": [hypothesis]}
    )
    assert len(diagnosis.challenges) == 5


def test_code_replies() -> None:
    whole = CodeReply.from_text("Here:\n```python\nimport os\nx = 1\nprint(x)\n```\n")
    assert whole.program == "import os\nx = 1\nprint(x)\n"
    edit = CodeReply.from_text("```\n<<<<<<< SEARCH\nx = 1\n=======\nx = 2\n>>>>>>> REPLACE\n```")
    assert edit.blocks == [("x = 1\n", "x = 2\n")]
    with pytest.raises(ValueError, match="no search/replace block"):
        CodeReply.from_text("I changed x to 2.")


def test_facts_hold_no_nan_and_no_absent_values() -> None:
    assert (
        context_block({"a": float("nan"), "b": None, "c": [1.23456789]})
        == '<context>\n{"a": null, "c": [1.23457]}\n</context>'
    )
