"""A line search in slots that wait for the model: its winner becomes a step, nothing of it is done twice."""

import time
from pathlib import Path
from typing import Any

import pytest

from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.state.step import StepRecord
from gome.tools.records.artifacts import Artifacts
from gome.tools.records.history import History
from gome.tools.records.line_trials import LineTrials
from tests.quick import PROGRAM
from tests.scripted import REPLIES, ScriptedModel, player

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
