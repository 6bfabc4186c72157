"""Predictions for new rows by what a run handed over: the same as its submission, and never silently others."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from sklearn.datasets import load_diabetes

from gome.cli.main import main
from tests.quick import PROGRAM
from tests.solutions import handed_over

pytestmark = pytest.mark.slow
THREE = PROGRAM.replace("[:1]", "[:3]")


def true_rows(task: Path) -> pd.DataFrame:
    """The task's test rows with their labels, which the task does not have."""
    table = load_diabetes(as_frame=True).frame
    test = pd.read_csv(task / "test.csv")
    return test.assign(progression=table["target"].to_numpy()[test["id"]])


def test_the_tasks_own_test_rows_come_out_as_its_submission(
    diabetes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "out.csv"
    for name, programs in (
        ("single", {"1:2": (THREE, 1.0)}),
        ("ensemble", {"0:0": (PROGRAM, 0.3), "1:2": (THREE, 0.7)}),
    ):
        run = handed_over(diabetes, tmp_path / name, programs)
        submission = (run / "solution" / "submission.csv").read_bytes()
        assert main(["predict", str(run), str(diabetes / "test.csv"), "-o", str(out)]) == 0
        assert out.read_bytes() == submission
        assert not list(run.glob(".predict-*"))
    rows = true_rows(diabetes).sample(40, random_state=0)
    rows.assign(more=1).to_parquet(tmp_path / "rows.parquet", index=False)
    capsys.readouterr()
    assert main(["predict", str(run), str(tmp_path / "rows.parquet"), "-o", str(out)]) == 0
    said = capsys.readouterr()
    given = pd.read_csv(out)
    assert given["id"].tolist() == rows["id"].tolist()
    whole = pd.read_csv(run / "solution" / "submission.csv").set_index("id")["progression"]
    assert np.allclose(given["progression"], whole[given["id"]], rtol=1e-12)
    rmse = np.sqrt(((given["progression"].to_numpy() - rows["progression"].to_numpy()) ** 2).mean())
    assert f"rmse {rmse:.1f} ± " in said.out
    assert "on 40 rows with labels (smaller is better)" in said.out
    assert "left out of rows.parquet, as test.csv has no such columns: more" in said.err


def test_a_program_that_fails_on_the_rows_is_told(
    diabetes: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    picky = f"{PROGRAM}\nif len(test) < 100:\n    raise SystemExit('too few rows')\n"
    run = handed_over(diabetes, tmp_path / "run", {"0:0": (picky, 1.0)})
    pd.read_csv(diabetes / "test.csv").head(3).to_csv(tmp_path / "few.csv", index=False)
    assert main(["predict", str(run), str(tmp_path / "few.csv")]) == 2
    assert "0:0 failed on all of the data: ended with exit code 1: too few rows" in capsys.readouterr().err
