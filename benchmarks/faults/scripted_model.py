"""The scripted model of the fault runs: every reply follows from the place in the run (trace, step, call) alone.

The programs need no library and take milliseconds. How good they are follows from trace and step too: some steps are
accepted, some rejected, some tie, and some programs have to be mended first.
"""

import hashlib
import json
import random
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

ROWS = 400
CODING = ("draft", "edit", "debug", "merge")
"""Calls that are replied to with a program."""

PROGRAM = """\
# step {name}
import csv
import random
import sys
import time

rows = list(csv.DictReader(open("input/test.csv")))
noise = random.Random("{name}")
time.sleep({seconds})
{trouble}
with open("submission.csv", "w", newline="") as file:
    out = csv.writer(file)
    out.writerow(["id", "y"])
    for row in rows:
        out.writerow([row["id"], float(row["a"]) + 2 * float(row["b"]) + {error} * noise.gauss(0, 1)])
"""


def write_task(folder: Path) -> Path:
    """y = a + 2 b + noise: 400 labelled rows, 100 to predict, rmse."""
    folder.mkdir(parents=True)
    rng = random.Random(0)
    points = [(i, rng.gauss(0, 1), rng.gauss(0, 1)) for i in range(ROWS + 100)]
    train = [f"{i},{a:.4f},{b:.4f},{a + 2 * b + rng.gauss(0, 0.3):.4f}" for i, a, b in points[:ROWS]]
    test = points[ROWS:]
    _write(folder / "train.csv", "id,a,b,y", train)
    _write(folder / "test.csv", "id,a,b", [f"{i},{a:.4f},{b:.4f}" for i, a, b in test])
    _write(folder / "sample_submission.csv", "id,y", [f"{i},0" for i, _, _ in test])
    (folder / "description.md").write_text("Predict y.\n")
    (folder / "task.yaml").write_text("name: line\nmetric: rmse\ntarget: y\nid: id\n")
    return folder


def _write(path: Path, header: str, lines: list[str]) -> None:
    path.write_text("\n".join([header, *lines]) + "\n")


def place_of(messages: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Where in the run a prompt stands: call, trace, step, debug round, and turn since the prompt of its call."""
    facts: dict[str, Any] = {}
    asked = 0
    for i, message in enumerate(messages):
        blocks = re.findall(r"<context>\n(.*?)\n</context>", str(message["content"]), re.DOTALL)
        for block in blocks if message["role"] == "user" else ():
            facts |= json.loads(block)
            asked = i
    return {
        "call": facts["call"],
        "trace": facts["trace"],
        "step": facts["step"],
        "round": (facts.get("error") or {}).get("round", 0),
        "turn": (len(messages) - 1 - asked) // 2,
    }


def key_of(messages: Sequence[dict[str, Any]]) -> str:
    """The key under which the run's journal keeps the reply to this prompt."""
    place = place_of(messages)
    rounds = place["round"] if place["call"] in CODING else ""
    return f"{place['trace']}:{place['step']}:{place['call']}{rounds}:{place['turn']}"


def reply_with_hands(messages: Sequence[dict[str, Any]]) -> str:
    """As `reply_to`, after a probe in each diagnosis and a trial of each program, written as text."""
    place = place_of(messages)
    if place["turn"] or place["call"] not in ("diagnose", *CODING):
        tried = place["turn"] and place["call"] in CODING
        return "It is handed in as it was tried." if tried else reply_to(messages)
    if place["call"] == "diagnose":
        return "```probe\nprint(len(open('input/train.csv').readlines()), 'rows')\n```\n"
    return reply_to(messages).replace("```python", "```try")


def reply_to(messages: Sequence[dict[str, Any]]) -> str:
    """The reply that belongs to the prompt's place in the run."""
    place = place_of(messages)
    trace, step = place["trace"], place["step"]
    luck = _luck(trace, step)
    if place["call"] in CODING:
        broken = place["call"] != "debug" and luck["broken"]
        program = PROGRAM.format(
            name=f"{trace}:{step}",
            seconds=luck["seconds"],
            error=luck["error"],
            trouble="sys.exit('not yet')" if broken else "",
        )
        return f"Here it is.\n```python\n{program}```\n"
    hypothesis = {
        "statement": f"step{step}_of_trace{trace}_errs_by_{luck['error']}",  # no two are alike
        "component": luck["component"],
        "predicted_gain": 0.01,
    }
    return json.dumps(_replies(hypothesis, luck["sound"])[place["call"]])


def _luck(trace: int, step: int) -> dict[str, Any]:
    """What a step is dealt; errors shrink with the steps, so that there is something to accept for a while."""
    seed = int(hashlib.sha256(f"{trace}:{step}".encode()).hexdigest()[:8], 16)
    rng = random.Random(seed)
    return {
        "error": round(rng.uniform(0.0, 2.0) / (1 + step / 4), 4),
        "seconds": round(rng.uniform(0, 0.1), 3),
        "broken": rng.random() < 0.2,
        "sound": rng.random() < 0.5,
        "component": rng.choice(["data", "features", "model"]),
    }


def _replies(hypothesis: dict[str, Any], sound: bool) -> dict[str, Any]:
    judgement = {
        "accept": sound,
        "reason": "sound" if sound else "not worth it",
    }
    choice = {"decision": "select", "hypothesis": hypothesis, "plan": ["do it"], "reason": "best"}
    challenge = {"caption": "error", "statement": "there is error left", "source": "scenario"}
    return {
        "diagnose": {
            "diagnosis": "there is error left",
            "challenges": [challenge],
            "hypotheses": [hypothesis],
        },
        "choose": choice,
        "propose": choice,
        "judge": judgement,
    }
