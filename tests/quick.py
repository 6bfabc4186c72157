"""Programs that take a fraction of a second: of the standard library alone, or with a reader of Parquet."""

import json
from collections.abc import Callable
from functools import reduce
from typing import Any

from tests.openai_server import Answer, Endpoint
from tests.scripted import HYPOTHESIS, ScriptedModel, facts_of, player

PROGRAM = """\
import csv

train = list(csv.DictReader(open("input/train.csv")))
test = list(csv.DictReader(open("input/test.csv")))
names = [n for n in ("bmi", "s5", "bp")][:1]
sample = list(csv.reader(open("input/sample_submission.csv")))[0]
y = [float(r["progression"]) for r in train]
mean = sum(y) / len(y)
slopes = [sum(float(r[n]) * (v - mean) for r, v in zip(train, y)) / sum(float(r[n]) ** 2 for r in train) for n in names]
with open("submission.csv", "w", newline="") as out:
    rows = csv.writer(out)
    rows.writerow(sample)
    for r in test:
        rows.writerow([r[sample[0]], mean + sum(s * float(r[n]) for s, n in zip(slopes, names)) / len(names)])
"""
"""Predicts diabetes progression (`tests.real_tasks.write_diabetes`, `examples.small`) from the first 1, 2, 3 columns."""
_OF_PARQUET = (
    ("import csv\n", "import csv\n\nimport pyarrow.parquet as parquet\n"),
    (
        'list(csv.DictReader(open("input/train.csv")))',
        'parquet.read_table("input/train.parquet").to_pylist()',
    ),
    ('list(csv.DictReader(open("input/test.csv")))', 'parquet.read_table("input/test.parquet").to_pylist()'),
    (
        'list(csv.reader(open("input/sample_submission.csv")))[0]',
        'parquet.read_schema("input/sample_submission.parquet").names',
    ),
)


def program_for(task: dict[str, Any]) -> str:
    """The program for a task of CSV or of Parquet, as tables from memory are."""
    if task["train"].endswith(".csv"):
        return PROGRAM
    return reduce(lambda text, change: text.replace(*change), _OF_PARQUET, PROGRAM)


def quick_model(**replies: str | Callable[[dict[str, Any]], str]) -> ScriptedModel:
    """Drafts the program with one column, and edits it to one more at every step; its words name trace and step,
    and no two are alike."""

    def code(facts: dict[str, Any]) -> str:
        if facts["call"] == "draft":
            return f"```python\n{program_for(facts['task'])}```"
        n = facts["step"]
        return f"<<<<<<< SEARCH\n[:{n}]\n=======\n[:{n + 1}]\n>>>>>>> REPLACE"

    def choose(facts: dict[str, Any]) -> str:
        statement = f"columns{facts['step'] + 1}_in_trace{facts['trace']}"
        return json.dumps(
            {"decision": "create", "hypothesis": {**HYPOTHESIS, "statement": statement}, "plan": ["do it"]}
        )

    return player(code, **{"choose": choose, **replies})


class QuickEndpoint(Endpoint):
    """The quick model behind an endpoint that is down for the steps in `down`: who asks there waits."""

    def __init__(self, **replies: Any) -> None:
        self.down: set[int] = set()
        self._script = quick_model(**replies).script
        super().__init__(self._reply)

    def _reply(self, messages: list[Any]) -> Answer | str:
        if len(messages) < 2:  # a run asks whether the endpoint is back
            return Answer("ok") if not self.down else Answer("down", status=503)
        if facts_of(messages)["step"] in self.down:
            return Answer("down", status=503, headers={"retry-after": "0.2"})
        return self._script(messages)
