"""Whatever a program wrote, log and submission, fails its step at most."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.faults.scripted_model import write_task
from benchmarks.instant import InstantExecutor, InstantModel
from gome.agents.critic import critic
from gome.graph.registry import ROLES, ServiceRegistry
from gome.graph.run import build_graph
from gome.optimizer.incumbent import incumbent_of
from gome.state.config import RunConfig
from gome.state.schema import TraceState
from gome.tools.evaluation.bootstrap import score
from gome.tools.evaluation.evidence import evidence
from gome.tools.evaluation.grading import GradingError
from gome.tools.evaluation.submission import check_submission
from gome.tools.execution.program_log import parse_log
from tests.graded import make_task, table

HUGE = str(int(1.7e308))
SAMPLE = table(["y"], np.zeros(4), ids=[10, 11, 12, 13])


def said(*lines: str) -> dict:
    return parse_log("".join(f"GOME {line}\n" for line in lines))


def test_times_that_no_float_holds_in_sum_are_dropped() -> None:
    stage = f'{{"stage": "a", "seconds": {HUGE}}}'
    assert said(stage, stage, '{"stage": "a", "seconds": 1.5}') == {"stages": {"a": 1.5}}


@pytest.mark.parametrize("number", ["1e308", "-1e308", "1e101", HUGE])
def test_numbers_beyond_all_use_are_dropped(number: str) -> None:
    assert said(f'{{"valid_score": {number}, "train_score": 1e100}}') == {"train_score": 1e100}


def test_whole_numbers_fit_into_64_bits() -> None:
    assert said('{"rows": 9007199254740993, "few": 3}') == {"rows": 9007199254740992.0, "few": 3}


def test_what_no_store_holds_is_replaced() -> None:
    assert said('{"note": "a\\ud800\\u0000"}') == {"notes": ["a?\N{REPLACEMENT CHARACTER}"]}


@pytest.mark.parametrize("metric", ["rmse", "auc", "accuracy", "quadratic_weighted_kappa"])
@pytest.mark.parametrize("number", ["9" * 400, "9" * 5000, "-" + "9" * 400, "1e400", "1e51", "9" * 30])
def test_predictions_that_no_float_holds_are_a_fault(tmp_path: Path, metric: str, number: str) -> None:
    task = make_task(metric, "regression" if metric == "rmse" else "binary")
    for rows in ([number] * 4, [number, "1", "0", "1"]):
        path = tmp_path / "submission.csv"
        path.write_text("id,y\n" + "".join(f"{10 + i},{row}\n" for i, row in enumerate(rows)))
        frame, problems = check_submission(path, SAMPLE, task)
        if number == "9" * 30 and metric == "rmse":
            assert frame is not None
        elif metric != "quadratic_weighted_kappa":  # takes a number for the nearest label
            assert frame is None
            assert problems


def test_evidence_of_predictions_that_no_float_holds(tmp_path: Path) -> None:
    """Somebody's own grader gets what was written; the evidence is made of the same."""
    grader = tmp_path / "grader.py"
    grader.write_text("def grade(submission, answers):\n    return 1.0\n")
    task = make_task("grader.py:grade", "regression", root=str(tmp_path), direction="maximize")
    answers = table(["y"], np.arange(4.0))
    submission = pd.DataFrame({"id": range(4), "y": pd.Series([10**400, 1, 2, 3], dtype=object)})
    assert score(task, [(answers, submission)], seed=0)["value"] == 1.0
    assert "unread" not in evidence(task, [(answers, submission)], [answers])


def test_a_score_that_overflows_is_no_score() -> None:
    task = make_task("rmse", "regression")
    answers, submission = table(["y"], np.full(4, 1e200)), table(["y"], np.full(4, -1e200))
    with pytest.raises(GradingError, match="not defined"):
        score(task, [(answers, submission)], seed=0)


def test_predictions_that_cannot_be_compared_fail_the_step_and_not_the_run(tmp_path: Path) -> None:
    registry = ServiceRegistry(models=dict.fromkeys(ROLES, InstantModel()), executor=InstantExecutor())
    config = RunConfig(run_dir=str(tmp_path / "run"), traces=1, steps=1, finalists=1, selection_seeds=1)
    task = {"task": str(write_task(tmp_path / "line"))}
    build_graph(registry=registry).compile().invoke(task, {"recursion_limit": 10_000}, context=config)
    services = registry.services(tmp_path / "run", None, lambda event: None)
    (record,) = services.history.records()
    assert record.evaluation is not None
    incumbent = incumbent_of(record, services)
    other = services.artifacts.put_table(pd.DataFrame({"__fold__": [0], "nonsense": ["x"]}))
    kept = services.artifacts.put_json({**record.evaluation, "predictions": other})
    state = TraceState(run_dir=str(tmp_path / "run"), trace=0, step=1, incumbent=incumbent,
                       work={"code": record.code, "evaluation": kept})  # fmt: skip
    decision = services.artifacts.get_json(critic(state, services)["work"]["decision"])
    assert decision["verdict"] == "failed"
    assert "could not be read" in decision["reason"]
    assert "Traceback" in services.artifacts.get_text(decision["evaluation"]["log"])
