"""Play AIDE's own search on the bank, its package unmodified, with a loopback model; results go to results.jsonl too.

    python -m benchmarks.lab.aide_runs --aide-python AIDE/bin/python --seeds 20

The model is the undirected one of the arm `tree`: a change that the journal does not hold, one as likely as the other.
"""

import argparse
import ast
import json
import os
import re
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.lab.nodes import CALL_S, CALL_SPREAD, FOLD_S, Graded
from benchmarks.lab.reasoner import draft, undirected
from benchmarks.lab.run import RESULTS, path
from benchmarks.lab.space import Point
from benchmarks.lab.tasks import SOURCES
from benchmarks.lab.world import SAMPLES, World, world_of
from benchmarks.loopback import Loopback
from gome.tools.records.jsonl import append_line, read_lines

ARM = "aide"
STEPS = 24
AGENT = Path(__file__).with_name("aide_agent.py")
SAID = "validation metric"
EXECUTE = "print what the program prints: "
CALLS = 2
"""A program with its idea, and the review of what it printed."""


def answer(body: dict[str, Any]) -> dict[str, Any]:
    """The model: a program as AIDE asks for it, or the review of one."""
    text = "\n".join(str(m["content"]) for m in body["messages"])
    if tools := body.get("tools"):
        found = re.search(rf"{SAID}: (\S+) (\S+)", text)
        assert found is not None
        review = {
            "is_bug": False,
            "summary": "It ran.",
            "metric": float(found[1]),
            "lower_is_better": found[2] == "lower",
        }
        call = {"name": tools[0]["function"]["name"], "arguments": json.dumps(review)}
        return {"tool_calls": [{"id": "1", "type": "function", "function": call}]}
    where = re.search(r"run (\w+):(\d+)", text)
    assert where is not None
    name, seed = where[1], int(where[2])
    world, tried = world_of(name, seed % SAMPLES), set(re.findall(r"Design: (.+)", text))
    if EXECUTE in text:
        return {"content": _printed(world, text)}
    if before := re.search(r"Previous solution.*?```(?:python)?\n(.*?)```", text, re.DOTALL):
        rng = np.random.default_rng([seed, len(tried), text.count("Design: ")])
        change = undirected(world, place_of(before[1]), tried, rng)
    else:
        change = draft(world, seed, text.count("Design: "))
    return {"content": f"{change.statement}\n\n```python\n{json.dumps(change.point)}\n```"}


def _printed(world: World, text: str) -> str:
    """The search score of a program. Not a whole number: AIDE takes that for a bug."""
    program = re.search(r"```\n(.*)\n```", text, re.DOTALL)
    assert program is not None
    value = world.score(world.number(place_of(program[1])))["value"]
    return f"{SAID}: {value + 1e-9!r} {'lower' if world.task.direction == 'minimize' else 'higher'}"


def place_of(program: str) -> Point:
    """The place in the space of a program, which AIDE has laid out in lines of its own."""
    return tuple(ast.literal_eval(program.strip()))


def rows(given: argparse.Namespace, folder: Path, url: str) -> Iterator[dict[str, Any]]:
    """A line for results.jsonl for each task and seed that has none yet."""
    done = {(r["task"], r["seed"]) for r in read_lines(given.results) if r["arm"] == ARM}
    env = {**os.environ, "OPENAI_BASE_URL": url, "OPENAI_API_KEY": "none", "PYTHONPATH": ""}
    command = [given.aide_python, str(AGENT)]
    with subprocess.Popen(
        command, env=env, cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as agent:
        assert agent.stdin is not None
        assert agent.stdout is not None
        for name, seed in ((name, seed) for seed in range(given.seeds) for name in given.tasks):
            if (name, seed) in done:
                continue
            world = world_of(name, seed % SAMPLES)
            asked = {"run": f"{name}:{seed}", "steps": STEPS, "seed": seed}
            agent.stdin.write(json.dumps(asked) + "\n")
            agent.stdin.flush()
            yield {
                "task": name,
                "seed": seed,
                "arm": ARM,
                **_measured(world, seed, json.loads(agent.stdout.readline())),
            }
        agent.stdin.close()


def _measured(world: World, seed: int, steps: list[list[str]]) -> dict[str, Any]:
    """As of a run of ours; the time is that of one process which waits for its model and runs one program at a time."""
    rng, now, graded = np.random.default_rng(seed), 0.0, []
    for program, best in steps:
        now += float(np.sum(CALL_S * np.exp(CALL_SPREAD * rng.standard_normal(CALLS))))
        number = world.number(place_of(program))
        now += len(world.folds) * float(world.seconds[number]) * FOLD_S
        graded.append(Graded(now, number, accepted=program == best))
    curve = list(path(world, graded))
    return {"graded": len(graded), "worth": curve[-1][2], "curve": curve}


def main(argv: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.lab.aide_runs", description=__doc__.splitlines()[0]
    )
    parser.add_argument("--aide-python", required=True, help="interpreter of an environment with aideml")
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--minutes", type=float, default=60.0, help="begin no further run after so long")
    parser.add_argument("--tasks", nargs="*", default=list(SOURCES), choices=list(SOURCES), metavar="TASK")
    parser.add_argument("--results", type=Path, default=RESULTS)
    given = parser.parse_args(argv)
    server = Loopback(answer, lambda body: None)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    end = time.monotonic() + 60 * given.minutes
    with tempfile.TemporaryDirectory(prefix="gome-lab-aide-") as folder:
        for row in rows(given, Path(folder), server.url):
            append_line(given.results, row)
            if time.monotonic() > end:
                break
    server.shutdown()
    return 0


if __name__ == "__main__":
    sys.exit(main())
