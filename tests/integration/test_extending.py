"""Every example of docs/extending.md at work: the blocks are executed in order, and the last is a run of them all."""

import re
from pathlib import Path
from typing import Any

import pytest

from gome.graph.run import build_graph
from gome.state.errors import GomeError
from gome.tools.records.history import History
from tests.real_tasks import write_diabetes

PAGE = Path(__file__).resolve().parents[2] / "docs/extending.md"
BLOCK = re.compile(r'^```python(?: title="(.*?)")?\n(.*?)^```$', re.DOTALL | re.MULTILINE)
TASK = re.compile(r"^    (metric: .*)\n    (direction: .*)$", re.MULTILINE)


class Limit(float):
    """A number that notes how often something was held against it."""

    asked = 0

    def __lt__(self, other: float) -> bool:
        Limit.asked += 1
        return super().__lt__(other)


@pytest.mark.slow
def test_every_example_of_the_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page, task = PAGE.read_text(), write_diabetes(tmp_path / "diabetes")
    named = re.search(TASK, page)
    assert named
    (task / "task.yaml").write_text(
        "\n".join(["name: diabetes", "target: progression", "id: id", *named.groups()])
    )
    names: dict[str, Any] = {"task": str(task), "Limit": Limit}
    for title, code in BLOCK.findall(page):
        if title:
            (task / title).write_text(code)
        else:
            exec(code.replace("busy = 100.0", "busy = Limit(100.0)"), names)
    records = History(next((tmp_path / "runs").iterdir()) / "history.jsonl").records()
    declined = [r.step for r in records if r.reason == "LightGBM is not wanted here"]
    assert len(records) == 2
    assert [r.step for r in records if r.parent is None] == [0, 1], "the optimizer drafts in the second step"
    assert declined == [1], "the runner met a program with LightGBM"
    assert records[0].evaluation["score"]["value"] <= 1, "graded by the task's own metric"
    assert names["result"]["submission_ok"]
    assert names["model"].calls >= len(records)
    assert Limit.asked == len(names["seconds"]) > len(records), "every program passed scheduler and executor"


def test_a_node_that_there_is_not(tmp_path: Path) -> None:
    with pytest.raises(GomeError, match=r"'judge'.*researcher, reviewer, coder, runner, critic"):
        build_graph(nodes={"judge": lambda state, services: {}})
