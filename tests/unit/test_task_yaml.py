"""A task file that inspect has written says the task again, whatever was said or inferred."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from gome.cli.main import main

ROWS = pd.DataFrame(
    {
        "pid": [f"{i:04d}" for i in range(160)],
        "when": [f"{1 + i % 28:02d}/{1 + i % 12:02d}/2021" for i in range(160)],
        "ward": [f"w{i % 20}" for i in range(160)],
        "age": [i * 7 % 60 for i in range(160)],
        "kind": [["red", "green", "blue"][i * 7 % 3] for i in range(160)],
        "cost": [i * 1.5 % 37 for i in range(160)],
        "a": [i % 2 for i in range(160)],
        "b": [i * 3 % 2 for i in range(160)],
    }
)
CASES: dict[str, tuple[dict[str, Any], list[str]]] = {
    "labels": ({"kind": "red"}, ["--metric", "accuracy", "--drop", "cost,a,b"]),
    "classes": ({"blue": 0.3, "green": 0.3, "red": 0.4}, ["--metric", "log_loss", "--group", "ward"]),
    "quantile": ({"cost": 0}, ["--metric", "pinball@0.9", "--name", 'money: it\'s "dear"']),
    "labels of two": ({"a": 0.5, "b": 0.5}, ["--metric", "auc", "--keep", "x/*,y.bin"]),
    "dates": ({"cost": 0}, ["--metric", "mae", "--time", "when", "--date-format", "when=%d/%m/%Y"]),
    "own": (
        {"cost": 0},
        ["--metric", "grade.py:grade", "--direction", "minimize", "--problem", "regression"],
    ),
    "column": ({"cost": 0}, ["--metric", "log_mae@ward", "--links-root", ".."]),
    "positive": ({"a": 0.5}, ["--metric", "f1", "--positive", "0", "--id", "pid"]),
}


def inspected(capsys: pytest.CaptureFixture[str], *words: str) -> dict[str, Any]:
    code, said = main(["inspect", *words, "--json"]), capsys.readouterr()
    assert code == 0, said.err
    return dict(json.loads(said.out))


@pytest.mark.parametrize("name", CASES)
def test_a_written_task_file_loads_to_the_same_task(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    predicted, options = CASES[name]
    folder, file = tmp_path / name, tmp_path / "task.yaml"
    folder.mkdir()
    targets = [column for column in predicted if column in ROWS] or ["kind"]
    ROWS.head(120).to_csv(folder / "train.csv", index=False)
    ROWS.tail(40).drop(columns=targets).to_csv(folder / "test.csv", index=False)
    ROWS.tail(40)[["pid"]].assign(**predicted).to_csv(folder / "sample_submission.csv", index=False)
    (folder / "grade.py").write_text(
        "def grade(s, a):\n    return float((s['cost'] - a['cost']).abs().mean())\n"
    )
    first = inspected(capsys, str(folder), *options, "--write", str(file))
    again = inspected(capsys, str(folder), "--task", str(file))
    for found in (first, again):
        found["sources"] = {n: fact.pop("source") for n, fact in found["facts"].items()}
    inferred = {source for n, source in again.pop("sources").items() if n not in ("direction", "dates")}
    assert inferred == {"the task file"}
    del first["sources"]
    assert again == first
