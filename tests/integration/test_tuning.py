"""A line search in idle slots: its winner becomes a step, nothing of it is done twice."""

import os
import signal
import time
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest
from langchain_core.messages import BaseMessage

from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.state.step import StepRecord
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.history import History
from gome.tools.records.line_trials import LineTrials
from tests.end_to_end.test_resume import results, start, wait_for
from tests.openai_server import Answer, Endpoint
from tests.quick import PROGRAM
from tests.scripted import REPLIES, ScriptedModel, call_of, facts_of, player

pytestmark = pytest.mark.slow

OFF = """\
factor = 0.2  # gome: tune factor linear 0 1.2
"""
SHRUNK = PROGRAM.replace("y = [", OFF + "y = [").replace("mean + sum(", "mean + factor * sum(")
"""Its slopes are a fifth of what they should be: nearly any other factor is better, for sure."""


def run(task: Path, out: Path, model: ScriptedModel, **options: Any) -> list[StepRecord]:
    config = RunConfig(
        run_dir=str(out), traces=1, steps=3, selection_seeds=1, finalists=1, probes=0, trials=0, **options
    )
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), model)).compile()
    graph.invoke({"task": str(task)}, context=config)
    return History(out / "history.jsonl").records()


def test_what_a_line_search_finds_while_the_model_thinks_becomes_a_step(
    diabetes: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"

    def code(facts: dict[str, Any]) -> str:
        if facts["call"] == "draft":
            return f"```python\n{SHRUNK}```"
        return "<<<<<<< SEARCH\nmean = sum(y)\n=======\nmean = 3 * sum(y)\n>>>>>>> REPLACE"  # far worse

    def diagnose(facts: dict[str, Any]) -> str:
        """Thinks until the search has had time for two trials, a minute at most."""
        deadline = time.monotonic() + 60
        while (
            facts["step"] == 1
            and len(LineTrials(out / "line_trials.jsonl").all()) < 2
            and time.monotonic() < deadline
        ):
            time.sleep(0.2)
        return REPLIES["diagnose"]

    model = player(code, diagnose=diagnose)
    records = run(diabetes, out, model)
    trials = LineTrials(out / "line_trials.jsonl").all()
    assert len(trials) >= 2
    assert len({t.program for t in trials}) == len(trials)
    assert all(t.base == records[0].code for t in trials)
    tune = records[2]
    assert (tune.kind, tune.verdict, tune.optimizer) == ("tune", "accepted", "tuning")
    assert tune.code in {t.program for t in trials}
    assert tune.usage["calls"] == 0
    assert "was 0.2" in Artifacts(out / "artifacts").get_text(str(tune.code))
    assert "factor 0.2 → " in tune.statement


def test_killed_while_a_trial_stands_still_nothing_stays_and_nothing_finished_is_repeated(
    diabetes: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "no-secret")
    out, asked = tmp_path / "out", Counter[str]()
    slow = SHRUNK.replace("import csv", "import csv, time\ntime.sleep(0.7)")

    def of_trial() -> set[str]:
        begun = {
            trial.program.partition(".")[0]
            for trial in LineTrials(out / "line_trials.jsonl").unfinished(base())
        }
        return {
            name for name in results(out) if any(program.startswith(name.split("-")[0]) for program in begun)
        }

    def base() -> str:
        return str(History(out / "history.jsonl").records()[0].code)

    def script(messages: list[BaseMessage]) -> Answer | str:
        call, step = call_of(messages), facts_of(messages)["step"]
        asked[f"{call} {step}"] += 1
        if call == "draft":
            return f"```python\n{slow}```"
        if call == "edit":
            return "<<<<<<< SEARCH\nsleep(0.7)\n=======\nsleep(2)\n>>>>>>> REPLACE"
        deadline = time.monotonic() + 60
        while (call, step) == ("diagnose", 1) and not of_trial() and time.monotonic() < deadline:
            time.sleep(0.05)
        return REPLIES[call]

    def still() -> bool:
        below = psutil.Process(process.pid).children(recursive=True)
        states = Counter(child.status() for child in below if child.is_running())
        return states[psutil.STATUS_STOPPED] > 0

    with Endpoint(script) as endpoint:
        options = ["--traces", "1", "--steps", "2", "--run-dir", "out", "--folds", "2", "--finalists", "1"]
        options += ["--selection-seeds", "1", "--probes", "0", "--trials", "0"]
        model = ["--model", "openai:test", "--base-url", endpoint.url]
        process = start(["run", str(diabetes), *options, *model], tmp_path)
        wait_for(still, process)
        children = psutil.Process(process.pid).children(recursive=True)
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        assert psutil.wait_procs(children, timeout=10)[1] == []
        before, cut_off = results(out), LineTrials(out / "line_trials.jsonl").unfinished(base())
        assert cut_off
        assert of_trial()
        process = start(["resume", "out"], tmp_path)
        assert process.wait(timeout=400) == 0, (tmp_path / "log.txt").read_text()[-3000:]
    after = results(out)
    assert {name: after[name] for name in before} == before
    trials = [trial.program for trial in LineTrials(out / "line_trials.jsonl").all()]
    assert len(set(trials)) == len(trials)
    assert cut_off[0].program in trials
    assert set(asked.values()) == {1}
