"""Adapters that a model played by hand wrote for layouts without a convention, from their recorded exchanges: the harness
holds back what the folder's labels say, and grades."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome import driver
from gome.state.config import RunConfig
from gome.tools.evaluation.metric import UNIT
from tests.unseen_layouts import LAYOUTS

pytestmark = pytest.mark.slow
RECORDINGS = Path(__file__).parents[1] / "recordings" / "surveys"


@pytest.mark.parametrize("name", sorted(p.stem for p in RECORDINGS.glob("*.jsonl")))
def test_a_recorded_survey_is_graded_by_the_harness(tmp_path: Path, name: str) -> None:
    task, out = tmp_path / "task", tmp_path / "run"
    truth = LAYOUTS[name](task, np.random.default_rng(0))
    small = {"traces": 1, "steps": 1, "folds": 2, "finalists": 1, "selection_seeds": 1}
    config = RunConfig(run_dir=str(out), model=f"replay:{RECORDINGS / name}.jsonl", **small)
    driver.drive(driver.prepare(str(task), config), lambda event: None)
    run = json.loads((out / "run.json").read_text())
    assert run["survey"] == "an adapter was written"
    result = json.loads((out / "result.json").read_text())
    assert result["self_reported"] is None
    assert np.isfinite(result["naive"]["selection"]["value"])
    answers = pd.read_csv(out / "answers" / "selection-0.csv", dtype={UNIT: str})
    (column,) = run["task"]["target"]
    graded = {str(unit): rows[column].tolist() for unit, rows in answers.groupby(UNIT)}
    assert graded
    for unit, values in graded.items():
        expected = truth[unit]
        assert (
            values == expected if isinstance(expected[0], str) else np.allclose(values, expected, atol=1e-6)
        )
