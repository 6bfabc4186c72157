"""Probes in a real run: what they see and what they do not, graded by the harness, kept over a kill, on record."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest
from langchain_core.messages import BaseMessage

from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.tools.data.row_splits import Split
from gome.tools.data.splits import SplitPlan
from gome.tools.data.table_inputs import TableInputs
from gome.tools.locked_part import LockedPart
from gome.tools.records.history import History
from tests.graded import make_task
from tests.real_tasks import write_task
from tests.scripted import HYPOTHESIS, REPLIES, ScriptedModel, call_of

pytestmark = pytest.mark.slow

PROGRAM = """\
import csv
(names, *train), (_, *test) = (list(csv.reader(open(f"input/{part}.csv"))) for part in ("train", "test"))
mean = sum(float(row[-1]) for row in train) / len(train)
values = [float(row[-1]) for row in test]
with open("submission.csv", "w") as out:
    print("id", names[-1], sep=",", file=out)
    for row, value in zip(test, values):
        rank = sum(other <= value for other in values) / len(values)
        print(row[0], mean - 0.001 * STEP * rank, sep=",", file=out)
"""
LOOK = """\
import json, os, pathlib, re
seen = sorted(str(p.relative_to("input")) for p in pathlib.Path("input").rglob("*") if p.is_file())
print("SEEN", json.dumps(seen))
print("ENV", json.dumps(sorted(os.environ)))
import pandas as pd
print("LABELLED", json.dumps(pd.read_csv("input/train.csv")["id"].tolist()))
for table in pathlib.Path("input/evidence").glob("*.csv"):
    rows = pd.read_csv(table)
    print("FOUND", json.dumps(rows["id"].tolist()))
    print("LOCKED", json.dumps(rows["id"][rows["locked"] == 1].tolist()))
found = set()
for path in pathlib.Path("input").rglob("*"):
    if path.is_file():
        found |= set(re.findall(r"\\d+\\.\\d+", path.read_text()))
print("NUMBERS", json.dumps(sorted(found)))
"""
JUDGE = """\
import pandas as pd, probe
train, test = pd.read_csv("input/train.csv"), pd.read_csv("input/test.csv")
column = "worst_area" if "worst_area" in test else test.columns[-1]
rank = test[column].rank(pct=True)
probe.judge("rank", rank.to_numpy())
probe.judge("turned", 1 - rank.to_numpy())
"""
DIAGNOSIS = json.dumps(
    {
        **json.loads(REPLIES["diagnose"]),
        "findings": "one column ranks nearly all",
        "hypotheses": [{**HYPOTHESIS, "probe": 1}],
    }
)
CHOICE = json.dumps({"decision": "select", "index": 0, "plan": ["do it"]})


def played(
    task: Path, out: Path, *probes: str, steps: int = 2, folds: int = 2, **config: Any
) -> ScriptedModel:
    """A run whose researcher runs these probes in each diagnosis."""

    def script(messages: list[BaseMessage]) -> str:
        call, made = call_of(messages), sum(m.type == "ai" for m in messages)
        if call == "diagnose":
            return f"```probe\n{probes[made]}```" if made < len(probes) else DIAGNOSIS
        written = sum(call_of(m) in ("draft", "edit") for m in model.calls) - 1
        if call == "choose":
            return CHOICE
        return REPLIES.get(call) or f"```python\n{PROGRAM.replace('STEP', str(written))}\n```"

    model = ScriptedModel(script=script)
    run = RunConfig(
        run_dir=str(out),
        model="openai:x",
        traces=1,
        steps=steps,
        folds=folds,
        finalists=1,
        selection_seeds=1,
        **config,
    )
    roles = dict.fromkeys(("researcher", "coder", "critic"), model)
    build_graph(models=roles).compile().invoke({"task": str(task)}, {"recursion_limit": 100}, context=run)
    return model


def outputs(model: ScriptedModel) -> list[str]:
    """What came of each probe, as the model was told."""
    asked = [m for m in model.calls if call_of(m) == "diagnose"]
    return [str(m[-1].content) for m in asked if "brought" in str(m[-1].content)]


def printed(output: str, word: str) -> list[list[Any]]:
    return [json.loads(line.removeprefix(word)) for line in output.splitlines() if line.startswith(word)]


def test_what_a_probe_sees(tmp_path: Path) -> None:
    """The selection part and the real answers are nowhere, and in no file a truth of the locked part: every target is
    another number, so that its digits are its truth wherever they stand. Those of other graded rows are there."""
    out = tmp_path / "out"
    table = pd.DataFrame({"size": range(120)}).assign(y=[f"{7 * n % 120}.25" for n in range(120)])
    task = write_task(tmp_path / "task", table, "y", "rmse")
    first, second = outputs(played(task, out, LOOK))
    assert printed(first, "FOUND") == []
    seen = printed(second, "SEEN")[0]
    assert {"evidence/0-0.py", "evidence/0-0.log", "evidence/0-0.csv", "evidence/programs.json"} <= set(seen)
    assert "train.csv" in seen
    ids = {i for row in [*printed(second, "LABELLED"), *printed(second, "FOUND")] for i in row}
    held = pd.read_csv(out / "inputs" / "selection-0" / "test.csv")["id"]
    assert len(held)
    assert not ids & set(held)
    truths = pd.read_csv(task / "train.csv", dtype=str).set_index("id")["y"]
    locked = pd.read_csv(out / "inputs" / "search-1" / "test.csv", dtype=str)["id"]
    assert sorted(map(str, printed(second, "LOCKED")[0])) == sorted(locked)
    told = {i for i in truths.index if truths[i] in printed(second, "NUMBERS")[0]}
    assert told == set(truths.index) - set(locked) - set(map(str, held))
    assert not any("KEY" in name or "TOKEN" in name for name in printed(second, "ENV")[0])


@pytest.mark.parametrize("folds", [1, 2])
def test_no_row_of_the_locked_part_is_shown(tmp_path: Path, folds: int) -> None:
    """Neither as an example nor among the worst: of the single rows in a prompt every third would be one."""
    table = pd.DataFrame({"size": range(120)}).assign(y=[7.0 * n % 120 for n in range(120)])
    task = write_task(tmp_path / "task", table, "y", "rmse")
    model = played(task, tmp_path / "out", LOOK, folds=folds)
    locked = set(printed(outputs(model)[1], "LOCKED")[0])
    asked = str([m for m in model.calls if call_of(m) == "diagnose"][-1][1].content)
    contexts = [json.loads(part.split("</context>")[0]) for part in asked.split("<context>")[1:]]
    shown = [*contexts[0]["data"]["examples"], *contexts[1]["evidence"]["worst_rows"]]
    assert len(shown) == 6
    assert locked
    assert not {int(row["row"]["id"]) for row in shown} & locked


def test_of_a_single_hold_out_a_third_is_locked_by_whole_groups(tmp_path: Path) -> None:
    table = pd.DataFrame({"id": range(90), "who": [n // 3 for n in range(90)], "y": 0.5})
    table.to_csv(tmp_path / "train.csv", index=False)
    rows = np.arange(90)
    plan = SplitPlan([Split("search", 0, rows[:30], rows[30:])], "")
    task = make_task("rmse", "regression", root=str(tmp_path), group="who", metric_columns=["who"])
    inputs = TableInputs(tmp_path, task, plan)
    part, answers = LockedPart(inputs, task, 3), inputs.answers("search", 0)
    whole = pd.Series(part.mask(0, answers)).groupby(answers["who"])
    assert whole.nunique().eq(1).all()
    assert whole.first().sum() == round(20 / 3)
    (left,) = part.without([(answers, answers)])
    assert len(left[0]) == 60 - 3 * round(20 / 3)


def test_the_harness_grades_what_a_probe_judges(cancer: Path, tmp_path: Path) -> None:
    """Of two folds the second is locked: a variant's gain is measured there, from then on that of steps on the first."""
    out = tmp_path / "out"
    model = played(cancer, out, JUDGE)
    first, second = outputs(model)
    one, other = (line for line in first.splitlines() if line.startswith("- "))
    assert "gain" not in one, "there is no incumbent yet"
    aucs = [float(line.split("auc ")[1].split(" ±")[0]) for line in (one, other)]
    gain = float(
        other.split("gain on the first variant that was graded here, same rows, positive is better: ")[
            1
        ].split()[0]
    )
    assert gain == pytest.approx(aucs[1] - aucs[0], abs=1e-3)
    assert "It took " in first
    assert "variants judged in this step: 2, in this run: 4" in second
    rank, turned = (line for line in second.splitlines() if line.startswith("- "))
    assert "standard errors" in rank
    gains = [float(line.split("better: ")[1].split(" ±")[0]) for line in (rank, turned)]
    assert gains[0] == pytest.approx(-gains[1], abs=0.02)  # auc of a ranking and of its reverse, against 0.5
    assert abs(gains[0]) > 0.1
    before, after = History(out / "history.jsonl").records()
    (old, _), (new, locked) = before.score["folds"], after.score["folds"]
    assert new != pytest.approx(locked)
    assert after.comparison["unlocked"]
    assert after.gain == pytest.approx(new - old)
    assert (
        f"over all folds; on the rows that no probe was judged on {'better' if after.gain > 0 else 'worse'}"
        in after.feedback
    )
    for judging in (str(m[1].content) for m in model.calls if call_of(m) == "judge"):
        assert "those of the locked part left out" in judging


def test_probes_are_on_record_and_reach_the_next_diagnosis(cancer: Path, tmp_path: Path) -> None:
    model = played(cancer, tmp_path / "out", LOOK)
    first = History(tmp_path / "out" / "history.jsonl").records()[0]
    assert first.findings == "one column ranks nearly all"
    assert "SEEN" in first.probes[0]["output"]
    later = [m for m in model.calls if call_of(m) == "diagnose"][-1]
    assert "one column ranks nearly all" in str(later[1].content)
    coding = [str(m[-1].content) for m in model.calls if call_of(m) in ("draft", "edit")]
    assert all("## Probe\n" in text and LOOK in text and "SEEN" in text for text in coding)
    assert first.hypothesis["probe"] == 1


def test_diagnosis_probes_and_choice_are_one_thread(cancer: Path, tmp_path: Path) -> None:
    model = played(cancer, tmp_path / "out", LOOK, steps=1)
    asked, probed, choice = (m for m in model.calls if call_of(m) in ("diagnose", "choose"))
    assert probed[: len(asked)] == asked
    assert choice[: len(probed)] == probed
    assert "## Task" not in str(choice[-1].content)


@pytest.mark.parametrize("config", [{"probes": 0}, {"without": ("probes",)}])
def test_no_probes(cancer: Path, tmp_path: Path, config: dict[str, Any]) -> None:
    model = played(cancer, tmp_path / "out", steps=1, **config)
    assert "## Probes" not in str(model.calls[0])
