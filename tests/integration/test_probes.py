"""Probes in a real run: what they see and what they do not, graded by the harness, kept over a kill, on record."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from langchain_core.messages import BaseMessage

from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.tools.records.history import History
from tests.scripted import REPLIES, ScriptedModel, call_of

pytestmark = pytest.mark.slow

PROGRAM = """\
import pandas as pd
train, test = pd.read_csv("input/train.csv"), pd.read_csv("input/test.csv")
guess = train["malignant"].mean() + 0.0 * test.iloc[:, -1]
pd.DataFrame({"id": test["id"], "malignant": guess}).to_csv("submission.csv", index=False)
"""
LOOK = """\
import json, os, pathlib
seen = sorted(str(p.relative_to("input")) for p in pathlib.Path("input").rglob("*") if p.is_file())
print("SEEN", json.dumps(seen))
print("ENV", json.dumps(sorted(os.environ)))
import pandas as pd
print("LABELLED", json.dumps(pd.read_csv("input/train.csv")["id"].tolist()))
for table in pathlib.Path("input/evidence").glob("*.csv"):
    print("FOUND", json.dumps(pd.read_csv(table)["id"].tolist()))
"""
JUDGE = """\
import pandas as pd, probe
train, test = pd.read_csv("input/train.csv"), pd.read_csv("input/test.csv")
column = "worst_area" if "worst_area" in test else test.columns[-1]
rank = test[column].rank(pct=True)
probe.judge("rank", rank.to_numpy())
probe.judge("turned", 1 - rank.to_numpy())
"""
DIAGNOSIS = json.dumps({**json.loads(REPLIES["diagnose"]), "findings": "one column ranks nearly all"})


def played(task: Path, out: Path, *probes: str, steps: int = 2, **config: Any) -> ScriptedModel:
    """A run whose researcher runs these probes in each diagnosis."""

    def script(messages: list[BaseMessage]) -> str:
        call, made = call_of(messages), sum(m.type == "ai" for m in messages)
        if call == "diagnose":
            return f"```probe\n{probes[made]}```" if made < len(probes) else DIAGNOSIS
        return REPLIES.get(call) or f"```python\n{PROGRAM}# {len(model.calls)}\n\n```"

    model = ScriptedModel(script=script)
    run = RunConfig(
        run_dir=str(out),
        model="openai:x",
        traces=1,
        steps=steps,
        folds=2,
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


def test_what_a_probe_sees(cancer: Path, tmp_path: Path) -> None:
    """The selection part and the real answers are nowhere; out-of-fold truths of graded search rows are."""
    out = tmp_path / "out"
    first, second = outputs(played(cancer, out, LOOK))
    assert printed(first, "FOUND") == []
    seen = printed(second, "SEEN")[0]
    assert {"evidence/0-0.py", "evidence/0-0.log", "evidence/0-0.csv", "evidence/programs.json"} <= set(seen)
    assert "train.csv" in seen
    ids = {i for row in [*printed(second, "LABELLED"), *printed(second, "FOUND")] for i in row}
    held = pd.read_csv(out / "inputs" / "selection-0" / "test.csv")["id"]
    assert len(held)
    assert not ids & set(held)
    assert not any("KEY" in name or "TOKEN" in name for name in printed(second, "ENV")[0])


def test_the_harness_grades_what_a_probe_judges(cancer: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    _, second = outputs(played(cancer, out, JUDGE))
    assert "variants judged in this step: 2" in second
    rank, turned = (line for line in second.splitlines() if line.startswith("- "))
    assert "standard errors" in rank
    gains = [float(line.split("better: ")[1].split(" ±")[0]) for line in (rank, turned)]
    assert gains[0] == pytest.approx(-gains[1], abs=0.02)  # auc of a ranking and of its reverse, against 0.5
    assert abs(gains[0]) > 0.1


def test_probes_are_on_record_and_reach_the_next_diagnosis(cancer: Path, tmp_path: Path) -> None:
    model = played(cancer, tmp_path / "out", LOOK)
    first = History(tmp_path / "out" / "history.jsonl").records()[0]
    assert first.findings == "one column ranks nearly all"
    assert "SEEN" in first.probes[0]["output"]
    later = [m for m in model.calls if call_of(m) == "diagnose"][-1]
    assert "one column ranks nearly all" in str(later[1].content)


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
