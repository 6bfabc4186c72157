"""Which step a program was made of, where several steps wrote the same one."""

from gome.state.parts import Verdict
from gome.state.step import StepRecord
from gome.tools.records.ancestry import parents


def step(name: str, code: str, parent: str | None, verdict: Verdict = "accepted") -> StepRecord:
    trace, number = map(int, name.split(":"))
    return StepRecord(name, trace, number, verdict, code=code, parent=parent)


def test_the_parent_is_of_the_same_trace_if_one_is() -> None:
    rows = [
        step("0:0", "draft", None),
        step("0:1", "trees", "draft"),
        step("0:2", "draft", "trees"),  # back to the first program
        step("0:3", "bags", "draft"),
        step("1:0", "draft", None),
        step("1:1", "bags", "draft", "rejected"),
        step("1:2", "more", "bags"),  # a restart: only trace 0 has taken these bags over, in a later step
        step("1:3", "lost", "nowhere"),
        step("1:4", "more", "more"),  # the same program again
    ]
    found = {later: parent.id for later, parent in parents(rows).items()}
    assert found == {"0:1": "0:0", "0:2": "0:1", "0:3": "0:2", "1:1": "1:0", "1:2": "0:3", "1:4": "1:2"}
