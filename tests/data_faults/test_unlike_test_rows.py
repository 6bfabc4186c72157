"""Test rows that are unlike train rows: graded rows lack what they lack, and what else differs is told."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome.cli.summary import summary_lines
from gome.graph.registry import ServiceRegistry
from gome.graph.run import build_graph
from gome.graph.run_layout import prepare_run
from gome.report.page import write_report
from gome.state.config import RunConfig
from gome.tools.data.tables import read_table
from gome.tools.evaluator import Evaluator
from tests.scripted import player

ROWS, TEST = 240, 80

PROGRAM = """\
import csv

train, test = (list(csv.DictReader(open(f"input/{name}.csv"))) for name in ("train", "test"))
mean = sum(float(r["y"]) for r in train) / len(train)
with open("submission.csv", "w") as out:
    out.write("id,y\\n")
    for r in test:
        try:
            out.write(f"{r['id']},{2 * float(r['told'])}\\n")
        except ValueError:
            out.write(f"{r['id']},{mean}\\n")
"""
"""Knows that y = 2 told, and says the mean where told is no number."""


def write_task(folder: Path, test_change: dict[str, Any], *, suffix: str = ".csv") -> Path:
    """y = 2 told; test has `test_change` in place of its columns, None: without the column."""
    rng = np.random.default_rng(1)
    told = rng.normal(10, 3, ROWS + TEST).round(4)
    table = pd.DataFrame(
        {"told": told, "other": rng.normal(size=ROWS + TEST), "town": rng.choice(["a", "b"], ROWS + TEST)}
    )
    table.insert(0, "id", [f"r{i}" for i in range(ROWS + TEST)])
    train, test = table[:ROWS].assign(y=2 * told[:ROWS]), table[ROWS:].reset_index(drop=True)
    for name, values in test_change.items():
        test = test.drop(columns=name) if values is None else test.assign(**{name: values})
    folder.mkdir()
    for name, part in (("train", train), ("test", test), ("sample_submission", test[["id"]].assign(y=0.0))):
        if suffix == ".parquet":
            part.to_parquet(folder / f"{name}{suffix}", index=False)
        else:
            part.to_csv(folder / f"{name}{suffix}", index=False)
    (folder / "task.yaml").write_text("metric: mae\ntarget: y\nid: id\n")
    return folder


def prepared(task: Path) -> tuple[Evaluator, dict[str, Any]]:
    run_dir = prepare_run(str(task), RunConfig(run_dir=str(task.parent / "out")))
    services = ServiceRegistry().services(run_dir, None, lambda event: None)
    return services.evaluator, services.profile


def warned(profile: dict[str, Any]) -> dict[str, str]:
    return {row["kind"]: row["text"] for row in profile.get("warnings", [])}


UNLIKE: dict[str, tuple[Any, str]] = {
    "empty": (np.nan, "told (empty in all rows)"),
    "of another kind": ([f"{i} kg" for i in range(TEST)], "told (values such as '0 kg' where train has"),
}


@pytest.mark.parametrize("case", UNLIKE)
def test_what_test_lacks_is_blank_in_graded_rows(tmp_path: Path, case: str) -> None:
    """The held-back score is that of a program which cannot see the column, as on the real test rows."""
    values, said = UNLIKE[case]
    evaluator, profile = prepared(write_task(tmp_path / "task", {"told": values}))
    assert said in warned(profile)["empty in test"]
    train = pd.read_csv(tmp_path / "task" / "train.csv")
    for split in ("smoke", "search", "selection"):
        for fold in range(len(evaluator.inputs.plan.folds(split))):
            rows = pd.read_csv(evaluator.inputs.input_dir(split, fold) / "test.csv")
            assert rows["told"].isna().all()
            assert rows["other"].notna().all()
            assert pd.read_csv(evaluator.inputs.input_dir(split, fold) / "train.csv")["told"].notna().all()
    evaluation = evaluator.evaluate(PROGRAM, "selection")
    held_back = set(evaluator.inputs.answers("selection", 0)["id"])
    graded = train["id"].isin(held_back)
    blind = (train["y"][graded] - train["y"][~graded].mean()).abs().mean()
    assert evaluation["score"] is not None
    assert evaluation["score"]["value"] == pytest.approx(blind, rel=1e-6)
    assert evaluator.evaluate(PROGRAM, "final")["status"] == "ok"


def test_a_column_that_both_have_stays(tmp_path: Path) -> None:
    evaluator, profile = prepared(write_task(tmp_path / "task", {}))
    assert not warned(profile)
    score = evaluator.evaluate(PROGRAM, "selection")["score"]
    assert score is not None
    assert score["value"] == pytest.approx(0, abs=1e-9)


def test_gaps_in_some_test_rows_blank_nothing(tmp_path: Path) -> None:
    """A share is told as drift: 60 % missing is no reason to hide the column from graded rows."""
    values = np.where(np.arange(TEST) % 5 < 3, np.nan, 10.0)
    evaluator, profile = prepared(write_task(tmp_path / "task", {"told": values}))
    assert "told (missing in 0% of train, 60% of test)" in warned(profile)["drift"]
    assert pd.read_csv(evaluator.inputs.input_dir("selection", 0) / "test.csv")["told"].notna().all()


def test_a_column_that_test_lacks_is_taken_out_and_told(tmp_path: Path) -> None:
    evaluator, profile = prepared(write_task(tmp_path / "task", {"told": None}))
    assert warned(profile)["absent in test"].endswith(": told")
    assert "told" not in pd.read_csv(evaluator.inputs.input_dir("selection", 0) / "test.csv")


def test_drift_is_told_and_chance_is_not(tmp_path: Path) -> None:
    rng = np.random.default_rng(2)
    change = {"other": rng.normal(4, 1, TEST), "town": rng.choice(["a", "c"], TEST)}
    text = warned(prepared(write_task(tmp_path / "task", change))[1])["drift"]
    assert "other (distance of distributions 0.9" in text
    assert "town (distance" in text
    assert "told" not in text


def test_noise_is_not_called_drift(tmp_path: Path) -> None:
    """100 columns of the same source in train and in few test rows: differences there are chance."""
    rng = np.random.default_rng(3)
    folder = tmp_path / "task"
    folder.mkdir()
    n = 100
    columns: dict[str, Any] = {f"n{i}": rng.normal(size=n) for i in range(50)}
    columns |= {f"c{i}": rng.choice(list("abcdefghij"), n) for i in range(50)}
    table = pd.DataFrame({"id": range(n), **columns, "y": rng.normal(size=n)})
    table[:75].to_csv(folder / "train.csv", index=False)
    table[75:].drop(columns="y").to_csv(folder / "test.csv", index=False)
    table[75:][["id", "y"]].to_csv(folder / "sample_submission.csv", index=False)
    (folder / "task.yaml").write_text("metric: mae\ntarget: y\nid: id\n")
    assert "drift" not in warned(prepared(folder)[1])


def test_parquet_keeps_the_type_of_the_empty_column(tmp_path: Path) -> None:
    task = write_task(
        tmp_path / "task", {"town": pd.Series([None] * TEST, dtype="string")}, suffix=".parquet"
    )
    evaluator, _ = prepared(task)
    rows = read_table(evaluator.inputs.input_dir("selection", 0) / "test.parquet")
    assert rows["town"].isna().all()
    assert rows["town"].dtype == read_table(task / "test.parquet")["town"].dtype


def test_start_summary_and_report_say_it(tmp_path: Path) -> None:
    task, out = write_task(tmp_path / "task", {"told": np.nan}), tmp_path / "run"
    model = player(lambda facts: f"```python\n{PROGRAM}```")
    config = RunConfig(run_dir=str(out), traces=1, steps=1, selection_seeds=1)
    graph = build_graph(models=dict.fromkeys(("researcher", "coder", "critic"), model))
    graph.compile().invoke({"task": str(task)}, context=config)
    write_report(out)
    said = "columns of test.csv say nothing, and are empty in graded rows too: told (empty in all rows)"
    events = [json.loads(line) for line in (out / "events.jsonl").read_text().splitlines()]
    assert [e["text"] for e in events if e["phase"] == "data"] == [said]
    assert f"data:        {said}" in summary_lines(out)
    assert said in (out / "report.html").read_text()
    assert said in str(model.calls[0][1].content)
