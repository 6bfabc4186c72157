"""Whole runs of tasks without train and test tables: the worked examples of docs/adapters.md, one of them killed."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from gome.graph.run import build_graph
from gome.state.config import RunConfig
from gome.tools.records.history import History
from gome.tools.records.jsonl import read_lines
from tests.adapter_tasks import LEVELS, PICTURES, write_class_folders, write_long_form
from tests.openai_server import Endpoint
from tests.scripted import ScriptedModel, player

pytestmark = pytest.mark.slow
ROLES = ("researcher", "coder", "critic")
EDITS = {PICTURES: ("SCALE = 20.0", "SCALE = 8.0"), LEVELS: ("FACTOR = 1.0", "FACTOR = 3.0")}


def coder(program: str) -> ScriptedModel:
    """Drafts `program`, and makes it better at the next step."""
    before, after = EDITS[program]

    def code(facts: dict[str, Any]) -> str:
        if facts["call"] == "draft":
            return f"```python\n{program}```"
        return f"<<<<<<< SEARCH\n{before}\n=======\n{after}\n>>>>>>> REPLACE"

    return player(code)


def run(task: Path, out: Path, model: ScriptedModel, **options: Any) -> dict[str, Any]:
    settings = {"traces": 1, "steps": 2, "folds": 2, "selection_seeds": 1, "finalists": 1, **options}
    graph = build_graph(models=dict.fromkeys(ROLES, model)).compile()
    return graph.invoke({"task": str(task)}, context=RunConfig(run_dir=str(out), **settings))["result"]


def test_pictures_in_class_folders(tmp_path: Path) -> None:
    task, model = write_class_folders(tmp_path / "task"), coder(PICTURES)
    result = run(task, tmp_path / "out", model)
    assert result["submission_ok"]
    assert result["naive"]["search"]["value"] == pytest.approx(np.log(3))
    assert result["best"]["selection"]["value"] < 0.1
    sample, given = (pd.read_csv(p) for p in (task / "sample_submission.csv", result["submission"]))
    assert list(given.columns) == list(sample.columns)
    assert list(given["id"]) == list(sample["id"])
    draft = next(str(m[1].content) for m in model.calls if "\n# draft\n" in str(m[1].content))
    assert "train/cat/: " in draft
    assert re.search(
        r"train/cat/\*\.png: \d+ files, 8 of them read: picture; .*width: 8; height: 8; mode: L", draft
    )
    assert "train table" not in draft.split("<context>")[0]


def test_what_a_program_sees_has_no_hidden_unit(tmp_path: Path) -> None:
    task = write_class_folders(tmp_path / "task")
    run(task, tmp_path / "out", coder(PICTURES), steps=1)
    real = {p.stem: p.parent.name for p in task.glob("train/*/*.png")}
    inputs = tmp_path / "out" / "inputs"
    held_back = {p.stem for p in (inputs / "selection-0" / "test").iterdir()}
    assert held_back <= set(real)
    graded: list[str] = []
    for fold in [inputs / "smoke-0", *inputs.glob("search-*")]:
        test = {p.stem for p in (fold / "test").iterdir()}
        known = {p.stem: p.parent.name for p in fold.glob("train/*/*.png")}
        assert not held_back & (test | set(known))
        assert not test & set(known)
        assert known.items() <= real.items()
        assert set(pd.read_csv(fold / "sample_submission.csv")["id"]) == test
        for name in test:
            own = task / "train" / real[name] / f"{name}.png"
            assert (fold / "test" / f"{name}.png").read_bytes() == own.read_bytes()
        graded += [] if fold.name == "smoke-0" else test
    assert set(graded) == set(real) - held_back


def test_json_lines_in_long_form_with_a_grader(tmp_path: Path) -> None:
    task = write_long_form(tmp_path / "task")
    adapter = (task / "adapter.py").rename(tmp_path / "mine.py")
    result = run(task, tmp_path / "out", coder(LEVELS), adapter=str(adapter))
    assert result["submission_ok"]
    assert result["accepted"] == 2
    assert result["best"]["selection"]["value"] < 0.5 < result["naive"]["selection"]["value"]
    answers = pd.read_csv(tmp_path / "out" / "answers" / "selection-0.csv")
    records = {r["id"]: r for r in map(json.loads, (task / "train.jsonl").read_text().splitlines())}
    sites = {records[unit]["site"] for unit in answers["__unit__"]}
    for line in (tmp_path / "out" / "inputs" / "search-0" / "train.jsonl").read_text().splitlines():
        assert json.loads(line)["site"] not in sites
    assert not (tmp_path / "out" / "inputs" / "search-0" / "mine.py").exists()


def test_kill_and_resume(tmp_path: Path) -> None:
    task, out = write_class_folders(tmp_path / "task"), tmp_path / "out"
    options = ["--traces", "1", "--steps", "2", "--folds", "2", "--finalists", "1"]
    options += ["--selection-seeds", "1", "--run-dir", "out"]
    with Endpoint(coder(PICTURES).script) as endpoint:
        model = ["--model", "openai:played", "--base-url", endpoint.url]
        first = gome(["run", str(task), *options, *model], tmp_path)
        deadline = time.monotonic() + 300
        while not History(out / "history.jsonl").records():
            assert first.poll() is None, (tmp_path / "log.txt").read_text()[-2000:]
            assert time.monotonic() < deadline
            time.sleep(0.02)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
        laid_out = {p.name: p.readlink() for p in (out / "inputs").iterdir() if p.is_symlink()}
        finished = {p.name: p.stat().st_mtime_ns for p in (out / "results").glob("*.json")}
        (task / "adapter.py").write_text("raise ValueError('the run has its own copy')\n")
        assert gome(["resume", "out"], tmp_path).wait(timeout=400) == 0, (tmp_path / "log.txt").read_text()[
            -2000:
        ]
    assert json.loads((out / "result.json").read_text())["submission_ok"]
    assert {p.name: p.readlink() for p in (out / "inputs").iterdir() if p.is_symlink()} == laid_out
    now = {p.name: p.stat().st_mtime_ns for p in (out / "results").glob("*.json")}
    assert finished.items() <= now.items()
    keys = [e["key"] for e in read_lines(out / "exchanges.jsonl")]
    assert len(keys) == len(set(keys))


def gome(arguments: list[str], folder: Path) -> subprocess.Popen[bytes]:
    log = (folder / "log.txt").open("ab")
    command = [sys.executable, "-m", "gome", *arguments]
    env = {**os.environ, "OPENAI_API_KEY": "none"}
    return subprocess.Popen(command, cwd=folder, env=env, stdout=log, stderr=log, start_new_session=True)
