"""Trials in a real run: the coder tries, sees what came of it, and hands in; nothing is run or sent twice."""

import json
from pathlib import Path
from typing import Any

import pytest
from langchain_core.messages import BaseMessage

from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.state.step import StepRecord
from gome.tools.records.history import History
from gome.tools.records.jsonl import read_lines
from tests.quick import PROGRAM
from tests.scripted import REPLIES, ScriptedModel, call_of

CODING = ("draft", "edit", "debug")


def edit(search: str, replacement: str) -> str:
    return f"<<<<<<< SEARCH\n{search}\n=======\n{replacement}\n>>>>>>> REPLACE\n"


def tried(text: str) -> str:
    return f"Let me see.\n\n```try\n{text}```\n"


def played(task: Path, out: Path, *turns: list[str], **config: Any) -> tuple[ScriptedModel, list[StepRecord]]:
    """A run whose coder says these turns in each of its conversations, one after the other."""
    talks = iter(turns)
    talk: list[str] = []

    def script(messages: list[BaseMessage]) -> str:
        nonlocal talk
        if call_of(messages) not in CODING:
            return REPLIES[call_of(messages)]
        if not any(m.type == "ai" for m in messages):
            talk = list(next(talks))
        return talk.pop(0)

    model = ScriptedModel(script=script)
    run = RunConfig(run_dir=str(out), traces=1, folds=2, finalists=1, selection_seeds=1, **config)
    roles = dict.fromkeys(("researcher", "coder", "critic"), model)
    build_graph(models=roles).compile().invoke({"task": str(task)}, {"recursion_limit": 100}, context=run)
    return model, History(out / "history.jsonl").records()


def coding(model: ScriptedModel) -> list[list[BaseMessage]]:
    return [m for m in model.calls if call_of(m) in CODING]


def test_the_coder_tries_and_hands_in(diabetes: Path, tmp_path: Path) -> None:
    """A broken draft is mended by blocks before it is handed in; an edit that does not fit costs a trial and no more."""
    broken = PROGRAM.replace("import csv", "import csv, nosuchmodule")
    mend = edit("import csv, nosuchmodule", "import csv")
    wider, no_fit = edit("[:1]", "[:2]"), edit("no such line", "x")
    model, records = played(
        diabetes,
        tmp_path / "out",
        [tried(broken), tried(mend), "It reads one column."],
        [tried(no_fit), tried(wider), f"Two columns.\n\n{wider}"],
        steps=2,
    )
    assert [r.verdict for r in records] == ["accepted", "accepted"]
    assert [r.debug_rounds for r in records] == [0, 0]
    assert [[bool(t["problems"]) for t in r.trials] for r in records] == [[True, False], [False]]
    first, second = coding(model)[2], coding(model)[5]
    assert "nosuchmodule" in str(first[-3].content)
    assert "passes the format check" in str(first[-1].content)
    assert "if all of the time grows with the rows" in str(first[-1].content)
    assert "Forecast" not in str(first[-1].content)
    assert "whole lines exactly as they stand" in str(first[1].content)  # a draft's later trials are blocks
    assert "not run: this SEARCH text is not in the program" in str(second[-3].content)
    assert "measured: the 1 program that ran there" in str(second[-1].content)
    for talk in (first, second):
        sent = [str(m.content) for m in talk if m.type != "ai"]
        assert sum("with open(" in text for text in sent[2:]) == 0  # the program is not sent again
    smoke = [p.name for p in (tmp_path / "out" / "results").glob("*-smoke-*-f0.json")]
    assert (
        len(smoke) == 3
    )  # the broken draft, the mended one, the edit: the runner ran none of them once more
    said = [e["text"] for e in read_lines(tmp_path / "out" / "events.jsonl") if e["phase"] == "coder"]
    assert [text for text in said if text.startswith("trial")] == ["trial 1", "trial 2", "trial 1", "trial 1"]


def test_trials_end_and_what_ran_is_not_lost(diabetes: Path, tmp_path: Path) -> None:
    """A coder that tries for ever is told once, then what ran is handed in; debugging has the trials that are left."""
    few, enough = "assert len(train) < 190\n", "assert len(train) < 1900\n"
    late = PROGRAM + few  # the smoke part has 185 rows to learn from, a search fold 198
    talks = [tried(late)], [tried(late), tried(edit(few.rstrip(), enough.rstrip())), tried("x"), tried("x")]
    model, records = played(diabetes, tmp_path / "out", [*talks[0], "It runs."], talks[1], steps=1, trials=3)
    assert [(r.verdict, r.debug_rounds, len(r.trials)) for r in records] == [("accepted", 1, 3)]
    debug = coding(model)[2:]
    assert "up to 2 times" in str(debug[0][-1].content)
    assert "No calls of tools are left" in str(debug[2][-1].content)


@pytest.mark.parametrize("config", [{"trials": 0}, {"without": ("trials",)}])
def test_no_trials(diabetes: Path, tmp_path: Path, config: dict[str, Any]) -> None:
    model, records = played(diabetes, tmp_path / "out", [f"```python\n{PROGRAM}```"], steps=1, **config)
    assert records[0].verdict == "accepted"
    assert "## Trials" not in str(coding(model)[0])
    assert json.loads((tmp_path / "out" / "result.json").read_text())["submission_ok"]
