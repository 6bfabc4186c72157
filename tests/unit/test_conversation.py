"""Conversations with tools: the provider's own calls or blocks of text, however a model slips; bounded; resumable."""

import json
from pathlib import Path

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, ToolMessage
from langchain_core.tools import tool
from pydantic import BaseModel

from gome.state.config import RunConfig
from gome.state.errors import StepFailed
from gome.tools.budget import Budget
from gome.tools.models.ask import Asker
from gome.tools.models.chat import make_model
from gome.tools.models.conversation import Conversation
from gome.tools.models.gateway import Gateway
from gome.tools.models.prices import Prices
from gome.tools.models.prompt import Prompt
from gome.tools.records.clock import Clock
from gome.tools.records.journal import Journal
from gome.tools.records.jsonl import read_lines
from tests.openai_server import Answer, Endpoint, Script
from tests.scripted import in_order

PROMPT = Prompt("You are a researcher.", "# diagnose")
FOUND = '{"value": 3}'
RAN: list[str] = []


class Finding(BaseModel):
    value: int


@tool
def probe(program: str) -> str:
    """Runs a small program."""
    RAN.append(program)
    return f"it printed {len(RAN)}"


@tool
def look(path: str, lines: int = 5) -> str:
    """Shows the beginning of a file."""
    return f"{lines} lines of {path}"


@pytest.fixture(autouse=True)
def _nothing_ran() -> None:
    RAN.clear()


def asker(folder: Path, model: BaseChatModel, **config: int) -> Asker:
    budget = Budget(RunConfig(**config), Clock(folder / "clock.jsonl"), folder, slots=1)
    journal, prices = Journal(folder / "exchanges.jsonl"), Prices.read(None, hosted=False)
    gateways = {"researcher": Gateway(budget)}
    return Asker({"researcher": model}, journal, gateways=gateways, budget=budget, prices=prices)


def find(folder: Path, model: BaseChatModel, *, calls: int = 4, **config: int) -> int:
    talk = Conversation(asker(folder, model, **config), "researcher")
    return talk.ask(PROMPT, Finding, key="0:1:diagnose", tools=[probe, look], calls=calls).value


def text_call(program: str, name: str = "probe") -> str:
    return f"Let me look.\n\n```{name}\n{program}\n```\n"


def hosted(folder: Path, script: Script, **config: int) -> tuple[int, Endpoint]:
    with Endpoint(script) as endpoint:
        return find(folder, make_model("openai:test-model", endpoint.url), **config), endpoint


def script_of(*answers: Answer | str) -> Script:
    left = iter(answers)
    return lambda messages: next(left)


def test_calls_in_the_providers_own_form(tmp_path: Path) -> None:
    two = (("probe", json.dumps({"program": "print(1)"})), ("look", json.dumps({"path": "train.csv"})))
    value, endpoint = hosted(tmp_path, script_of(Answer(calls=two), FOUND))
    assert value == 3
    assert RAN == ["print(1)"]
    assert endpoint.offered == [["probe", "look"]] * 2
    shown = [m for m in endpoint.requests[1][1] if isinstance(m, ToolMessage)]
    assert [m.tool_call_id for m in shown] == ["call0", "call1"]
    assert shown[0].content == "it printed 1"
    assert str(shown[1].content).startswith("5 lines of train.csv")
    assert "left: 2" in str(shown[1].content)
    assert "## Tools" not in str(endpoint.requests[0][1])


def test_tools_stay_offered_for_the_prompt_cache_and_are_not_run(tmp_path: Path) -> None:
    """They stand before the messages in what a provider keeps; a model that calls them all the same is sent none."""
    call = Answer(calls=(("probe", json.dumps({"program": "print(2)"})),))
    with Endpoint(script_of(FOUND, FOUND, call, FOUND)) as endpoint:
        talk = Conversation(asker(tmp_path, make_model("openai:test-model", endpoint.url)), "researcher")
        talk.ask(PROMPT, Finding, key="0:1:diagnose", tools=[probe, look], calls=4)
        for key in ("0:1:choose", "0:1:choose1"):
            assert talk.ask(Prompt("", "Choose."), Finding, key=key).value == 3
    assert endpoint.offered == [["probe", "look"]] * 3 + [[]]
    assert not RAN
    assert "no calls of tools are left" in str(endpoint.requests[3][1][-2:])


def test_calls_in_text_where_the_model_knows_no_others(tmp_path: Path) -> None:
    model = in_order(text_call("print(1)"), text_call('{"path": "a.csv", "lines": 2}', "look"), FOUND)
    assert find(tmp_path, model) == 3
    assert RAN == ["print(1)\n"]
    assert "```probe" in str(model.calls[0][-1].content)
    assert "it printed 1" in str(model.calls[1][-1].content)
    assert "2 lines of a.csv" in str(model.calls[2][-1].content)
    for before, after in zip(model.calls, model.calls[1:], strict=False):
        assert after[: len(before)] == before  # one thread: nothing before is sent anew


@pytest.mark.parametrize(
    ("status", "said"),
    [
        (400, "this model does not support tools"),
        (404, "No endpoints found that support tool use"),
        (500, "tools param requires --jinja flag"),
    ],
)
def test_an_endpoint_that_refuses_tools_is_asked_in_text(tmp_path: Path, status: int, said: str) -> None:
    with Endpoint(lambda messages: "") as endpoint:

        def script(messages: list[BaseMessage]) -> Answer | str:
            if endpoint.offered[-1]:
                return Answer(said, status=status)
            return FOUND if len(messages) > 2 else text_call("print(1)")

        endpoint.script = script
        assert find(tmp_path, make_model("openai:test-model", endpoint.url)) == 3
    assert RAN == ["print(1)\n"]
    assert [bool(names) for names in endpoint.offered] == [True, False, False]  # it is tried once


@pytest.mark.parametrize(
    "written",
    [
        '{"program": "print(1)",}',
        "{'program': 'print(1)'}",
        "print(1)",
    ],
)
def test_arguments_that_are_broken_json_are_mended(tmp_path: Path, written: str) -> None:
    assert hosted(tmp_path, script_of(Answer(calls=(("probe", written),)), FOUND))[0] == 3
    assert RAN == ["print(1)"]


@pytest.mark.parametrize(
    "said",
    [
        '<tool_call>\n{"name": "probe", "arguments": {"program": "print(1)"}}\n</tool_call>',
        '```json\n{"name": "probe", "arguments": {"program": "print(1)"}}\n```',
        '```tool_call\n{"tool": "probe", "args": "{\\"program\\": \\"print(1)\\"}"}\n```',
        '```probe\n{"program": "print(1)"}\n```',
    ],
)
def test_calls_as_models_write_them_in_text(tmp_path: Path, said: str) -> None:
    """Also where tools are bound: some write their calls into the text all the same."""
    assert hosted(tmp_path, script_of(said, FOUND))[0] == 3
    assert RAN == ["print(1)"]


def test_an_unknown_tool_and_arguments_that_do_not_fit_are_said(tmp_path: Path) -> None:
    calls = (("search", '{"q": "a"}'), ("look", '{"lines": "many"}'))
    _, endpoint = hosted(tmp_path, script_of(Answer(calls=calls), FOUND))
    first, second = (str(m.content) for m in endpoint.requests[1][1] if isinstance(m, ToolMessage))
    assert "no tool 'search'" in first
    assert "probe, look" in first
    assert "path" in second
    assert "do not fit" in second


def test_more_calls_at_once_than_are_left(tmp_path: Path) -> None:
    calls = tuple(("probe", json.dumps({"program": f"print({n})"})) for n in range(5))
    _, endpoint = hosted(tmp_path, script_of(Answer(calls=calls), FOUND), calls=2)
    assert RAN == ["print(0)", "print(1)"]
    outputs = [str(m.content) for m in endpoint.requests[1][1] if isinstance(m, ToolMessage)]
    assert len(outputs) == 5
    assert all("not done" in output for output in outputs[2:])


def test_a_model_that_probes_for_ever_is_told_once_and_then_loses_the_step(tmp_path: Path) -> None:
    with pytest.raises(StepFailed, match="no calls of tools are left"):
        hosted(tmp_path, lambda messages: Answer(calls=(("probe", '{"program": "print(1)"}'),)), calls=2)
    assert len(RAN) == 2
    assert len(list(read_lines(tmp_path / "exchanges.jsonl"))) == 4  # two probes, the refusal, the end


def test_an_empty_turn_gets_the_repair_turn(tmp_path: Path) -> None:
    value, endpoint = hosted(tmp_path, script_of("", text_call("print(1)"), FOUND))
    assert value == 3
    assert "it was empty" in str(endpoint.requests[1][1][-1].content)


def test_no_calls_allowed_offers_none(tmp_path: Path) -> None:
    _, endpoint = hosted(tmp_path, script_of(FOUND), calls=0)
    assert endpoint.offered == [[]]


def test_a_cut_off_conversation_asks_nothing_twice(tmp_path: Path) -> None:
    with pytest.raises(StepFailed):
        find(tmp_path, in_order(text_call("print(1)"), text_call("print(2)")))  # then it is gone
    model = in_order(FOUND)
    assert find(tmp_path, model) == 3
    assert len(model.calls) == 1
    assert [str(m.content)[:12] for m in model.calls[0][2:]] == ["Let me look.", "What `probe`"] * 2


def test_older_outputs_are_shortened_first_when_the_context_overflows(tmp_path: Path) -> None:
    model = in_order(*(text_call("x" * 2000) for _ in range(4)), FOUND)

    @tool
    def probe(program: str) -> str:
        """Runs a small program."""
        return "y" * 5000

    talk = Conversation(asker(tmp_path, model, context_tokens=8000), "researcher")
    assert talk.ask(PROMPT, Finding, key="0:1:diagnose", tools=[probe], calls=4).value == 3
    outputs = [str(m.content) for m in model.calls[-1] if "brought" in str(m.content)]
    lengths = [len(output) for output in outputs]
    assert lengths[0] < 1000
    assert lengths[-1] > 5000
    assert "left out" in outputs[0]
    assert str(model.calls[-1][1].content) == str(model.calls[0][1].content)  # the prompt is whole


def test_each_part_is_journalled_once(tmp_path: Path) -> None:
    find(tmp_path, in_order(text_call("print(1)"), FOUND))
    first, second = read_lines(tmp_path / "exchanges.jsonl")
    assert [m["role"] for m in first["messages"]] == ["system", "human"]
    assert [m["role"] for m in second["messages"]] == ["human"]
    assert second["continues"] == first["key"] == "0:1:diagnose:0"


def test_a_thread_goes_on_with_further_prompts(tmp_path: Path) -> None:
    model = in_order(text_call("print(1)"), FOUND, '{"value": 4}')
    talk = Conversation(asker(tmp_path, model), "researcher")
    talk.ask(PROMPT, Finding, key="0:1:diagnose", tools=[probe], calls=1)
    assert talk.ask(Prompt("", "# choose"), Finding, key="0:1:choose").value == 4
    before, after = model.calls[-2:]
    assert after[: len(before)] == before
    assert [m.content for m in after[len(before) :]] == [FOUND, "# choose"]
