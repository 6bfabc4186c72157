"""The agent's own time a step, Gome beside AIDE: one model that answers at once, programs that take no time.

python -m benchmarks.overhead.run --aide-python AIDE/bin/python --steps 50 --rounds 3

The footing is the same: one task, one loopback server for both, reached by the OpenAI client of each; a program of the
standard library, run by the executor of each; no live display. The agents take turns, so that a busy machine is busy for
both. What differs is what a step is: see the README.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
import threading
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.faults.scripted_model import reply_to, write_task
from benchmarks.faults.watch import as_table
from benchmarks.loopback import Loopback

HERE = Path(__file__).parent
PROGRAM = """\
I predict y by a sum.

```python
import csv

rows = list(csv.DictReader(open("input/test.csv")))
with open("working/submission.csv", "w", newline="") as file:
    out = csv.writer(file)
    out.writerow(["id", "y"])
    for row in rows:
        out.writerow([row["id"], float(row["a"]) + 2 * float(row["b"])])
print("rmse: 0.3")
```
"""
REVIEW = {"is_bug": False, "summary": "rmse is 0.3", "metric": 0.3, "lower_is_better": True}


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """AIDE's code and review, or the scripted model's reply to Gome, its programs without their sleep."""
    if tools := body.get("tools"):
        call = {"name": tools[0]["function"]["name"], "arguments": json.dumps(REVIEW)}
        return {"tool_calls": [{"id": "1", "type": "function", "function": call}]}
    if len(body["messages"]) > 1 and "<context>" in str(body["messages"][1]["content"]):
        return {"content": re.sub(r"time\.sleep\(.*?\)", "pass", reply_to(body["messages"]))}
    return {"content": PROGRAM}


def measured(command: list[str], cwd: Path, url: str) -> dict[str, Any]:
    """What the process says of itself: steps, wall and CPU seconds."""
    env = {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none"}
    done = subprocess.run(command, cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"{command[:3]} ended with {done.returncode}: {done.stderr[-2000:]}")
    return dict(json.loads(done.stdout.splitlines()[-1]))


def rows(work: Path, aide: str, steps: int, rounds: int) -> list[dict[str, Any]]:
    """A row for each agent: medians over the rounds."""
    task, asked = write_task(work / "line"), Counter[str]()
    agent = ""
    server = Loopback(answer, lambda body: asked.update([agent]))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    found: dict[str, list[dict[str, Any]]] = {"Gome": [], "AIDE": []}
    root = HERE.parents[1]
    for number in range(rounds):
        agent = "Gome"
        command = [sys.executable, "-m", "benchmarks.overhead.gome_steps", str(task), str(steps), server.url]
        found[agent].append(measured([*command, str(work / f"gome{number}")], root, server.url))
        agent = "AIDE"
        folder = work / f"aide{number}"
        folder.mkdir()
        command = [aide, str(HERE / "aide_steps.py"), str(task), str(steps)]
        found[agent].append(measured(command, folder, server.url))
    server.shutdown()
    return [
        {
            "agent": name,
            "steps": steps,
            "ms a step": round(statistics.median(1000 * r["wall"] / r["steps"] for r in runs)),
            "CPU ms of the agent": round(statistics.median(1000 * r["cpu"] / r["steps"] for r in runs)),
            "model calls a step": round(asked[name] / rounds / (steps + 1), 1),
        }
        for name, runs in found.items()
    ]


def main() -> None:
    """Measure, and print the table and the ratio."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--aide-python", required=True, help="interpreter of an environment with aideml")
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--rounds", type=int, default=3)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="gome-overhead-") as work:
        table = rows(Path(work), given.aide_python, given.steps, given.rounds)
    print(as_table(table))
    gome, aide = table
    for figure in ("ms a step", "CPU ms of the agent"):
        print(f"Gome / AIDE, {figure}: {gome[figure] / aide[figure]:.2f}")


if __name__ == "__main__":
    main()
