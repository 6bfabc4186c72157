"""AIDE's Agent, unmodified, on the bank; run by the interpreter of an environment that has `aideml`.

A line of JSON on standard input is one run: {"run", "steps", "seed"}. The line that answers it has, for each step, the
program and the best one by AIDE's own journal. Who answers for the model also says what a program prints.
"""

import json
import os
import random
import sys
import urllib.request

from aide.agent import Agent
from aide.interpreter import ExecutionResult
from aide.journal import Journal
from aide.utils.config import _load_cfg

EXECUTE = "print what the program prints: "


def printed(run: str, code: str) -> str:
    """What the bank says that a program prints."""
    body = {"messages": [{"role": "user", "content": f"{EXECUTE}run {run}\n```\n{code}\n```"}]}
    url = f"{os.environ['OPENAI_BASE_URL']}/chat/completions"
    request = urllib.request.Request(url, json.dumps(body).encode(), {"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as reply:
        return str(json.load(reply)["choices"][0]["message"]["content"])


def played(run: str, steps: int, seed: int) -> list[list[str]]:
    """(program, best program so far) of each step of one run."""
    random.seed(seed)
    cfg = _load_cfg(use_cli_args=False)
    cfg.workspace_dir = os.getcwd()  # an empty folder: there are no data to look at
    cfg.agent.code.model = cfg.agent.feedback.model = "loopback"
    journal = Journal()
    agent = Agent(task_desc=f"run {run}", cfg=cfg, journal=journal)

    def execute(code: str, reset_session: bool = True) -> ExecutionResult:
        return ExecutionResult([printed(run, code.strip())], 1.0, None)

    found = []
    for _ in range(steps):
        agent.step(execute)
        best = journal.get_best_node()
        found.append([journal.nodes[-1].code.strip(), best.code.strip() if best else ""])
    return found


def main() -> None:
    """Play what is asked for until the input ends."""
    for line in sys.stdin:
        asked = json.loads(line)
        print(json.dumps(played(asked["run"], asked["steps"], asked["seed"])), flush=True)


if __name__ == "__main__":
    main()
