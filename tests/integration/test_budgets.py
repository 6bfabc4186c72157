"""Runs that meet their limits: they end with the best they had, in time."""

import json
from pathlib import Path
from typing import Any

import pytest

from gome.graph.registry import ServiceRegistry
from gome.graph.run import build_graph
from gome.graph.run_layout import prepare_run
from gome.state.config import RunConfig
from gome.state.step import StepRecord
from gome.tools.records.history import History
from tests.scripted import REPLIES, ScriptedModel, player

pytestmark = pytest.mark.slow

PROGRAM = """\
import csv
import time

train, rows = (list(csv.DictReader(open(f"input/{part}.csv"))) for part in ("train", "test"))
BEHAVIOUR
with open("submission.csv", "w") as out:
    out.write("id,malignant\\n")
    out.writelines(f"{row['id']},{-float(row['mean radius'])}\\n" for row in rows)
"""


def program(behaviour: str = "") -> str:
    text = PROGRAM.replace("-float", "1 - 0.01 * float").replace("BEHAVIOUR", behaviour)
    return f"```python\n{text}```\n"


def better(behaviour: str = "") -> str:
    """Predicts from two columns."""
    return program(behaviour).replace("float(row['mean radius'])", "float(row['worst perimeter']) / 5")


def run(
    task: Path, out: Path, model: ScriptedModel, **options: Any
) -> tuple[dict[str, Any], list[StepRecord]]:
    config = RunConfig(
        run_dir=str(out), **{"traces": 1, "steps": 3, "folds": 2, "selection_seeds": 1, **options}
    )
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), model)).compile()
    result = graph.invoke({"task": str(task)}, context=config)["result"]
    return result, History(out / "history.jsonl").records()


def best(result: dict[str, Any]) -> str:
    return str(result["best"]["members"][0]["id"])


def test_a_program_in_flight_is_cut_and_the_run_ends_in_time_with_a_submission(
    cancer: Path, tmp_path: Path
) -> None:
    endless = program("time.sleep(600)")
    stood: list[bool] = []

    def code(facts: dict[str, Any]) -> str:
        stood.append((tmp_path / "out" / "solution" / "main.py").is_file())
        return program() if facts["step"] == 0 else endless

    result, records = run(cancer, tmp_path / "out", player(code), time_limit_s=40)
    assert stood == [False, True]
    assert [r.verdict for r in records] == ["accepted"]
    assert "40 s are used up" in result["ended"]["0"]
    assert result["seconds"] < 42
    assert result["submission_ok"]


def test_evaluations_are_capped(cancer: Path, tmp_path: Path) -> None:
    programs = (program(), better(), better("# again"))
    model = player(lambda facts: programs[facts["step"]])
    result, records = run(cancer, tmp_path / "out", model, max_evaluations=2)
    assert len(records) == 2
    assert "2 evaluations" in result["ended"]["0"]
    assert result["submission_ok"]


def test_without_any_run_on_the_selection_part_the_best_by_search_is_handed_over(
    cancer: Path, tmp_path: Path
) -> None:
    """Neither program runs on the selection part, and the better one not on all of the data either."""
    out = prepare_run(str(cancer), RunConfig(run_dir=str(tmp_path / "out"), traces=1, steps=2))
    inputs = ServiceRegistry().services(out, None, lambda event: None).evaluator.inputs

    def rows(split: str) -> int:
        return len((inputs.input_dir(split, 0) / "train.csv").read_text().splitlines()) - 1

    one = program(f"assert len(train) != {rows('selection')}")
    other = better(f"assert len(train) not in ({rows('selection')}, {rows('final')})")

    def code(facts: dict[str, Any]) -> str:
        return one if facts["step"] == 0 else other

    result, records = run(cancer, tmp_path / "out", player(code), steps=2)
    assert [r.verdict for r in records] == ["accepted", "accepted"]
    assert result["finalists"] == []
    assert best(result) == "0:0"
    assert result["submission_ok"]
    assert any("0:1 failed on all of the data" in problem for problem in result["problems"])


def test_a_trace_whose_model_gives_nothing_of_use_is_parked(cancer: Path, tmp_path: Path) -> None:
    def diagnose(facts: dict[str, Any]) -> str:
        return "I'd rather talk." if facts["trace"] == 1 else REPLIES["diagnose"]

    model = player(lambda facts: program(), diagnose=diagnose)
    result, records = run(cancer, tmp_path / "out", model, traces=2, steps=4)
    assert sum(r.trace == 1 for r in records) == 3
    assert sum(r.trace == 0 for r in records) >= 1
    assert "parked" in result["ended"]["1"]
    assert "parked" not in result["ended"]["0"]
    assert result["submission_ok"]


def test_a_judge_that_may_not_be_asked_does_not_lose_what_was_measured(cancer: Path, tmp_path: Path) -> None:
    def same(facts: dict[str, Any]) -> str:  # as good as before: a tie, which a model would be asked about
        return program(f"# {facts['step']}")

    result, records = run(cancer, tmp_path / "out", player(same), max_tokens=90)
    assert [(r.verdict, r.tie) for r in records] == [("accepted", False), ("rejected", True)]
    assert records[1].comparison
    assert "90 tokens" in json.dumps(result["ended"])
    assert result["submission_ok"]
