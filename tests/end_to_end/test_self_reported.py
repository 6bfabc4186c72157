"""Whole runs of a task that nobody can hold anything back of: programs score themselves, and everybody is told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome.cli.summary import summary_lines
from gome.graph.registry import ServiceRegistry
from gome.graph.run import build_graph
from gome.graph.single_trace import build_single_trace
from gome.offline.model import NO_RULES
from gome.report.page import write_report
from gome.state.config import RunConfig
from gome.state.errors import GomeError
from gome.tools.records.history import History
from gome.tools.records.jsonl import read_lines
from tests.readings import PROGRAM, write_readings
from tests.scripted import ScriptedModel, call_of, player

pytestmark = pytest.mark.slow
ROLES = ("researcher", "coder", "critic")


def drafting(claim: str = "error") -> ScriptedModel:
    """Drafts the program with what it claims, and then comes nearer to the true factor 3, step by step."""

    def code(facts: dict[str, Any]) -> str:
        if facts["call"] == "draft":
            return f"```python\n{PROGRAM.replace('CLAIM', claim)}```"
        before = {1: "1.0", 2: "2.9"}[facts["step"]]
        after = {1: "2.9", 2: "2.9001"}[facts["step"]]
        return f"<<<<<<< SEARCH\nFACTOR = {before}\n=======\nFACTOR = {after}\n>>>>>>> REPLACE"

    return player(code)


def run(task: Path, out: Path, model: ScriptedModel, **options: Any) -> dict[str, Any]:
    settings = {"traces": 1, "steps": 3, "direction": "minimize", "without": ("survey",), **options}
    graph = build_graph(models=dict.fromkeys(ROLES, model)).compile()
    return graph.invoke({"task": str(task)}, context=RunConfig(run_dir=str(out), **settings))["result"]


def test_a_run_on_what_programs_say_of_themselves(tmp_path: Path) -> None:
    task, out, model = write_readings(tmp_path / "task"), tmp_path / "out", drafting()
    result = run(task, out, model)
    assert result["submission_ok"]
    assert "no train table" in result["self_reported"]
    first, second, third = History(out / "history.jsonl").records()
    assert (first.verdict, second.verdict) == ("accepted", "accepted")
    assert second.reason.startswith("clearly better: score")
    assert "self-reported" in second.reason
    assert third.tie
    rows = [line.split(" | ") for line in (task / "readings.txt").read_text().splitlines()]
    aside = [(float(x), float(y)) for _, x, y in rows if y != "?"][::4]
    assert second.value == pytest.approx(np.mean([abs(2.9 * x - y) for x, y in aside]))
    assert second.evaluation
    assert second.evaluation["facts"]["notes"] == ["smoke None"]
    given = pd.read_csv(result["submission"])
    assert list(given["reading"]) == list(pd.read_csv(task / "sample_submission.csv")["reading"])
    assert given["level"].tolist() == pytest.approx(
        [result_factor(out) * float(x) for _, x, y in rows if y == "?"]
    )
    smoke = next((out / "results").glob("*-smoke-*.json"))
    assert json.loads(smoke.read_text())["facts"]["notes"] == ["smoke 1"]
    assert not list((out / "results").glob("*-final-*"))  # the search run was given all there is


def result_factor(out: Path) -> float:
    line = next(r for r in (out / "solution" / "main.py").read_text().splitlines() if r.startswith("FACTOR"))
    return float(line.split(" = ")[1])


def test_everybody_is_told(tmp_path: Path) -> None:
    task, out, model = write_readings(tmp_path / "task"), tmp_path / "out", drafting()
    run(task, out, model, steps=1)
    assert any(
        "SELF-REPORTED" in e["text"] for e in read_lines(out / "events.jsonl") if e["phase"] == "prepare"
    )
    summary = summary_lines(out)
    assert any(line.startswith("best:") and "SELF-REPORTED" in line for line in summary)
    assert any(line.startswith("scores:") and "SELF-REPORTED" in line for line in summary)
    assert not any("±" in line for line in summary)
    report = write_report(out).read_text()
    assert "SELF-REPORTED: programs score themselves" in report
    assert "No program reports its own score" not in report
    prompts = {call_of(m): str(m[1].content) for m in model.calls}
    assert "GOME_SMOKE=1" in prompts["draft"]
    assert "train table" not in prompts["draft"].split("<context>")[0]
    assert "does not report a score" not in prompts["draft"]
    assert "as the programs report them" in prompts["judge"]


@pytest.mark.parametrize("claim", ["float('inf')", "True"])
def test_a_claim_that_is_no_finite_number_fails_the_program(tmp_path: Path, claim: str) -> None:
    out = tmp_path / "out"
    result = run(write_readings(tmp_path / "task"), out, drafting(claim), steps=1, debug_rounds=0)
    assert result["handed_over"] == "naive"
    assert result["submission_ok"]
    (record,) = History(out / "history.jsonl").records()
    assert "valid_score" in record.reason


def test_which_way_is_better_is_asked(tmp_path: Path) -> None:
    task, out = write_readings(tmp_path / "task"), tmp_path / "out"
    with pytest.raises(GomeError, match="give `direction`"):
        run(task, out, drafting(), direction=None)
    assert not out.exists()
    result = run(task, tmp_path / "named", drafting(), direction=None, metric="mae", steps=1)
    assert result["best"]["search"]["stderr"] == 0


def test_what_is_said_of_tables_stays_a_refusal(tmp_path: Path) -> None:
    with pytest.raises(GomeError, match="no train table"):
        run(write_readings(tmp_path / "task"), tmp_path / "out", drafting(), target="level")


def test_nothing_to_predict_is_refused(tmp_path: Path) -> None:
    task = write_readings(tmp_path / "task")
    (task / "sample_submission.csv").unlink()
    with pytest.raises(GomeError, match=rf"{task}: no sample submission"):
        run(task, tmp_path / "out", drafting())


@pytest.mark.parametrize("graph", [build_graph(), build_single_trace(ServiceRegistry())])
def test_without_a_model_the_sample_is_handed_over(tmp_path: Path, graph: Any) -> None:
    task, out = write_readings(tmp_path / "task"), tmp_path / "out"
    result = graph.compile().invoke({"task": str(task)}, context=RunConfig(run_dir=str(out)))["result"]
    assert (result["handed_over"], result["submission_ok"], result["steps"]) == ("naive", True, 0)
    assert set(result["ended"].values()) == {NO_RULES}
    assert "a constant prediction (the sample submission)" in " ".join(result["problems"])
    assert not (out / "run.json").read_text().count(str(out / "inputs"))
    given, sample = (pd.read_csv(p) for p in (result["submission"], task / "sample_submission.csv"))
    pd.testing.assert_frame_equal(given, sample)


def test_rules_may_reason_about_a_program_that_a_model_writes(tmp_path: Path) -> None:
    settings = RunConfig(
        run_dir=str(tmp_path / "out"), traces=1, steps=1, direction="minimize", without=("survey",)
    )
    graph = build_graph(models={"coder": drafting()}).compile()
    result = graph.invoke({"task": str(write_readings(tmp_path / "task"))}, context=settings)["result"]
    assert result["accepted"] == 1
