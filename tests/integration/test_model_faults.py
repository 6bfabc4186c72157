"""Faults of a model's endpoint, with the real langchain-openai client against a loopback server."""

import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage
from pydantic import BaseModel

from gome.agents.prompts.render import render
from gome.state.config import RunConfig
from gome.state.errors import BudgetReached, GomeError, RunStopped, StepFailed
from gome.tools.budget import Budget
from gome.tools.models.ask import Asker
from gome.tools.models.chat import make_model
from gome.tools.models.gateway import Gateway
from gome.tools.models.prices import Prices
from gome.tools.models.prompt import Prompt
from gome.tools.records.clock import Clock
from gome.tools.records.journal import Journal
from tests.openai_server import Answer, Endpoint

PROMPT = Prompt("You are Gome's critic.", "# judge")
GOOD = '{"value": 3}'


class Reply(BaseModel):
    value: int


class RunServices:
    """An asker of one role over the real client, with what it said."""

    def __init__(
        self, folder: Path, url: str, stop: Callable[[], bool] = lambda: False, **config: Any
    ) -> None:
        folder.mkdir(exist_ok=True)
        self.clock, self.said = Clock(folder / "clock.jsonl"), list[str]()
        budget = Budget(RunConfig(base_url=url, **config), self.clock, folder, slots=1)
        models, line = (
            {"critic": make_model("openai:test-model", url)},
            Gateway(budget, stop=stop, drain=stop),
        )
        self.asker = Asker(
            models,
            Journal(folder / "exchanges.jsonl"),
            gateways={"critic": line},
            budget=budget,
            prices=Prices.read(budget.config.prices, hosted=False),
            say=lambda key, text: self.said.append(text),
        )
        line.on_probe = self.asker.note_probe

    def ask(self, key: str = "0:0:judge", prompt: Prompt = PROMPT) -> int:
        with self.clock.working():
            return self.asker.ask("critic", prompt, Reply, key=key).value


def in_turn(*answers: Answer | str) -> Callable[[list[BaseMessage]], Answer | str]:
    """These answers, the last one for ever."""
    left: Iterator[Answer | str] = iter(answers)
    last = answers[-1]
    return lambda messages: next(left, last)


def is_probe(messages: list[BaseMessage]) -> bool:
    return len(messages) == 1


def test_a_rate_limit_is_waited_out_for_as_long_as_the_server_asks(tmp_path: Path) -> None:
    limited = Answer("slow down", status=429, code="rate_limit_exceeded", headers={"retry-after": "1"})
    with Endpoint(in_turn(limited, limited, GOOD)) as server:
        services = RunServices(tmp_path, server.url)
        assert services.ask() == 3
        first, second, third = server.times()
    assert second - first >= 1
    assert third - second >= 1
    assert "429" in services.said[0]
    assert services.asker.journal.usage()["calls"] == 1


def test_one_traces_rate_limit_holds_the_others_back(tmp_path: Path) -> None:
    limited = Answer("slow down", status=429, headers={"retry-after-ms": "900"})
    with Endpoint(in_turn(limited, GOOD)) as server:
        services = RunServices(tmp_path, server.url)
        one = threading.Thread(target=services.ask, args=("0:0:judge",))
        one.start()
        while not services.said:
            time.sleep(0.01)
        services.ask("1:0:judge")
        one.join()
        assert server.times()[1] >= 0.9


@pytest.mark.parametrize("fault", [Answer("oops", status=500), Answer("busy", status=503), Answer(drop=True)])
def test_a_servers_own_faults_are_tried_again(tmp_path: Path, fault: Answer) -> None:
    with Endpoint(in_turn(fault, fault, GOOD)) as server:
        assert RunServices(tmp_path, server.url).ask() == 3
        assert len(server.requests) == 3


def test_an_outage_is_waited_out_and_then_the_prompt_asked_again(tmp_path: Path) -> None:
    down = threading.Event()
    down.set()

    def script(messages: list[BaseMessage]) -> Answer | str:
        if down.is_set():
            return Answer("bad gateway", status=502)
        return "OK" if is_probe(messages) else GOOD

    with Endpoint(script) as server:
        services = RunServices(tmp_path, server.url)
        answers: list[int] = []
        traces = [
            threading.Thread(target=lambda k=k: answers.append(services.ask(f"{k}:0:judge"))) for k in (0, 1)
        ]
        for trace in traces:
            trace.start()
        while not any(line.startswith("parked") for line in services.said):
            time.sleep(0.01)
        down.clear()
        for trace in traces:
            trace.join(60)
        assert answers == [3, 3]
        assert sum(is_probe(messages) for _, messages in server.requests) <= 5
    assert any("answers again" in line for line in services.said)


def test_a_prompt_that_alone_brings_the_server_down_costs_its_step(tmp_path: Path) -> None:
    with Endpoint(lambda messages: "OK" if is_probe(messages) else Answer("oops", status=500)) as server:
        services = RunServices(tmp_path, server.url)
        with pytest.raises(StepFailed, match="500"):
            services.ask()
        assert len(server.requests) == 6
    assert services.asker.journal.usage()["calls"] == 1  # the probe


@pytest.mark.parametrize("silent", [Answer(hang_s=60), Answer(trickle=True)])
def test_a_call_that_hangs_is_cut_when_the_time_is_up(tmp_path: Path, silent: Answer) -> None:
    with Endpoint(lambda messages: silent) as server:
        services = RunServices(tmp_path, server.url, time_limit_s=1.5)
        began = time.monotonic()
        with pytest.raises(BudgetReached):
            services.ask()
        assert time.monotonic() - began < 5


def test_a_wait_longer_than_the_time_left_is_not_begun(tmp_path: Path) -> None:
    limited = Answer("come back tomorrow", status=429, headers={"retry-after": "86400"})
    with Endpoint(lambda messages: limited) as server, pytest.raises(BudgetReached, match="86400"):
        RunServices(tmp_path, server.url).ask()


def test_a_stop_ends_the_waiting(tmp_path: Path) -> None:
    stop = threading.Event()
    limited = Answer("slow down", status=429, headers={"retry-after": "600"})
    with Endpoint(lambda messages: limited) as server:
        services = RunServices(tmp_path, server.url, stop=stop.is_set)
        threading.Timer(0.5, stop.set).start()
        with pytest.raises(RunStopped):
            services.ask()


@pytest.mark.parametrize(
    ("fault", "quoted"),
    [
        (Answer('{"value": 3', finish="length"), "cut off"),
        (Answer(""), "empty"),
        (Answer(refusal="I can't help with that."), "refused"),
        (Answer("", finish="content_filter"), "refused"),
        (Answer('{"valu": 1}'), "value"),
    ],
)
def test_an_unusable_reply_is_quoted_once_and_then_costs_the_step(
    tmp_path: Path, fault: Answer, quoted: str
) -> None:
    with Endpoint(in_turn(fault, GOOD)) as server:
        assert RunServices(tmp_path / "once", server.url).ask() == 3
        assert quoted in str(server.requests[1][1][-1].content)
    with Endpoint(lambda messages: fault) as server:
        services = RunServices(tmp_path / "ever", server.url)
        with pytest.raises(StepFailed, match="repair turn"):
            services.ask()
        assert len(server.requests) == 2


@pytest.mark.parametrize(
    "fault",
    [
        Answer("Incorrect API key provided", status=401),
        Answer("The model does not exist", status=404),
        Answer("You exceeded your current quota", status=429, code="insufficient_quota"),
    ],
)
def test_what_only_the_user_can_mend_stops_the_run_at_once(tmp_path: Path, fault: Answer) -> None:
    with Endpoint(lambda messages: fault) as server:
        with pytest.raises(GomeError, match=fault.text):
            RunServices(tmp_path, server.url).ask()
        assert len(server.requests) == 1


def test_refused_content_costs_the_step_without_another_try(tmp_path: Path) -> None:
    fault = Answer("The prompt triggered the content management policy", status=400, code="content_filter")
    with Endpoint(lambda messages: fault) as server:
        with pytest.raises(StepFailed, match="content management"):
            RunServices(tmp_path, server.url).ask()
        assert len(server.requests) == 1


FACTS: dict[str, Any] = {
    "task": {"name": "t", "target": ["y"], "problem": "binary", "metric": "auc", "direction": "maximize"},
    "history": [{"step": n, "hypothesis": f"try number {n}" * 5} for n in range(30)],
    "siblings": [{"trace": 1, "step": n} for n in range(8)],
    "choices": [{"index": 0, "statement": "the one"}],
}


def long_prompt() -> Prompt:
    texts = {"description": "words " * 3000, "program": "import pandas\n"}
    return render(
        "researcher",
        "propose",
        {
            **FACTS,
            "incumbent": {"score": 0.5, "fold_seconds": 1.0, "fold_cpu_seconds": None, "facts": {}},
            "splits": {},
            "budget": {"program_time_limit_s": 60},
        },
        private=False,
        **texts,
    )


def size_of(messages: list[BaseMessage]) -> int:
    return sum(len(str(m.content)) for m in messages)


@pytest.mark.parametrize(
    "refusal",
    [
        Answer("maximum context length is 4096 tokens", status=400, code="context_length_exceeded"),
        Answer("the request exceeds the available context size", status=400),
        Answer("Request entity too large", status=413),
    ],
)
def test_a_prompt_that_does_not_fit_is_cut_by_priority(tmp_path: Path, refusal: Answer) -> None:
    room = 9000
    with Endpoint(lambda messages: refusal if size_of(messages) > room else GOOD) as server:
        services = RunServices(tmp_path, server.url)
        assert services.ask(prompt=long_prompt()) == 3
        asked = str(server.requests[-1][1][1].content)
        refused = len(server.requests)
        assert services.ask("0:1:judge", prompt=long_prompt()) == 3
        assert len(server.requests) < 2 * refused  # what was refused once is not tried again
    assert "the one" in asked
    assert "import pandas" in asked
    assert '"predicted_low"' in asked  # the form of the reply
    assert "try number 29" in asked
    assert "try number 2try" not in asked


def test_a_known_window_is_kept_without_asking(tmp_path: Path) -> None:
    with Endpoint(lambda messages: GOOD) as server:
        RunServices(tmp_path, server.url, context_tokens=4000).ask(prompt=long_prompt())
        assert len(server.requests) == 1
        assert size_of(server.requests[0][1]) <= 9000


def test_a_prompt_that_can_not_be_cut_further_costs_the_step(tmp_path: Path) -> None:
    refusal = Answer("too long", status=400, code="context_length_exceeded")
    with Endpoint(lambda messages: refusal) as server, pytest.raises(StepFailed, match="does not fit"):
        RunServices(tmp_path, server.url).ask(prompt=long_prompt())


def test_an_endpoint_without_usage_figures_is_counted_by_characters(tmp_path: Path) -> None:
    with Endpoint(lambda messages: Answer(GOOD, usage=False)) as server:
        services = RunServices(tmp_path, server.url, max_tokens=10)
        services.ask()
        assert services.asker.journal.usage()["tokens_in"] >= 8
        with pytest.raises(BudgetReached, match="10 tokens"):
            services.ask("0:1:judge")


def test_money_is_counted_by_the_users_table_and_capped(tmp_path: Path) -> None:
    table = tmp_path / "prices.yaml"
    table.write_text("test-model: {input: 10, output: 100}\n")
    with Endpoint(lambda messages: GOOD) as server:
        services = RunServices(tmp_path, server.url, prices=str(table), max_usd=0.005)
        for step in range(2):
            services.ask(f"0:{step}:judge")
        usage = services.asker.journal.usage()
        assert usage["usd"] == pytest.approx(2 * (100 * 10 + 20 * 100) / 1e6)
        assert usage["unpriced"] == 0
        with pytest.raises(BudgetReached, match="US dollars"):
            services.ask("0:2:judge")


def test_a_price_that_is_not_known_is_not_guessed(tmp_path: Path) -> None:
    with Endpoint(lambda messages: GOOD) as server:
        services = RunServices(tmp_path, server.url)
        services.ask()
        assert services.asker.journal.usage() == {
            "calls": 1,
            "tokens_in": 100,
            "tokens_out": 20,
            "usd": 0.0,
            "unpriced": 1,
        }
