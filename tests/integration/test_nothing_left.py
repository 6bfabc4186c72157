"""A run that has nothing left to gain says so and stops; one that errs on more than single rows goes on."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from tests.integration.test_steps import fenced, run
from tests.scripted import HYPOTHESIS, player

PROGRAM = """\
import pandas as pd

test = pd.read_csv("input/test.csv")
test["y"] = ["yes" if size > 0 else "no" for size in test["size"]]
test[["id", "y"]].to_csv("submission.csv", index=False)
"""


def write_task(folder: Path, wrong: int) -> Path:
    """400 rows whose label follows from their size, but for the first `wrong` of those that the selection leaves."""
    rng = np.random.default_rng(0)
    table = pd.DataFrame({"id": np.arange(400), "size": rng.normal(size=400).round(3)})
    table["y"] = np.where(table["size"] > 0, "yes", "no")
    odd = rng.choice(400, wrong, replace=False)
    table.loc[odd, "y"] = np.where(table.loc[odd, "y"] == "yes", "no", "yes")
    folder.mkdir()
    table.to_csv(folder / "train.csv", index=False)
    table.drop(columns="y").to_csv(folder / "test.csv", index=False)
    table[["id"]].assign(y="no").to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.yaml").write_text("metric: accuracy\ntarget: y\nid: id\n")
    return folder


@pytest.mark.parametrize(("wrong", "steps"), [(1, 1), (40, 2)])
def test_a_run_stops_where_only_single_rows_are_wrong(tmp_path: Path, wrong: int, steps: int) -> None:
    def code(facts: dict[str, Any]) -> str:
        text = PROGRAM if facts["call"] == "draft" else PROGRAM.replace("> 0", "> 1")
        return fenced(text)

    def choose(facts: dict[str, Any]) -> str:
        return json.dumps({"decision": "create", "hypothesis": HYPOTHESIS, "plan": ["do it"]})

    result, records = run(write_task(tmp_path / "task", wrong), tmp_path / "out", player(code, choose=choose))
    assert len(records) == steps
    assert ("nothing left to gain" in result["ended"]["0"]) == (steps == 1)
