"""A private run sends no cell of the data, whatever programs print and however they fail."""

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from langchain_core.messages import BaseMessage

from gome import RunConfig, build_graph
from gome.run_folder import RunFolder
from tests.quick import PROGRAM
from tests.scripted import ScriptedModel, facts_of, player

pytestmark = pytest.mark.slow
LOUD = (
    PROGRAM.replace("[:1]", "[:2]")
    + """
print(train[:50], test[:50])
print('GOME {"stage": "%s", "seconds": 1, "seen": "%s"}' % (train[0]["town"], train[1]["town"]))
"""
)
BROKEN = "rows = open('input/train.csv').readlines()\nprint(rows)\nraise KeyError(rows[1])\n"
WORST = "import sys\n\nlines = open('input/train.csv').readlines()\nsys.exit(lines[2])\n"
PROBE = """\
import csv, probe
rows, test = list(csv.DictReader(open("input/train.csv"))), list(csv.DictReader(open("input/test.csv")))
print(rows, test, flush=True)
guess = [3 * float(row["bmi"]) for row in test]
probe.judge("three times", guess)
probe.judge(rows[0]["town"], guess)
probe.judge("words", [rows[1]["town"]] * len(guess))
"""


def table() -> pd.DataFrame:
    rng = np.random.default_rng(0)
    bmi = rng.uniform(1000, 9999, 120).round(4)
    return pd.DataFrame(
        {
            "town": [f"Zebratown{i % 17}" for i in range(120)],
            "bmi": bmi,
            "s5": rng.uniform(1000, 9999, 120).round(4),
            "progression": (bmi * 3 + rng.uniform(0, 99, 120)).round(4),
        }
    )


def test_no_cell_of_the_data_is_sent(tmp_path: Path) -> None:
    data = table()

    def code(facts: dict[str, Any]) -> str:
        if facts["call"] == "draft":
            return f"```python\n{BROKEN}```"
        if facts["call"] == "debug":
            return f"```python\n{WORST if facts['error']['round'] == 0 else LOUD}```"
        columns = "[1:2]" if facts["step"] == 1 else "[:1]"  # noise alone; what tells the target alone
        return f"<<<<<<< SEARCH\n[:2]\n=======\n{columns}\n>>>>>>> REPLACE"

    plain = player(code)

    def script(messages: list[BaseMessage]) -> str:
        facts, asked = facts_of(messages), sum(message.type == "ai" for message in messages)
        if facts["call"] == "diagnose" and facts["step"] == 1 and asked < 2:
            return f"```probe\n{(PROBE, BROKEN)[asked]}```"
        return plain.script(messages)

    model = ScriptedModel(script=script)
    config = RunConfig(
        target="progression",
        metric="rmse",
        traces=1,
        steps=3,
        finalists=1,
        selection_seeds=1,
        private=True,
        runs_dir=str(tmp_path),
        trials=0,
    )
    graph = build_graph(config, models=dict.fromkeys(("researcher", "coder", "critic"), model)).compile()
    output = graph.invoke({"rows": data.to_csv(index=False)})
    assert output["result"]["steps"] == 3
    assert any("rejected" in facts_of(messages) for messages in model.calls), "a rejected program is told of"
    sent = "\n".join(str(message.content) for messages in model.calls for message in messages)
    for name in data.columns:
        assert name in sent
    assert "ended with exit code 1: KeyError" in sent
    assert '"std"' in sent
    assert "three times: rmse" in sent
    assert "variant 2: rmse" in sent
    assert "words: not graded" in sent
    assert "main.py, line 3\nKeyError" in sent
    cells = {str(cell) for column in data.columns for cell in data[column]}
    assert not [cell for cell in sorted(cells) if cell in sent]
    assert "Zebra" not in sent
    folder = RunFolder.read(Path(output["run_dir"]))
    kept = folder.rows_of(folder.records[2])
    assert kept is not None, "the last step is accepted"
    for row in kept["rows"]:
        assert row["row"] == row["truth"] == row["predicted"] == row["after"] == {}
