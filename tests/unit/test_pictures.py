"""Pictures of a task in prompts: sent to models that take them, and nowhere else; small in the journal."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from langchain_core.messages import BaseMessage
from pydantic import BaseModel
from test_conversation import asker

from gome.driver import drive, prepare
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.models.chat import make_model
from gome.tools.models.conversation import Conversation
from gome.tools.models.pictures import pictures_for
from gome.tools.models.prompt import Prompt
from gome.tools.previews.kinds import examples_of
from gome.tools.records.jsonl import read_lines
from tests.adapter_tasks import png
from tests.openai_server import Answer, Endpoint, Script
from tests.scripted import in_order

FOUND = '{"value": 3}'


class Finding(BaseModel):
    value: int


def folder_of(folder: Path) -> list[str]:
    """Two small pictures, and others that no model is sent."""
    for i in range(2):
        (folder / f"{i}.png").write_bytes(png(np.full((4, 4), 90 * i)))
    (folder / "large.png").write_bytes(png(np.zeros((4, 4))) + bytes(1 << 20))
    (folder / "scan.tif").write_bytes(b"II*\0")
    return ["scan.tif", "large.png", "0.png", "1.png"]


def shown(message: BaseMessage) -> list[str]:
    """What each part of a message is, as the endpoint got it."""
    if isinstance(message.content, str):
        return ["text"]
    return [part["type"] for part in message.content if isinstance(part, dict)]


def asked(folder: Path, script: Script, **config: int) -> Endpoint:
    names = folder_of(folder)
    with Endpoint(script) as endpoint:
        model = make_model("openai:test-model", endpoint.url)
        prompt = Prompt("You look.", "# diagnose", pictures=pictures_for(model, folder, names, 4))
        for _ in range(2):  # the second time out of the journal
            talk = Conversation(asker(folder, model, **config), "researcher")
            assert talk.ask(prompt, Finding, key="0:0:diagnose").value == 3
    return endpoint


def test_they_are_image_parts_of_the_request_and_a_line_in_the_journal(tmp_path: Path) -> None:
    endpoint = asked(tmp_path, lambda messages: FOUND)
    ((_, messages),) = endpoint.requests
    assert shown(messages[-1]) == ["text", "text", "image_url", "text", "image_url"]
    url = messages[-1].content[2]["image_url"]["url"]  # type: ignore[index]
    assert url.startswith("data:image/png;base64,")
    (exchange,) = read_lines(tmp_path / "exchanges.jsonl")
    size = (tmp_path / "0.png").stat().st_size
    assert f'The task\'s file "0.png":\n[image/png of {size} bytes]' in exchange["messages"][-1]["content"]
    assert "base64" not in json.dumps(exchange)


def test_an_endpoint_that_refuses_them_is_asked_without(tmp_path: Path) -> None:
    def script(messages: list[BaseMessage]) -> Answer | str:
        return Answer("image input is not supported", status=400) if len(shown(messages[-1])) > 1 else FOUND

    endpoint = asked(tmp_path, script)
    assert [len(shown(messages[-1])) for _, messages in endpoint.requests] == [5, 1]


def test_they_are_the_first_to_go_where_a_prompt_is_too_long(tmp_path: Path) -> None:
    endpoint = asked(tmp_path, lambda messages: FOUND, context_tokens=2000)
    assert [shown(messages[-1]) for _, messages in endpoint.requests] == [["text"]]


def test_models_get_them_that_say_so(tmp_path: Path) -> None:
    names = folder_of(tmp_path)
    for model, count in ((make_model("openai:gpt-4o", "http://127.0.0.1:9/v1"), 2), (in_order(), 0)):
        assert len(pictures_for(model, tmp_path, names, None)) == count
    assert [p.name for p in pictures_for(in_order(), tmp_path, names, 1)] == ["0.png"]


def test_each_kind_has_its_turn() -> None:
    names = [f"train/{i}.png" for i in range(9)] + [f"test/{i}.png" for i in range(5)] + ["a.csv", "logo.png"]
    found = examples_of(names, (".png",), 4)
    assert sorted(name.partition("/")[0] for name in found) == ["logo.png", "test", "train", "train"]


def test_the_first_diagnosis_of_a_trace_shows_them(tmp_path: Path) -> None:
    task = tmp_path / "task"
    for part, count in (("train", 40), ("test", 5)):
        (task / part).mkdir(parents=True)
        ids = [f"{part}{i}" for i in range(count)]
        for i, name in enumerate(ids):
            (task / part / f"{name}.png").write_bytes(png(np.full((4, 4), 5 * i)))
        table = pd.DataFrame({"id": ids, "y": [i % 2 for i in range(count)]})
        table.drop(columns=[] if part == "train" else ["y"]).to_csv(task / f"{part}.csv", index=False)
    table.assign(y=0.5).to_csv(task / "sample_submission.csv", index=False)
    with Endpoint(lambda messages: Answer("no such key", status=401)) as endpoint:
        config = RunConfig(
            run_dir=str(tmp_path / "run"),
            model="openai:x",
            base_url=endpoint.url,
            metric="auc",
            send_images=3,
            traces=1,
        )
        with pytest.raises(GomeError, match="no such key"):
            drive(prepare(str(task), config), lambda event: None)
    assert shown(endpoint.requests[0][1][-1]).count("image_url") == 3
