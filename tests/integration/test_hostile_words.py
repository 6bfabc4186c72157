"""What a program writes and what a model replies, in real runs: both cost a step at most, and a signal is heard."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from threading import Event

import pytest

from gome.graph.registry import ServiceRegistry
from gome.graph.run_layout import prepare_run
from gome.report.page import write_report
from gome.state.config import RunConfig
from gome.tools.evaluator import Evaluator
from tests.openai_server import Endpoint

pytestmark = pytest.mark.slow

HUGE = str(int(1.7e308))
WRITES = """\
import csv
rows = list(csv.DictReader(open("input/test.csv")))
SAYS
with open("submission.csv", "w") as out:
    out.write("id,progression\\n")
    out.writelines(f"{row['id']},{VALUE}\\n" for row in rows)
"""


def evaluator(task: Path, out: Path) -> Evaluator:
    run_dir = prepare_run(str(task), RunConfig(run_dir=str(out)))
    return ServiceRegistry().services(run_dir, None, lambda event: None).evaluator


def program(value: str, *lines: str) -> str:
    says = "\n".join(f"print({'GOME ' + line!r})" for line in lines)
    return WRITES.replace("SAYS", says).replace("{VALUE}", value)


def test_figures_that_no_float_holds_are_left_out(diabetes: Path, tmp_path: Path) -> None:
    stage = f'{{"stage": "a", "seconds": {HUGE}}}'
    lines = stage, stage, '{"stage": "a", "seconds": 1.5}', '{"valid_score": 1e308}', '{"train_score": 3}'
    evaluation = evaluator(diabetes, tmp_path / "out").evaluate(program("150", *lines), "search")
    assert evaluation["status"] == "ok", evaluation["problems"]
    assert evaluation["facts"] == {"folds": 5, "stages": {"a": 1.5}, "train_score": 3}
    write_report(tmp_path / "out")


@pytest.mark.parametrize("value", ["9" * 400, "1e308", "-" + "9" * 5000])
def test_predictions_that_no_float_holds_fail_the_step(diabetes: Path, tmp_path: Path, value: str) -> None:
    evaluation = evaluator(diabetes, tmp_path / "out").evaluate(program(value), "search")
    assert evaluation["status"] == "format"
    assert "predictions are" in evaluation["problems"][0]


def test_what_nobody_thought_of_fails_the_step_and_is_seen(diabetes: Path, tmp_path: Path) -> None:
    """Somebody's own grader takes what it is given; whole numbers of this size fit into no column of Parquet."""
    (diabetes / "grader.py").write_text("def grade(submission, answers):\n    return 1.0\n")
    task = diabetes / "task.yaml"
    task.write_text(task.read_text().replace("metric: rmse", "metric: grader.py:grade\ndirection: minimize"))
    made = evaluator(diabetes, tmp_path / "out")
    for _ in "once", "from the kept result":
        evaluation = made.evaluate(program("9" * 400), "search")
        assert evaluation["status"] == "format"
        assert "could not be read" in evaluation["problems"][0]
        log = made.artifacts.get_text(str(evaluation["log"]))
        assert "Traceback (most recent call last)" in log
        assert "put_table" in log


HALVES = [
    "<think>" * 50_000,
    "<<<<<<< SEARCH\n" * 30_000,
    "```python\n" * 30_000,
    '{"a": ' + '["x" ' * 30_000,
]


def test_a_run_whose_model_replies_in_halves_ends_when_told(diabetes: Path, tmp_path: Path) -> None:
    """Read by expressions that go back, such a reply holds the process up for hours, signals and all."""
    asked = Event()

    def script(messages: list[object]) -> str:
        if len(server.requests) == 6:  # both traces have lost a step by then
            asked.set()
        return "".join(HALVES)

    with Endpoint(script) as server:
        model = ["--model", "openai:m", "--base-url", server.url, "--run-dir", "out", "--steps", "10000"]
        command = [sys.executable, "-m", "gome", "run", str(diabetes), *model]
        env = {**os.environ, "OPENAI_API_KEY": "none"}
        with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True, env=env) as running:
            assert asked.wait(300), running.poll()
            running.send_signal(signal.SIGINT)
            _, said = running.communicate(timeout=120)
    assert running.returncode == 1, said
    assert "Traceback" not in said
    records = [json.loads(line) for line in (tmp_path / "out" / "history.jsonl").read_text().splitlines()]
    assert records
    assert all("unusable reply" in record["reason"] for record in records)
