"""A real model that is too weak for the work: the run ends within its budget and says why each step was lost.

Opt-in: needs a server, see benchmarks/weak/README.md.
"""

import json
import os
from pathlib import Path

import pytest

from gome.cli.main import main

pytestmark = pytest.mark.weak_model
URL = os.environ.get("GOME_WEAK_MODEL_URL")


@pytest.mark.skipif(not URL, reason="GOME_WEAK_MODEL_URL names no server of a weak model")
@pytest.mark.parametrize("role", ["researcher", "coder", "critic"])
def test_a_run_survives_a_model_that_only_disappoints(diabetes: Path, tmp_path: Path, role: str) -> None:
    out = tmp_path / "out"
    small = "--context-tokens 2000 --traces 1 --steps 2 --finalists 1 --selection-seeds 1 --time-limit-s 600"
    model = ["--role-model", f"{role}=openai:smollm2-135m", "--base-url", str(URL)]
    code = main(["run", str(diabetes), "--run-dir", str(out), *model, *small.split()])
    result = json.loads((out / "result.json").read_text())
    steps = [json.loads(line) for line in (out / "history.jsonl").read_text().splitlines()]
    assert code == (0 if result["best"] else 1)  # the constant submission stands in any case
    assert result["seconds"] < 660
    assert all(step["reason"] for step in steps)
    assert (out / "report.html").is_file()
