"""What the data checks found stays beside the score, with what to do; doing it takes it away."""

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gome.cli.main import main
from gome.graph.run_layout import prepare_run
from gome.report.page import write_report
from gome.state.config import RunConfig
from gome.tools.data.leak_advice import leak_line


def prepared(folder: Path, *drop: str) -> Path:
    rng = np.random.default_rng(0)
    price = rng.gamma(2.0, size=200)
    rows = pd.DataFrame({"rooms": rng.integers(1, 9, 200), "paid in": price * 3 + 1, "price": price})
    rows.to_csv(folder / "houses.csv", index=False)
    config = RunConfig(run_dir=str(folder / f"run{len(drop)}"), target="price", metric="rmse", drop=drop)
    return prepare_run(str(folder / "houses.csv"), config)


def test_status_and_report_say_it_and_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = prepared(tmp_path)
    found = json.loads((run_dir / "profile.json").read_text())["leaks"][0]["text"]
    assert main(["status", str(run_dir)]) == 0
    line = next(line for line in capsys.readouterr().out.splitlines() if line.startswith("leak:"))
    assert found in line
    assert line.endswith("leave it out: --drop 'paid in'")
    page = write_report(run_dir).read_text()
    assert page.count(found) == 1
    assert "--drop &#39;paid in&#39;" in page


def test_what_was_left_out_is_told_instead(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run_dir = prepared(tmp_path, "paid in")
    assert "leaks" not in json.loads((run_dir / "profile.json").read_text())
    assert main(["status", str(run_dir)]) == 0
    said = capsys.readouterr().out
    assert "leak:" not in said
    assert "left out:    paid in" in said


@pytest.mark.parametrize(
    "kind", ["column", "id", "order", "later row", "earlier row", "group mean", "same rows", "table"]
)
def test_every_kind_has_an_advice(kind: str) -> None:
    line = leak_line({"kind": kind, "where": "bill", "text": "bill tells it."})
    assert len(line) > len("bill tells it. ") + 10
