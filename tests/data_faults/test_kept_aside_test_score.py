"""Where Gome itself cut a test part off one table, it grades it once at the end; the right value is computed here."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

from gome.cli.summary import summary_lines
from gome.graph.run import build_graph
from gome.report.page import write_report
from gome.scores import worth_text
from gome.state.config import RunConfig
from tests.quick import quick_model


def run_on(table: pd.DataFrame, folder: Path) -> dict:
    table.to_csv(folder / "patients.csv", index=False)
    config = RunConfig(
        run_dir=str(folder / "out"),
        target="progression",
        metric="mae",
        traces=1,
        steps=1,
        finalists=1,
        selection_seeds=1,
    )
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), quick_model())).compile()
    return graph.invoke({"task": str(folder / "patients.csv")}, context=config)["result"]


def patients() -> pd.DataFrame:
    return load_diabetes(as_frame=True).frame.rename(columns={"target": "progression"})


def test_the_test_part_is_graded_once_and_told(tmp_path: Path) -> None:
    table = patients()
    result = run_on(table, tmp_path)
    given = pd.read_csv(tmp_path / "out" / "solution" / "submission.csv")
    truth = table["progression"][given["row_id"]].to_numpy()  # row_id: the row's place in the table
    right = float(np.abs(truth - given["progression"]).mean())
    rest = table["progression"].drop(given["row_id"])
    naive = float(np.abs(truth - rest.median()).mean())
    test, held_back = result["test"], result["best"]["selection"]
    assert test["rows"] == len(given)
    assert test["score"]["value"] == pytest.approx(right)
    assert test["naive"]["value"] == pytest.approx(naive)
    noise = np.hypot(test["score"]["stderr"], held_back["stderr"])
    assert test["drift_se"] == pytest.approx((held_back["value"] - right) / noise)  # better: above 0
    line = next(line for line in summary_lines(tmp_path / "out") if line.startswith("test:"))
    assert f"mae {right:.1f}" in line
    assert f"(naive {naive:.1f})" in line
    assert "held-back score" in line
    assert "on rows kept aside" in write_report(tmp_path / "out").read_text()


def test_rows_without_labels_are_the_test_part_and_there_is_nothing_to_grade(tmp_path: Path) -> None:
    table = patients()
    table.loc[::5, "progression"] = None
    result = run_on(table, tmp_path)
    assert result["submission_ok"]
    assert result["test"] is None
    assert not any(line.startswith("test:") for line in summary_lines(tmp_path / "out"))


@pytest.mark.parametrize(
    ("drift", "said"),
    [
        (0.4, "agrees with the held-back score"),
        (-3.25, "3.2 standard errors worse than the held-back score: trust this one"),
        (2.6, "2.6 standard errors better than the held-back score"),
        (None, "that no step and no choice has seen"),
    ],
)
def test_what_it_is_worth(drift: float | None, said: str) -> None:
    assert said in worth_text({"rows": 88, "drift_se": drift})
